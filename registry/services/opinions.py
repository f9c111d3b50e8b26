"""Second opinions: which engines are asked about which bytes, and what their answers do to the verdict."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterable
from typing import IO, BinaryIO, Final

from django.conf import settings

from registry.engines import clamav, picklescan_engine
from registry.engines.opinion import Opinion, Outcome
from registry.models import Blob, EngineOpinion
from registry.models.files import Verdict
from registry.pickles import levels

logger = logging.getLogger(__name__)

# Formats in which picklescan has something to look for; it would read the others for nothing.
_PICKLES: Final = frozenset(
    {"pickle", "torch-zip", "torch-legacy", "torch-tar", "torchscript", "zip", "tar", "npy", "npz"}
)
# A store that is not a disk lends no file: it is copied beside, up to this size.
_MOST_SPOOLED: Final = 20 << 30


def ask_engines(stream: BinaryIO, size: int, format: str) -> list[Opinion]:
    """Ask every engine that is configured and has a say about this format. Takes seconds to minutes; holds no file."""
    opinions = []
    if settings.CLAMAV_ADDRESS:
        stream.seek(0)
        opinions.append(clamav.ask_clamav(stream, settings.CLAMAV_ADDRESS))
    if format in _PICKLES:
        opinions.append(_ask_picklescan(stream, size, format))
    for opinion in opinions:
        if opinion.outcome is Outcome.FAILED:
            logger.warning("%s gave no answer: %s", opinion.engine, "; ".join(opinion.details))
    return opinions


def _ask_picklescan(stream: BinaryIO, size: int, format: str) -> Opinion:
    stream.seek(0)
    if _is_file(stream):
        return picklescan_engine.ask_picklescan(stream, format)
    if size > _MOST_SPOOLED:
        return Opinion(picklescan_engine.ENGINE, "", Outcome.FAILED, ("the file is too large to be copied beside",))
    with tempfile.TemporaryFile(dir=settings.CACHE_FOLDER) as copy:
        shutil.copyfileobj(stream, copy, 1 << 20)
        copy.seek(0)
        return picklescan_engine.ask_picklescan(copy, format)


def _is_file(stream: IO[bytes]) -> bool:
    try:
        return stream.fileno() >= 0
    except (OSError, AttributeError):
        return False


def settled_verdict(own: str, opinions: Iterable[Opinion | EngineOpinion]) -> str:
    """Our scanner's verdict, made *blocked* by a virus scanner's hit. Nobody else decides."""
    hit = any(one.engine == clamav.ENGINE and one.outcome == Outcome.HIT for one in opinions)
    return str(Verdict.BLOCKED) if hit else own


def keep_opinions(blob: Blob, opinions: Iterable[Opinion]) -> None:
    """Store the answers, each engine's newest in the place of the one before."""
    for opinion in opinions:
        EngineOpinion.objects.update_or_create(
            blob=blob,
            engine=opinion.engine,
            defaults={"version": opinion.version, "outcome": str(opinion.outcome), "details": list(opinion.details)},
        )


def is_graver_elsewhere(blob: Blob) -> bool:
    """Whether an engine thinks worse of a blob than we do, so that a moderator should look. Reads `blob.opinions`."""
    if blob.verdict not in (Verdict.SAFE, Verdict.CHECK):
        return False
    ours = levels.Verdict(blob.verdict).gravity
    theirs = {"hit": levels.Verdict.BLOCKED.gravity, "doubted": levels.Verdict.CHECK.gravity}
    return any(theirs.get(opinion.outcome, 0) > ours for opinion in blob.opinions.all())
