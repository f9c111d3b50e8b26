"""Tables of people and talk."""

from community.models.following import Follow, Mute
from community.models.moderation import ModerationAct
from community.models.notifications import Announcement, Notice, NoticeEvent
from community.models.people import Invitation, User, Viewer
from community.models.reactions import Reaction
from community.models.reports import Appeal, BlockedHash, Case, Decision, Report
from community.models.subjects import Comment, Subject
from community.models.tokens import ApiToken
from community.models.topics import Topic, TopicSearch

__all__ = [
    "Announcement",
    "ApiToken",
    "Appeal",
    "BlockedHash",
    "Case",
    "Comment",
    "Decision",
    "Follow",
    "Invitation",
    "ModerationAct",
    "Mute",
    "Notice",
    "NoticeEvent",
    "Reaction",
    "Report",
    "Subject",
    "Topic",
    "TopicSearch",
    "User",
    "Viewer",
]
