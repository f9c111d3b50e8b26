"""Under `/api/safelight/v1/`: people and talk."""

from django.urls import path

from community.api import comments, following, notifications, people, reports, topics

urlpatterns = [
    path("me", people.MeView.as_view(), name="api-me"),
    path("comments/<int:comment_id>", comments.CommentView.as_view(), name="api-comment"),
    path("comments/<int:comment_id>/remove", comments.RemoveCommentView.as_view(), name="api-comment-remove"),
    path("follows", following.FollowsView.as_view(), name="api-follows"),
    path("follows/<slug:kind>/<path:thing>", following.FollowView.as_view(), name="api-follow"),
    path("mutes", following.MutesView.as_view(), name="api-mutes"),
    path("mutes/<slug:kind>/<path:thing>", following.MuteView.as_view(), name="api-mute"),
    path("notifications", notifications.NotificationsView.as_view(), name="api-notifications"),
    path("notifications/read", notifications.NotificationsReadView.as_view(), name="api-notifications-read"),
    path("reports", reports.ReportsView.as_view(), name="api-reports"),
    path("topics", topics.TopicsView.as_view(), name="api-topics"),
    path("topics/<int:topic_id>", topics.TopicView.as_view(), name="api-topic"),
    path("topics/<int:topic_id>/comments", topics.TopicCommentsView.as_view(), name="api-topic-comments"),
    path("topics/<int:topic_id>/remove", topics.RemoveTopicView.as_view(), name="api-topic-remove"),
]
