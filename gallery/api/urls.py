from django.urls import path

from gallery.api import own

urlpatterns = [
    path("posts", own.PostsView.as_view(), name="api-posts"),
    path("posts/<int:post_id>", own.PostView.as_view(), name="api-post"),
    path("posts/<int:post_id>/publish", own.PostPublishView.as_view(), name="api-post-publish"),
    path("posts/<int:post_id>/restore", own.PostRestoreView.as_view(), name="api-post-restore"),
    path("posts/<int:post_id>/images", own.PostImagesView.as_view(), name="api-post-images"),
    path("posts/<int:post_id>/images/order", own.PostImageOrderView.as_view(), name="api-post-image-order"),
    path("images", own.ImagesView.as_view(), name="api-images"),
    path("images/<int:image_id>", own.ImageView.as_view(), name="api-image"),
    path("images/<int:image_id>/resources", own.ImageResourcesView.as_view(), name="api-image-resources"),
    path("image-resources/<int:resource_id>", own.ImageResourceView.as_view(), name="api-image-resource"),
]
