"""Under `/api/safelight/v1/`: people and talk."""

from django.urls import path

from community.api import comments, people

urlpatterns = [
    path("me", people.MeView.as_view(), name="api-me"),
    path("comments/<int:comment_id>", comments.CommentView.as_view(), name="api-comment"),
    path("comments/<int:comment_id>/remove", comments.RemoveCommentView.as_view(), name="api-comment-remove"),
]
