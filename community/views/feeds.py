"""Topics for readers of feeds."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from community.errors import InvalidInput
from community.feeds import ANYBODY, PAGE_SIZE, Entry, Feed, address_with, asked_tag, asked_words, open_feed
from community.models import Topic
from community.services import topics

# A reader wants what is new; a page begins with what was answered last.
_SORT = "newest"


@open_feed
def topics_feed(request: HttpRequest) -> Feed:
    """`/discuss.atom?q=…&tag=…&sort=…`, as the list for people has it; the newest first unless its order is named."""
    tag, words = asked_tag(request), asked_words(request)
    sort = request.GET.get("sort", "")
    sort = sort if sort in topics.SORTS else _SORT
    cursor = request.GET.get("cursor", "")
    try:
        page = topics.topics_page(ANYBODY, sort=sort, tag=tag, words=words, cursor=cursor, size=PAGE_SIZE)
    except InvalidInput:
        cursor = ""
        page = topics.topics_page(ANYBODY, sort=sort, tag=tag, words=words, size=PAGE_SIZE)
    kept = [("q", words), ("tag", tag), ("sort", sort if sort != _SORT else "")]
    path = reverse("community:topics-feed")
    return Feed(
        key=address_with("topics", kept),
        title=_title(tag, words),
        page=address_with(reverse("community:topics"), [("q", words), ("tag", tag), ("sort", sort)]),
        address=address_with(path, [*kept, ("cursor", cursor)]),
        following=address_with(path, [*kept, ("cursor", page.next)]) if page.next else "",
        entries=topic_entries([topic.pk for topic in page.items]),
    )


def _title(tag: str, words: str) -> str:
    chosen = ", ".join(word for word in (tag, f"“{words}”" if words else "") if word)
    return _("Topics about %(tag)s") % {"tag": chosen} if chosen else _("Discuss")


def topic_entries(ids: Sequence[int]) -> list[Entry]:
    """Entries of the topics that everybody may see, in the order of `ids`. One query."""
    found = Topic.objects.visible_to(ANYBODY).select_related("author").in_bulk(ids)
    return [_entry(found[pk]) for pk in ids if pk in found]


def _entry(topic: Topic) -> Entry:
    return Entry(
        key=f"topic/{topic.pk}",
        title=topic.title,
        address=topic.get_absolute_url(),
        author=topic.author,
        updated=topic.edited_at or topic.created_at,
        published=topic.created_at,
        text=topic.text,
        people=tuple(topic.mentions),
        tags=tuple(topic.tags),
    )
