"""Bytes that may not come back: by their SHA-256, and pictures by what they look like.

Rooms that take in bytes ask `blocked_bytes` and `blocked_looks`; what they hold already they hear of through
`settings.BLOCK_LISTENERS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from community.errors import NotAllowed
from community.models import BlockedHash, Decision, User

# Difference hashes of 64 bits that differ in no more look alike: copies saved anew, smaller, or with a small mark.
MAX_DISTANCE: Final = 6
# A plain area or a smooth run of light gives nearly nothing or nearly everything: such a hash says nothing.
_FEWEST_BITS: Final = 8


def tells_apart(phash: int | None) -> bool:
    """Whether a difference hash has enough in it to know a picture by."""
    return phash is not None and _FEWEST_BITS <= (phash & (1 << 64) - 1).bit_count() <= 64 - _FEWEST_BITS


@transaction.atomic
def block(decision: Decision, *, sha256: str = "", phash: int | None = None) -> None:
    """Block bytes, or whatever looks like a picture, as part of a decision. What is shown of it is held back.

    Blocking again changes nothing. A hash that tells nothing apart is passed over.
    """
    given: dict[str, str | int] = {"sha256": sha256} if sha256 else {}
    if not given and phash is not None and tells_apart(phash):
        given = {"phash": phash}
    if not given:
        return
    row, made = BlockedHash.objects.get_or_create(
        **given,
        defaults={
            "rule": decision.rule or "other",
            "reason": decision.reason,
            "decision": decision,
            "actor": decision.actor,
        },
    )
    if made:
        for path in settings.BLOCK_LISTENERS:
            import_string(path)(row)


def unblock(row: BlockedHash, *, by: User) -> None:
    """Take a hash off the list. What was held because of it stays held until somebody restores it."""
    if not by.is_moderator:
        raise NotAllowed(_("Only moderators change the block list."))
    row.delete()


def blocked_bytes(digests: Iterable[str]) -> dict[str, BlockedHash]:
    """Which of these SHA-256 are blocked."""
    rows = BlockedHash.objects.filter(sha256__in=[digest for digest in digests if digest])
    return {str(row.sha256): row for row in rows}


def blocked_looks(phashes: Iterable[int | None]) -> dict[int, BlockedHash]:
    """Which of these difference hashes are close to a blocked one. One query, however many."""
    asked = sorted({phash for phash in phashes if phash is not None and tells_apart(phash)})
    if not asked:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT asked.phash, min(blocked.id) FROM unnest(%s::bigint[]) AS asked(phash)
            JOIN community_blockedhash blocked ON blocked.phash IS NOT NULL
            AND bit_count((blocked.phash # asked.phash)::bit(64)) <= %s GROUP BY asked.phash
            """,
            [asked, MAX_DISTANCE],
        )
        found = dict(cursor.fetchall())
    rows = BlockedHash.objects.in_bulk(found.values())
    return {phash: rows[pk] for phash, pk in found.items() if pk in rows}
