"""What the pages of people and topics tell programs: schema.org, and how a link to them looks elsewhere."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.text import Truncator

from community.linked import counter, person_data
from community.models import Subject, Topic, User

_SUMMARY = 160


def profile_data(request: HttpRequest, person: User, subject: Subject | None) -> dict[str, Any]:
    """A person's page as a `ProfilePage`."""
    followers = subject.follower_count if subject else 0
    about = {"description": person.about} if person.about else {}
    return {
        "@type": "ProfilePage",
        "dateCreated": person.date_joined.isoformat(),
        "mainEntity": {
            **person_data(request, person),
            "alternateName": person.username,
            "identifier": str(person.pk),
            **about,
            "interactionStatistic": counter("FollowAction", followers),
        },
    }


def profile_share(request: HttpRequest, person: User) -> dict[str, Any]:
    return {
        "type": "profile",
        "title": str(person),
        "description": _short(person.about),
        "url": request.build_absolute_uri(person.get_absolute_url()),
    }


def topic_data(request: HttpRequest, topic: Topic) -> dict[str, Any] | None:
    """A public topic as a `DiscussionForumPosting`; nothing for one that was removed."""
    if not topic.subject.is_public:
        return None
    return {
        "@type": "DiscussionForumPosting",
        "headline": topic.title,
        "text": topic.text,
        "url": request.build_absolute_uri(topic.get_absolute_url()),
        "author": person_data(request, topic.author),
        "datePublished": topic.created_at.isoformat(),
        "dateModified": (topic.edited_at or topic.created_at).isoformat(),
        "keywords": topic.tags,
        "commentCount": topic.subject.comment_count,
        "interactionStatistic": counter("LikeAction", topic.subject.reaction_count),
    }


def topic_share(request: HttpRequest, topic: Topic) -> dict[str, Any] | None:
    if not topic.subject.is_public:
        return None
    address = request.build_absolute_uri(topic.get_absolute_url())
    return {"title": topic.title, "description": _short(topic.text), "url": address}


def _short(text: str) -> str:
    return Truncator(" ".join(text.split())).chars(_SUMMARY)
