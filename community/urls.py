"""People and talk. A person's page stands at `/{name}`; see `OwnerConverter` for how that leaves room for others."""

from django.urls import path, register_converter

from community.converters import OwnerConverter
from community.views import (
    comments,
    crawling,
    feeds,
    following,
    moderation,
    notifications,
    people,
    reactions,
    reports,
    settings,
    topics,
)

register_converter(OwnerConverter, "owner")

app_name = "community"
urlpatterns = [
    path("robots.txt", crawling.robots, name="robots"),
    path("sitemap.xml", crawling.sitemap, name="sitemap"),
    path("settings", settings.index, name="settings"),
    path("settings/profile", settings.edit_profile, name="settings-profile"),
    path("settings/tokens", settings.tokens, name="tokens"),
    path("settings/tokens/<int:token_id>/revoke", settings.end_token, name="token-revoke"),
    path("settings/invitations", settings.invitations, name="invitations"),
    path("settings/invitations/<int:invitation_id>/end", settings.end_invitation, name="invitation-end"),
    path("people/<int:person_id>/role", people.change_role, name="change-role"),
    path("comments/on/<int:subject_id>", comments.subject_comments, name="comments"),
    path("comments/<int:comment_id>/edit", comments.edit, name="comment-edit"),
    path("comments/<int:comment_id>/delete", comments.delete, name="comment-delete"),
    path("comments/<int:comment_id>/remove", comments.remove, name="comment-remove"),
    path("notifications", notifications.index, name="notifications"),
    path("notifications/<int:notice_id>", notifications.follow_notice, name="notice"),
    path("notifications/read", notifications.read, name="notifications-read"),
    path("unsubscribe/<str:code>", notifications.unsubscribe, name="unsubscribe"),
    path("follows", following.follows, name="follows"),
    path("follows/<slug:kind>/<path:thing>", following.change_follow, name="follow"),
    path("mutes", following.mutes, name="mutes"),
    path("mutes/tag", following.mute_tag, name="mute-tag"),
    path("mutes/<slug:kind>/<path:thing>", following.change_mute, name="mute"),
    path("reactions/<int:subject_id>", reactions.react, name="react"),
    path("report/<int:subject_id>", reports.report_thing, name="report"),
    path("report/<slug:kind>/<path:thing>", reports.report_named, name="report-named"),
    path("moderation", moderation.moderation_queue, name="moderation"),
    path("moderation/cases/<int:case_id>", moderation.case_page, name="moderation-case"),
    path("moderation/things/<int:subject_id>", moderation.thing_page, name="moderation-thing"),
    path("moderation/decisions/<int:decision_id>", reports.decision_page, name="decision"),
    path("moderation/decisions/<int:decision_id>/appeal", reports.appeal_decision, name="moderation-appeal"),
    path("moderation/appeals/<int:appeal_id>", moderation.settle, name="moderation-settle"),
    path("moderation/closed/<str:code>", reports.closed, name="closed"),
    path("moderation/blocked", moderation.block_list, name="moderation-blocked"),
    path("moderation/blocked/<int:block_id>/end", moderation.end_block, name="moderation-unblock"),
    path("moderation/log", moderation.public_log, name="moderation-log"),
    path("discuss", topics.topic_list, name="topics"),
    path("discuss.atom", feeds.topics_feed, name="topics-feed"),
    path("discuss/new", topics.new, name="topic-new"),
    path("discuss/<int:topic_id>", topics.topic_page, name="topic"),
    path("discuss/<int:topic_id>/edit", topics.edit, name="topic-edit"),
    path("discuss/<int:topic_id>/delete", topics.delete, name="topic-delete"),
    path("discuss/<int:topic_id>/remove", topics.remove, name="topic-remove"),
    path("<owner:name>", people.profile, name="profile"),
]
