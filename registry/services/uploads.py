"""Bytes on their way in, in the shape of S3's multipart: create → (sign a part → PUT it)* → complete.

    receiving → complete → inspecting → done
        └→ expired, aborted    └→ failed, aborted

The store knows which parts have arrived; this room knows whose they are and when they are enough.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from community.errors import Conflict, InvalidInput, QuotaExceeded
from community.models import User
from registry.errors import UploadRefused
from registry.models import Blob, Inspection, ModelFile, Upload
from registry.models.pictures import shown_by
from registry.services.handover import end_upload, queue_inspection
from registry.services.wording import clean_file_name
from registry.storage import PartsChanged, PartTarget, StoredPart, blob_store, part_size_for
from registry.storage.local import LocalStore

MOST_TARGETS: Final = 1_000  # addresses signed at once
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")
UNDER_WAY: Final = (Upload.State.RECEIVING, Upload.State.COMPLETE, Upload.State.INSPECTING)
_ENDED: Final = (Upload.State.FAILED, Upload.State.EXPIRED, Upload.State.ABORTED)


@dataclass(frozen=True, slots=True)
class GivenPart:
    """A part as the sender remembers it."""

    number: int
    etag: str


def create_upload(*, by: User, name: str, size: int, sha256: str = "") -> Upload:
    """Begin a file of `size` bytes. Raises InvalidInput, QuotaExceeded or StoreFull; nothing is kept then."""
    name = clean_file_name(name)
    _check_size(size)
    if sha256 and not _SHA256.fullmatch(sha256):
        raise InvalidInput(_("A SHA-256 has 64 hexadecimal digits."), field="sha256")
    store, upload_id = blob_store(), uuid.uuid4()
    with transaction.atomic():
        User.objects.select_for_update().get(pk=by.pk)  # two beginnings at once must not share the same rest of a quota
        _check_quota(by, size)
        incoming = store.begin(str(upload_id), size, part_size_for(size))
        try:
            return Upload.objects.create(
                id=upload_id,
                owner=by,
                name=name,
                size=size,
                declared_sha256=sha256.lower(),
                part_size=incoming.part_size,
                key=incoming.key,
                store_id=incoming.token,
                expires_at=timezone.now() + timedelta(days=settings.UPLOAD_EXPIRY_DAYS),
            )
        except BaseException:
            store.abort(incoming)
            raise


def used_bytes(user: User) -> int:
    """What a person's files and running uploads take of their quota. Equal bytes count once."""
    held = Blob.objects.filter(
        Exists(ModelFile.objects.filter(blob=OuterRef("pk"), version__model__owner=user))
        | _is_shown_by(user)
        | Exists(Upload.objects.filter(blob=OuterRef("pk"), owner=user, completed_at__gt=unattached_since()))
    )
    running = Upload.objects.of(user).filter(state__in=UNDER_WAY)
    return sum(rows.aggregate(total=Sum("size"))["total"] or 0 for rows in (held, running))


def _is_shown_by(user: User) -> Q:
    """Whether a thing of this person's, in whichever app, shows the blob as a picture."""
    holding = [(each, name) for each, name in shown_by() if hasattr(each, "held_by")]
    shows = [
        Exists(each.objects.filter(**{f"{name}__blob": OuterRef("pk"), each.held_by: user})) for each, name in holding
    ]
    return reduce(or_, map(Q, shows))


def unattached_since() -> datetime:
    """Bytes that came in before this and that nothing shows are no longer kept for their sender."""
    return timezone.now() - timedelta(days=settings.UPLOAD_EXPIRY_DAYS)


def list_received(upload: Upload) -> list[StoredPart]:
    """The parts that have arrived whole, so that any client can go on where another stopped."""
    if upload.state != Upload.State.RECEIVING:
        return []
    latest = {part.number: part for part in blob_store().list_parts(upload.incoming)}
    return list(latest.values())


def sign_parts(upload: Upload, numbers: Sequence[int]) -> list[PartTarget]:
    """Addresses to PUT these parts to. Raises UploadRefused, or Conflict when no more parts are taken."""
    _require_receiving(upload)
    if not 0 < len(numbers) <= MOST_TARGETS:
        raise UploadRefused(
            _("Ask for 1 to %(most)d parts at a time.") % {"most": MOST_TARGETS},
            field="numbers",
            code="bad_part_numbers",
        )
    for number in numbers:
        if not 1 <= number <= upload.part_count:
            raise UploadRefused(
                _("There is no part %(number)d: the parts are 1 to %(last)d.")
                % {"number": number, "last": upload.part_count},
                field="numbers",
                code="bad_part_numbers",
            )
    store = blob_store()
    return [store.part_target(upload.incoming, number) for number in dict.fromkeys(numbers)]


def receive_part(upload_id: uuid.UUID, number: int, *, length: int, read: Callable[[int], bytes]) -> str:
    """Take one part into the site's folder; answers with its etag. The sender was admitted by a signed address.

    Raises Upload.DoesNotExist, Conflict, UploadRefused, InvalidInput or StoreFull; the part does not count then.
    """
    store = blob_store()
    upload = Upload.objects.get(pk=upload_id)
    if not isinstance(store, LocalStore) or not 1 <= number <= upload.part_count:
        raise Upload.DoesNotExist
    _require_receiving(upload)
    wanted = upload.incoming.length_of(number)
    if length != wanted:
        raise UploadRefused(
            _("Part %(number)d must have %(wanted)d bytes; it has %(length)d.")
            % {"number": number, "wanted": wanted, "length": length},
            field="part",
            code="bad_part_size",
            extra={"part": number},
        )
    if not connection.in_atomic_block:
        connection.close()  # a slow line must not hold a database connection for an hour
    return store.write_part(upload.incoming, number, read)


def take_file(*, by: User, name: str, size: int, read: Callable[[int], bytes]) -> Upload:
    """A whole file that a page's form brought, sent on to the store in parts and completed.

    Raises as `create_upload` and `complete_upload` do, and StoreFull; nothing is kept then.
    """
    store, upload = blob_store(), create_upload(by=by, name=name, size=size)
    try:
        given = []
        for number in range(1, upload.part_count + 1):
            part = _Rest(read, upload.incoming.length_of(number))
            given.append(GivenPart(number, store.write_part(upload.incoming, number, part.read)))
        return complete_upload(upload, given)
    except BaseException:
        abort_upload(upload)
        raise


class _Rest:
    """The next `left` bytes of a longer stream, and then an end."""

    def __init__(self, read: Callable[[int], bytes], left: int) -> None:
        self._read, self._left = read, left

    def read(self, count: int) -> bytes:
        block = self._read(min(count, self._left)) if self._left else b""
        self._left -= len(block)
        return block


def complete_upload(upload: Upload, given: Sequence[GivenPart]) -> Upload:
    """All parts are there: have the bytes inspected. Completing twice changes nothing.

    Raises Conflict, which names the part that is missing, wrong or short.
    """
    store = blob_store()
    with transaction.atomic():
        upload = Upload.objects.select_for_update().get(pk=upload.pk)
        if upload.state in (Upload.State.COMPLETE, Upload.State.INSPECTING, Upload.State.DONE):
            return upload
        _require_receiving(upload)
        # Whole already: an earlier attempt ended after the store had done its part and before this row said so.
        if not store.is_whole(upload.incoming):
            _complete_in_store(upload, given)
        upload.state, upload.completed_at = Upload.State.COMPLETE, timezone.now()
        upload.save(update_fields=["state", "completed_at"])
        Inspection.objects.get_or_create(upload=upload)
        queue_inspection(upload.pk)
    return upload


def abort_upload(upload: Upload) -> None:
    """Stop an upload and forget its bytes. Harmless for one that ended; raises Conflict for one that is in use.

    The bytes of one that was inspected are the blob's, and go by the sweep when nothing else shows them.
    """
    store = blob_store()
    with transaction.atomic():
        upload = Upload.objects.select_for_update().get(pk=upload.pk)
        if upload.state in _ENDED:
            return
        if not Upload.objects.unused().filter(pk=upload.pk).exists():
            raise Conflict(_("The upload became a file or a picture. Remove that instead."), code="upload_in_use")
        Upload.objects.filter(pk=upload.pk).update(blob=None)
        end_upload(upload, Upload.State.ABORTED)
        transaction.on_commit(lambda: store.abort(upload.incoming))


def _check_size(size: int) -> None:
    if size < 1:
        raise InvalidInput(_("The file is empty."), code="empty_file", field="size")
    if size > settings.MAX_FILE_BYTES:
        raise InvalidInput(
            _("The file has %(size)d bytes; this site takes files of at most %(most)d.")
            % {"size": size, "most": settings.MAX_FILE_BYTES},
            code="file_too_large",
            field="size",
        )


def _check_quota(user: User, size: int) -> None:
    used, quota = used_bytes(user), settings.QUOTA_BYTES
    if used + size > quota:
        raise QuotaExceeded(
            _("The file needs %(size)d bytes; of your %(quota)d there are %(left)d left. Delete files you do not need.")
            % {"size": size, "quota": quota, "left": max(0, quota - used)},
            field="size",
        )


def _require_receiving(upload: Upload) -> None:
    if upload.state == Upload.State.RECEIVING and upload.expires_at > timezone.now():
        return
    state = Upload.State.EXPIRED if upload.state == Upload.State.RECEIVING else upload.state
    raise Conflict(
        _("The upload takes no more parts; its state is “%(state)s”.") % {"state": state},
        code="upload_not_open",
        extra={"state": state},
    )


def _complete_in_store(upload: Upload, given: Sequence[GivenPart]) -> None:
    store = blob_store()
    parts = _checked_parts(upload, given, store.list_parts(upload.incoming))
    try:
        store.complete(upload.incoming, parts)
    except (PartsChanged, FileNotFoundError):
        raise Conflict(
            _("A part changed while the upload was completed. Ask which parts are there, and complete it again."),
            code="parts_changed",
            field="parts",
        ) from None


def _checked_parts(upload: Upload, given: Sequence[GivenPart], stored: Iterable[StoredPart]) -> list[StoredPart]:
    """The stored parts that the sender means. Raises Conflict unless both agree on all from the first to the last."""
    held: dict[int, dict[str, StoredPart]] = {}
    for part in stored:
        held.setdefault(part.number, {})[part.etag.lower()] = part
    named = _named_etags(upload, given)
    chosen = []
    for number in range(1, upload.part_count + 1):
        if number not in named:
            raise _wrong_part("part_missing", number, _("Part %(number)d is not listed."))
        if number not in held:
            raise _wrong_part("part_missing", number, _("Part %(number)d has not arrived."))
        part = held[number].get(named[number])
        if part is None:
            raise _wrong_part("part_wrong", number, _("Part %(number)d holds other bytes than its etag says."))
        if part.size != upload.incoming.length_of(number):
            raise _wrong_part("part_size", number, _("Part %(number)d has a wrong size. Send it again."))
        chosen.append(part)
    return chosen


def _named_etags(upload: Upload, given: Sequence[GivenPart]) -> dict[int, str]:
    named: dict[int, str] = {}
    for part in given:
        if part.number in named:
            raise _wrong_part("part_twice", part.number, _("Part %(number)d is listed twice."))
        if not 1 <= part.number <= upload.part_count:
            raise _wrong_part("part_unknown", part.number, _("There is no part %(number)d in this upload."))
        named[part.number] = plain_etag(part.etag).lower()
    return named


def plain_etag(etag: str) -> str:
    """An etag as a client received it, without quotes and the mark of a weak one."""
    return etag.strip().removeprefix("W/").strip('"')


def _wrong_part(code: str, number: int, sentence: str) -> Conflict:
    return Conflict(sentence % {"number": number}, code=code, field="parts", extra={"part": number})
