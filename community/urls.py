"""People and talk. A person's page stands at `/{name}`; see `OwnerConverter` for how that leaves room for others."""

from django.urls import path, register_converter

from community.converters import OwnerConverter
from community.views import comments, people, settings

register_converter(OwnerConverter, "owner")

app_name = "community"
urlpatterns = [
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
    path("<owner:name>", people.profile, name="profile"),
]
