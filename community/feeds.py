"""Atom feeds (RFC 4287) of what anybody may see. Each room says what its entries are; here they become a document.

A reader of feeds has no cookies: a feed shows what an anonymous visitor sees, whoever asks for it, and speaks the
site's own language. Any cache may therefore keep one copy for all. Ids are tag URIs (RFC 4151) over numbers that are
never given twice, so that a new name, title or address makes no new entry.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import get_conditional_response
from django.utils.html import escape, format_html
from django.utils.http import http_date
from django.utils.text import Truncator
from django.views.decorators.http import require_safe

from community.errors import InvalidInput
from community.models import User
from community.search_text import MAX_QUERY_CHARACTERS
from community.services.markdown import render_markdown
from community.services.paging import decode_cursor, encode_cursor

ANYBODY: Final = AnonymousUser()
PAGE_SIZE: Final = 30
ATOM: Final = "application/atom+xml"
# Not long: what is withdrawn must not live on in caches.
CACHE: Final = "public, max-age=300"
# Signs of a text that an entry carries; the rest is behind its link.
_LONGEST: Final = 4_000
_SUMMARY: Final = 300
_LONGEST_TAG: Final = 60
# A tag URI names a day on which its authority was the site's.
_SINCE: Final = "2026"
_EMPTY: Final = datetime(2026, 1, 1, tzinfo=UTC)
# What no XML document may hold, in whatever writing: https://www.w3.org/TR/xml/#charsets
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Thumbnail:
    """A picture that everybody may fetch. `address` is a path; `size` counts bytes, 0 where nobody knows."""

    address: str
    mime: str
    alt: str
    width: int
    height: int
    size: int = 0


@dataclass(frozen=True)
class Entry:
    """One thing of a feed. `key` is its kind and number, such as `image/7`; `address` the path of its page."""

    key: str
    title: str
    address: str
    author: User
    updated: datetime
    published: datetime | None = None
    text: str = ""  # Markdown
    people: tuple[str, ...] = ()  # whom the text mentions
    facts: str = ""  # one plain line above the text
    thumbnail: Thumbnail | None = None
    more: tuple[Thumbnail, ...] = ()  # pictures that follow the first
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Feed:
    """A list, newest first. `page` is the list for people, `address` this page of the feed, `following` the next."""

    key: str
    title: str
    page: str
    address: str
    entries: Sequence[Entry]
    following: str = ""
    subtitle: str = ""
    author: User | None = None

    @property
    def updated(self) -> datetime:
        """When the newest of its entries was; a fixed day where it has none."""
        return max((entry.updated for entry in self.entries), default=_EMPTY)


def open_feed(view: Callable[..., Feed]) -> Callable[..., HttpResponse]:
    """Make an address of a function that gives a feed. Where one signs in to look, there are none."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if settings.LOGIN_TO_LOOK:
            raise Http404
        with translation.override(settings.LANGUAGE_CODE):
            return _answer(request, view(request, *args, **kwargs))

    return require_safe(answer)


def _answer(request: HttpRequest, feed: Feed) -> HttpResponse:
    """The document, or that it is what the asker has."""
    body = feed_document(feed, request.build_absolute_uri("/"))
    response = HttpResponse(body, content_type=f"{ATOM}; charset=utf-8")
    response["ETag"] = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    response["Last-Modified"] = http_date(feed.updated.timestamp())
    response["Cache-Control"] = CACHE
    response["Content-Language"] = settings.LANGUAGE_CODE
    response["X-Robots-Tag"] = "noindex"
    changed = int(feed.updated.timestamp())
    return get_conditional_response(request, etag=response["ETag"], last_modified=changed, response=response)


def address_with(path: str, pairs: Sequence[tuple[str, str]]) -> str:
    """`path` with a query string of the pairs that have a value."""
    query = urlencode([(name, value) for name, value in pairs if value])
    return f"{path}?{query}" if query else path


def asked_tag(request: HttpRequest) -> str:
    """The tag that an address names, in the form in which tags are kept; empty where it names none."""
    return " ".join(request.GET.get("tag", "").replace("\0", "").split())[:_LONGEST_TAG]


def asked_words(request: HttpRequest) -> str:
    """The words that an address asks for, on one line."""
    return " ".join(request.GET.get("q", "").replace("\0", "").split())[:MAX_QUERY_CHARACTERS]


@dataclass(frozen=True)
class Source:
    """Rows of one kind that a feed mixes with others, by the column `moment`; `entries` makes entries of their keys."""

    rows: QuerySet[Any]
    moment: str
    entries: Callable[[Sequence[int]], list[Entry]]


def newest_entries(
    sources: Sequence[Source], *, salt: str, cursor: str, size: int = PAGE_SIZE
) -> tuple[list[Entry], str]:
    """The newest of several kinds together, and the cursor of the page after them.

    A cursor that is none of this list falls away. One query a source beyond those that make its entries, however long
    the lists are.
    """
    try:
        after = decode_cursor(cursor, salt=salt, length=3) if cursor else None
    except InvalidInput:
        after = None
    keys: list[tuple[datetime, int, int]] = []
    for place, source in enumerate(sources):
        rows = source.rows.filter(_older(source.moment, place, after)) if after else source.rows
        newest = rows.order_by(f"-{source.moment}", "-pk").values_list(source.moment, "pk")
        keys += [(moment, place, pk) for moment, pk in newest[: size + 1]]
    keys.sort(reverse=True)
    page = keys[:size]
    made: dict[tuple[int, int], Entry] = {}
    for place, source in enumerate(sources):
        entries = source.entries([pk for _moment, at, pk in page if at == place])
        made |= {(place, int(entry.key.rpartition("/")[2])): entry for entry in entries}
    following = encode_cursor(page[-1], salt=salt) if len(keys) > size else ""
    return [made[place, pk] for _moment, place, pk in page if (place, pk) in made], following


def _older(column: str, place: int, after: Sequence[Any]) -> Q:
    """(moment, place, key) before that of the cursor, for rows of this place."""
    moment, their_place, pk = after
    if place < their_place:
        return Q(**{f"{column}__lte": moment})
    older = Q(**{f"{column}__lt": moment})
    return older | Q(**{column: moment, "pk__lt": pk}) if place == their_place else older


def feed_document(feed: Feed, site: str) -> bytes:
    """The Atom document of a feed. `site` is the address of the first page, with its slash."""
    root = site.rstrip("/")
    head = [
        _element("id", _tag_uri(f"feed/{feed.key}")),
        _element("title", feed.title),
        _element("subtitle", feed.subtitle) if feed.subtitle else "",
        _element("updated", _moment(feed.updated)),
        _author(feed.author, root) if feed.author else f"<author>{_element('name', settings.SITE_NAME)}</author>",
        _link("self", root + feed.address, type=ATOM),
        _link("alternate", root + feed.page, type="text/html"),
        _link("next", root + feed.following, type=ATOM) if feed.following else "",
    ]
    parts = [*head, *(_entry(entry, root) for entry in feed.entries)]
    inner = "\n".join(part for part in parts if part)
    opening = f'<feed xmlns="http://www.w3.org/2005/Atom" xml:base="{escape(site)}">'
    return f'<?xml version="1.0" encoding="utf-8"?>\n{opening}\n{inner}\n</feed>\n'.encode()


def _entry(entry: Entry, root: str) -> str:
    plain = Truncator(" ".join([entry.facts, *entry.text.split()]).strip()).chars(_SUMMARY)
    parts = [
        _element("id", _tag_uri(entry.key)),
        _element("title", entry.title),
        _element("updated", _moment(entry.updated)),
        _element("published", _moment(entry.published)) if entry.published else "",
        _author(entry.author, root),
        _link("alternate", root + entry.address, type="text/html"),
        *(_enclosure(shown, root) for shown in _pictures(entry)),
        *(_element("category", term=tag) for tag in entry.tags),
        _element("summary", plain) if plain else "",
        _element("content", _html(entry, root), type="html"),
    ]
    return f"<entry>{''.join(parts)}</entry>"


def _html(entry: Entry, root: str) -> str:
    """What a reader shows: the pictures, a line of facts, and the words."""
    parts = []
    for shown in _pictures(entry):
        parts.append(
            format_html(
                '<p><a href="{}"><img src="{}" alt="{}" width="{}" height="{}"></a></p>',
                root + entry.address,
                root + shown.address,
                shown.alt,
                shown.width,
                shown.height,
            )
        )
    if entry.facts:
        parts.append(format_html("<p>{}</p>", entry.facts))
    if entry.text:
        parts.append(render_markdown(entry.text[:_LONGEST], people=entry.people))
    return "".join(parts)


def _pictures(entry: Entry) -> tuple[Thumbnail, ...]:
    return (entry.thumbnail, *entry.more) if entry.thumbnail else entry.more


def _enclosure(shown: Thumbnail, root: str) -> str:
    length = {"length": str(shown.size)} if shown.size else {}
    return _link("enclosure", root + shown.address, type=shown.mime, title=shown.alt, **length)


def _author(person: User, root: str) -> str:
    address = root + person.get_absolute_url()
    return f"<author>{_element('name', str(person))}{_element('uri', address)}</author>"


def _tag_uri(key: str) -> str:
    return f"tag:{settings.FEED_AUTHORITY},{_SINCE}:{key}"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _link(rel: str, href: str, **attributes: str) -> str:
    return _element("link", rel=rel, href=href, **attributes)


def _element(tag: str, text: str = "", **attributes: str) -> str:
    """An element with its text and attributes; what no document may hold is left out of both."""
    given = "".join(f' {name}="{_escaped(value)}"' for name, value in attributes.items())
    return f"<{tag}{given}>{_escaped(text)}</{tag}>" if text else f"<{tag}{given}/>"


def _escaped(text: str) -> str:
    return escape(_NOT_XML.sub("", text))
