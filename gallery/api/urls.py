from django.urls import path

from gallery.api import own, social

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
    path("images/<int:image_id>/comments", social.ImageCommentsView.as_view(), name="api-image-comments"),
    path("images/<int:image_id>/reactions/<slug:kind>", social.ImageReactionView.as_view(), name="api-image-react"),
    path("collections", social.CollectionsView.as_view(), name="api-collections"),
    path("collections/<slug:code>", social.CollectionView.as_view(), name="api-collection"),
    path("collections/<slug:code>/comments", social.CollectionCommentsView.as_view(), name="api-collection-comments"),
    path("collections/<slug:code>/items", social.CollectionItemsView.as_view(), name="api-collection-items"),
    path("collections/<slug:code>/items/order", social.CollectionOrderView.as_view(), name="api-collection-order"),
    path(
        "collections/<slug:code>/items/<int:item_id>", social.CollectionItemView.as_view(), name="api-collection-item"
    ),
    path("image-resources/<int:resource_id>", own.ImageResourceView.as_view(), name="api-image-resource"),
]
