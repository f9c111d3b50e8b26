"""How often files were downloaded: once per person or address, file and day.

Counts go to Valkey, where one more costs nothing, and are added to the tables by beat. Losing Valkey loses what it had
not yet written to its disk (a second) and never fails a download.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from typing import Final

import redis
from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from redis.backoff import NoBackoff
from redis.retry import Retry

from community.services.limits import caller_key
from registry.models import DownloadBatch, ModelFile, ModelSearch, ModelVersion, RegisteredModel

log = logging.getLogger(__name__)

_PREFIX: Final = "safelight:downloads"
_COUNTS: Final = f"{_PREFIX}:counts"
_FOLDING: Final = f"{_PREFIX}:folding"
_BATCH: Final = b"batch"
# A day in any time zone, and a little.
_SEEN_SECONDS: Final = 26 * 3600
# How long a server that did not answer is left alone.
_REST_SECONDS: Final = 1.0
# One step, so that a count is never noted as seen and then not added.
_COUNT_ONCE: Final = """
if redis.call('SET', KEYS[1], 1, 'NX', 'EX', ARGV[1]) then redis.call('HINCRBY', KEYS[2], ARGV[2], 1) end
"""
# Rows of one statement; a site that serves more files in one interval folds in several.
_AT_ONCE: Final = 1000


def count_download(request: HttpRequest, file: ModelFile) -> None:
    """Note that whoever asks has taken this file today. Whom it was is kept as a digest, for a day."""
    day = timezone.now().date().isoformat()
    caller = salted_hmac(f"{_PREFIX}:{day}", f"{file.pk}:{caller_key(request)}").hexdigest()[:32]
    _tally.note(caller, file.pk)


class Tally:
    """Downloads that Valkey does not know yet: while it is away they wait in this process."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, int]] = deque(maxlen=100_000)
        self._rests_until = 0.0

    def note(self, caller: str, file: int) -> None:
        """Tell Valkey, now or when it is back. Never waits long and never fails."""
        self._waiting.append((caller, file))
        if time.monotonic() < self._rests_until:
            return
        with suppress(IndexError):  # all told, by this thread or another
            while True:
                caller, file = self._waiting.popleft()
                if not self._told(caller, file):
                    return

    def _told(self, caller: str, file: int) -> bool:
        try:
            _server().eval(_COUNT_ONCE, 2, f"{_PREFIX}:seen:{caller}", _COUNTS, _SEEN_SECONDS, file)
        except redis.RedisError as error:
            self._waiting.appendleft((caller, file))
            self._rests_until = time.monotonic() + _REST_SECONDS
            log.warning("Valkey does not answer; downloads are counted when it is back: %s", error)
            return False
        return True


_tally = Tally()


@shared_task(name="registry.fold_downloads")
def fold_downloads() -> None:
    """Add what was counted to files, versions, models and search rows. Adds nothing twice, however often it dies.

    The counts are set aside under a name of their own, which goes into the database with them.
    """
    server = _server()
    with suppress(redis.ResponseError):  # nothing was counted: there is no such key
        server.renamenx(_COUNTS, _FOLDING)
    if not server.exists(_FOLDING):
        return
    server.hsetnx(_FOLDING, _BATCH, str(uuid.uuid4()))
    counted = server.hgetall(_FOLDING)
    batch = counted.pop(_BATCH)
    _add_once(uuid.UUID(batch.decode()), {int(file): int(count) for file, count in counted.items()})
    _forget(server, batch)


def _forget(server: redis.Redis, batch: bytes) -> None:
    """Drop the counts of this batch, unless somebody else has done so and set others aside since."""
    with server.pipeline() as steps, suppress(redis.WatchError):
        steps.watch(_FOLDING)
        if steps.hget(_FOLDING, _BATCH) == batch:
            steps.multi()
            steps.delete(_FOLDING)
            steps.execute()


@transaction.atomic
def _add_once(batch: uuid.UUID, counts: Mapping[int, int]) -> None:
    """Add a batch of counts by file, unless it was added before."""
    _row, is_new = DownloadBatch.objects.get_or_create(pk=batch)
    if not is_new:
        return
    DownloadBatch.objects.filter(folded_at__lt=timezone.now() - timedelta(days=2)).delete()
    files = list(counts)
    for start in range(0, len(files), _AT_ONCE):
        _add({file: counts[file] for file in files[start : start + _AT_ONCE]})


def _add(counts: Mapping[int, int]) -> None:
    places = ModelFile.objects.filter(pk__in=counts).values_list("pk", "version_id", "version__model_id")
    by_version: Counter[int] = Counter()
    by_model: Counter[int] = Counter()
    by_file: Counter[int] = Counter()
    for file, version, model in places:
        by_file[file] = counts[file]
        by_version[version] += counts[file]
        by_model[model] += counts[file]
    # Models first, as every service that changes one holds it first.
    list(
        RegisteredModel.objects.select_for_update(no_key=True).filter(pk__in=by_model).order_by("pk").values_list("pk")
    )
    for rows, column, sums in (
        (RegisteredModel.objects, "download_count", by_model),
        (ModelVersion.objects, "download_count", by_version),
        (ModelFile.objects, "download_count", by_file),
        (ModelSearch.objects, "downloads", by_model),
    ):
        for amount, ids in _by_amount(sums):
            rows.filter(pk__in=ids).update(**{column: F(column) + amount})


def _by_amount(sums: Mapping[int, int]) -> Iterable[tuple[int, list[int]]]:
    """Rows that gain equally much are one statement: most gain little."""
    groups: dict[int, list[int]] = {}
    for row, amount in sums.items():
        groups.setdefault(amount, []).append(row)
    return sorted(groups.items())


def _server() -> redis.Redis:
    cache = settings.CACHES["default"]
    return _connected(cache["LOCATION"])


@lru_cache(maxsize=4)
def _connected(url: str) -> redis.Redis:
    # One try: whoever downloads does not wait for a server that is away.
    return redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1, retry=Retry(NoBackoff(), 0))
