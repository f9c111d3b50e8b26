"""Sitemaps (https://www.sitemaps.org/protocol.html): what a search engine may find, in files that never grow too large.

A file holds the things of one kind whose numbers lie in one range, so that a new thing changes one file, and no file
has to be counted to. Each room says which rows everybody may see; see `settings.SITEMAPS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.utils.html import escape

# Numbers that one file covers, hence the most that it holds; the protocol allows 50,000.
PART_SIZE: Final = 10_000
# Files of one kind that the index names, the newest first: five kinds stay within the 50,000 that it may name.
MOST_PARTS: Final = 10_000
_MAX_NUMBER: Final = 1 << 62
_XML: Final = '<?xml version="1.0" encoding="utf-8"?>\n'
_SITEMAP: Final = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
_PICTURES: Final = 'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'

# Down the index of the key, one step a part: however many rows there are, each part costs one probe.
_PARTS: Final = """
WITH RECURSIVE parts(number) AS (
  (SELECT newest.key / {size} FROM ({newest}) AS newest(key))
  UNION ALL
  SELECT (SELECT before.key / {size} FROM ({before}) AS before(key)) FROM parts WHERE number IS NOT NULL
)
SELECT number FROM parts WHERE number IS NOT NULL LIMIT {most}
"""


@dataclass(frozen=True)
class Place:
    """One page. `address` and `picture` are paths."""

    address: str
    changed: datetime | None = None
    picture: str = ""


@dataclass(frozen=True)
class Sitemap:
    """One kind of pages: `rows` are those that everybody may see, `places` says where the pages of some of them are."""

    rows: Callable[[], QuerySet[Any]]
    places: Callable[[QuerySet[Any]], Iterable[Place]]


def parts_of(rows: QuerySet[Any]) -> list[int]:
    """The numbers of the parts that hold anything, the newest first. One query."""
    keys = rows.order_by("-pk").values_list("pk")
    try:
        newest, first = keys[:1].query.sql_with_params()
        before = keys.filter(pk__lt=RawSQL(f"parts.number * {PART_SIZE}", []))[:1]  # noqa: S611 (no value of anybody's)
        following, rest = before.query.sql_with_params()
    except EmptyResultSet:
        return []
    text = _PARTS.format(size=PART_SIZE, newest=newest, before=following, most=MOST_PARTS)
    with connection.cursor() as cursor:
        cursor.execute(text, [*first, *rest])
        return [number for (number,) in cursor.fetchall()]


def part_of(rows: QuerySet[Any], number: int) -> QuerySet[Any]:
    """The rows of one part, in the order of their numbers."""
    if not 0 <= number < _MAX_NUMBER // PART_SIZE:
        return rows.none()
    return rows.filter(pk__gte=number * PART_SIZE, pk__lt=(number + 1) * PART_SIZE).order_by("pk")


def index_document(addresses: Iterable[str]) -> bytes:
    """The index that names other files by their full addresses."""
    inner = "\n".join(f"<sitemap><loc>{escape(address)}</loc></sitemap>" for address in addresses)
    return f"{_XML}<sitemapindex {_SITEMAP}>\n{inner}\n</sitemapindex>\n".encode()


def sitemap_document(places: Iterable[Place], root: str) -> bytes:
    """One file. `root` is the site's address without the final slash."""
    inner = "\n".join(_place(place, root) for place in places)
    return f"{_XML}<urlset {_SITEMAP} {_PICTURES}>\n{inner}\n</urlset>\n".encode()


def _place(place: Place, root: str) -> str:
    parts = [f"<loc>{escape(root + place.address)}</loc>"]
    if place.changed:
        parts.append(f"<lastmod>{place.changed.astimezone(UTC).isoformat(timespec='seconds')}</lastmod>")
    if place.picture:
        parts.append(f"<image:image><image:loc>{escape(root + place.picture)}</image:loc></image:image>")
    return f"<url>{''.join(parts)}</url>"
