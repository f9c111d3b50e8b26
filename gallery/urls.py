"""Addresses of images and posts."""

from django.urls import path

from gallery.views import from_renders, images, media, posts, remix

app_name = "gallery"
urlpatterns = [
    path("images", images.image_list, name="images"),
    path("images/<int:image_id>", images.image_page, name="image"),
    path("images/read", remix.read_picture, name="read-picture"),
    path("images/<int:image_id>/remix", remix.remix, name="remix"),
    path("images/<int:image_id>/workflow.json", media.image_workflow, name="image-workflow"),
    path("media/images/<int:image_id>/original", media.image_original, name="image-original"),
    path("media/images/<int:image_id>/<int:width>.<slug:format>", media.image_rendition, name="image-rendition"),
    path("posts/new", posts.post_new, name="post-new"),
    path("posts/from-render/<uuid:result_id>", from_renders.post_render, name="post-render"),
    path("posts/<int:post_id>", posts.post_page, name="post"),
    path("posts/<int:post_id>/edit", posts.post_edit, name="post-edit"),
    path("posts/<int:post_id>/publish", posts.post_publish, name="post-publish"),
    path("posts/<int:post_id>/unschedule", posts.post_unschedule, name="post-unschedule"),
    path("posts/<int:post_id>/delete", posts.post_delete, name="post-delete"),
    path("posts/<int:post_id>/restore", posts.post_restore, name="post-restore"),
]
