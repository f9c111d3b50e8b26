"""Addresses of images and posts."""

from django.urls import path

from gallery.views import collections, feeds, from_renders, images, media, posts, remix, workbench

app_name = "gallery"
urlpatterns = [
    path("images", images.image_list, name="images"),
    path("images.atom", feeds.images_feed, name="images-feed"),
    path("people/<str:name>.atom", feeds.person_feed, name="person-feed"),
    path("people/<str:name>/posts.atom", feeds.person_posts_feed, name="person-posts-feed"),
    path("posts.atom", feeds.posts_feed, name="posts-feed"),
    path("tags.atom", feeds.tag_feed, name="tag-feed"),
    path("<str:owner>/<str:name>/feed.atom", feeds.model_feed, name="model-feed"),
    path("images/<int:image_id>", images.image_page, name="image"),
    path("images/read", remix.read_picture, name="read-picture"),
    path("images/<int:image_id>/remix", remix.remix, name="remix"),
    path("images/<int:image_id>/workflow.json", media.image_workflow, name="image-workflow"),
    path("media/images/<int:image_id>/original", media.image_original, name="image-original"),
    path("media/images/<int:image_id>/<int:width>.<slug:format>", media.image_rendition, name="image-rendition"),
    path("collections", collections.own_collections, name="collections"),
    path("collections/save/<int:subject_id>", collections.collect, name="collect"),
    path("collections/of/<str:name>", collections.person_collections, name="person-collections"),
    path("collections/<str:address>.atom", feeds.collection_feed, name="collection-feed"),
    path("collections/<str:address>", collections.collection_page, name="collection"),
    path("collections/<str:address>/edit", collections.collection_edit, name="collection-edit"),
    path("collections/<str:address>/delete", collections.collection_delete, name="collection-delete"),
    path("collections/<str:address>/items/<int:item_id>", collections.collection_item, name="collection-item"),
    path("posts/new", posts.post_new, name="post-new"),
    path("posts/from-render/<uuid:result_id>", from_renders.post_render, name="post-render"),
    path("posts/<int:post_id>", posts.post_page, name="post"),
    path("posts/<int:post_id>/edit", workbench.post_edit, name="post-edit"),
    path("posts/<int:post_id>/publish", posts.post_publish, name="post-publish"),
    path("posts/<int:post_id>/unschedule", posts.post_unschedule, name="post-unschedule"),
    path("posts/<int:post_id>/delete", posts.post_delete, name="post-delete"),
    path("posts/<int:post_id>/restore", posts.post_restore, name="post-restore"),
]
