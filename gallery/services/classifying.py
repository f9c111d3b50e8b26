"""What a classifier makes of pictures: asked by a worker in a jailed child, kept as a score.

A score proposes a rating. Where an author chose a milder one, a moderator is asked to look; it decides nothing.
"""

from __future__ import annotations

import importlib.util
import json
import logging
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Final

from celery import current_app, shared_task
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils.translation import gettext as _

from community.errors import StoreUnavailable
from community.models import Report
from community.ratings import Rating
from community.services.reporting import report_by_site
from gallery.classifiers import NEEDS
from gallery.models import Image, PictureScore
from registry.imaging.errors import PictureRefused, ReadingFailed
from registry.imaging.jail import Bounds, run_jailed
from registry.models import Picture
from registry.services.renditions import original_file
from registry.storage import blob_store

CLASSIFY_PICTURE: Final = "gallery.classify_picture"
# The first step that a score is below says what it stands for. The model tells no XXX from X.
_STEPS: Final = ((0.4, Rating.PG), (0.65, Rating.PG13), (0.85, Rating.R), (2.0, Rating.X))
_BOUNDS: Final = Bounds(cpu_seconds=60, file_bytes=1 << 20)
# A score that says nothing: the picture could not be looked at, and is not tried again.
_NOTHING: Final = 0
_ROWS: Final = 50

logger = logging.getLogger(__name__)


def is_on() -> bool:
    """Whether pictures are classified here: a kind is named, and what it needs is installed."""
    path = settings.PICTURE_CLASSIFIER
    return bool(path) and all(importlib.util.find_spec(name) for name in NEEDS.get(path, ()))


def standing() -> str:
    """For the moderators' page (`settings.MODERATION_NOTES`): whether it is on, and why not."""
    if is_on():
        return _("Pictures are scored by %(name)s; milder ratings than it proposes are reported here.") % {
            "name": settings.PICTURE_CLASSIFIER
        }
    if not settings.PICTURE_CLASSIFIER:
        return _("Pictures are not scored: no classifier is set.")
    return _("Pictures are not scored: the extra “moderation” is not installed.")


def proposed_rating(score: float) -> Rating:
    """What a score stands for."""
    return next(rating for below, rating in _STEPS if score < below)


def proposal_of(image: Image) -> Rating | None:
    """What the classifier proposes for an image; None where none is on or the picture could not be looked at.

    Needs picture and score loaded.
    """
    score = getattr(image.picture, "score", None) if image.picture is not None else None
    if score is None or score.proposed == _NOTHING or not is_on():
        return None
    return Rating(score.proposed)


def have_scored(picture_id: int) -> None:
    """A picture was decoded (`settings.PICTURE_LISTENERS`): have it scored, if an image shows it."""
    if is_on() and Image.objects.filter(picture=picture_id).exists():
        _queue(picture_id)


def _queue(picture_id: int) -> None:
    def send() -> None:
        current_app.send_task(CLASSIFY_PICTURE, [picture_id], queue="io", retry=False)

    transaction.on_commit(send, robust=True)


@shared_task(name="gallery.sweep_scores")
def sweep_scores() -> None:
    """Pictures of images whose message was lost, and those from before the classifier was there: some at a time."""
    if not is_on():
        return
    shown = Exists(Image.objects.filter(picture=OuterRef("pk")))
    waiting = Picture.objects.filter(shown, state=Picture.State.READY, score=None).order_by("-pk")
    for pk in waiting.values_list("pk", flat=True)[:_ROWS]:
        _queue(pk)


@shared_task(name=CLASSIFY_PICTURE, acks_late=True)
def classify_picture(picture_id: int) -> None:
    """Score a picture. Safe to run twice, or after it is gone."""
    ready = Picture.objects.filter(pk=picture_id, state=Picture.State.READY, score=None)
    picture = ready.select_related("blob").first()
    if picture is None or not is_on():
        return
    try:
        score = _score(picture)
    except StoreUnavailable:
        return  # the sweep asks again
    except (PictureRefused, ReadingFailed, OSError, ValueError):
        logger.warning("%s was not scored", picture, exc_info=True)
        score = None
    _keep(picture, score)


def _score(picture: Picture) -> float:
    with TemporaryDirectory(prefix="score-") as name:
        folder = Path(name)
        work = folder / "work"
        work.mkdir()
        rendition = picture.renditions.filter(format="webp").order_by("width").first()
        if rendition is None:
            with original_file(picture, folder) as source:
                _run(source, work)
        else:
            with blob_store().open(rendition.key) as stream:
                (folder / "copy").write_bytes(stream.read())
            with (folder / "copy").open("rb") as source:
                _run(source, work)
        told = work / "score.json"
        if told.is_symlink() or not told.is_file() or told.stat().st_size > 1000:
            raise ValueError("the classifier gave no score")
        score = json.loads(told.read_bytes()).get("score")
    if not isinstance(score, int | float) or not 0 <= score <= 1:
        raise ValueError("the classifier gave no score from 0 to 1")
    return float(score)


def _run(source: IO[bytes], work: Path) -> None:
    run_jailed(f"{settings.PICTURE_CLASSIFIER}:main", source, work, bounds=_BOUNDS)


@transaction.atomic
def _keep(picture: Picture, score: float | None) -> None:
    PictureScore.objects.update_or_create(
        picture=picture,
        defaults={
            "classifier": settings.PICTURE_CLASSIFIER[:120],
            "score": score or 0.0,
            "proposed": _NOTHING if score is None else int(proposed_rating(score)),
        },
    )
    report_mild_ratings(Image.objects.public().filter(picture=picture).values_list("pk", flat=True))


def report_mild_ratings(image_ids: Iterable[int]) -> None:
    """Ask moderators to look at public images whose author chose a milder rating than the score proposes.

    Once for each rating that an author chose: what a moderator has let stand is not asked again.
    """
    mild = Image.objects.filter(pk__in=list(image_ids), picture__score__proposed__gt=F("rating"))
    for image in mild.select_related("subject", "picture__score").order_by("pk"):
        asked = Report.objects.filter(case__subject=image.subject, source=Report.Source.CLASSIFIER)
        if asked.filter(details__rating=image.rating).exists():
            continue
        score = image.picture.score
        text = _("Rated %(rating)s; the score of %(score).2f proposes %(proposed)s.") % {
            "rating": image.rating_name,
            "score": score.score,
            "proposed": Rating(score.proposed).label,
        }
        details = {"rating": image.rating, "score": score.score, "proposed": score.proposed}
        report_by_site(image.subject, "rating", source=Report.Source.CLASSIFIER, text=text, details=details)
