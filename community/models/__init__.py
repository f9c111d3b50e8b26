"""Tables of people and talk."""

from community.models.moderation import ModerationAct
from community.models.people import Invitation, User, Viewer
from community.models.subjects import Comment, Subject
from community.models.tokens import ApiToken

__all__ = ["ApiToken", "Comment", "Invitation", "ModerationAct", "Subject", "User", "Viewer"]
