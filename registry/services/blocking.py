"""What the block list means for pictures of versions and for model files."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F, Func, IntegerField, Q, QuerySet, Value
from django.utils.translation import gettext as _

from community.models import BlockedHash, Report
from community.services.blocking import MAX_DISTANCE, blocked_looks
from community.services.reporting import report_by_site
from registry.models import Picture, RegisteredModel, VersionPreview
from registry.services.pictures import roll_up_ratings


def refuse_blocked(blocked: BlockedHash) -> None:
    """A hash was blocked (`settings.BLOCK_LISTENERS`): its previews are shown no more, models with it are queued."""
    refuse_previews(VersionPreview.objects.filter(picture__in=pictures_of(blocked)), blocked)
    if blocked.sha256:
        models = RegisteredModel.objects.filter(versions__files__blob=blocked.sha256, taken_down_at=None)
        for model in models.select_related("subject").distinct():
            text = _("A file of it is on the block list: %(reason)s") % {"reason": blocked.reason}
            report_by_site(
                model.subject, blocked.rule, source=Report.Source.BLOCK_LIST, text=text, details={"block": blocked.pk}
            )


def pictures_of(blocked: BlockedHash) -> QuerySet[Picture]:
    """The stored pictures that a blocked hash means."""
    if blocked.sha256:
        return Picture.objects.filter(blob=blocked.sha256)
    # A scan of the narrow column: done when a moderator blocks a look, never when somebody reads a page.
    distance = _Distance(F("phash"), Value(blocked.phash), output_field=IntegerField())
    return Picture.objects.filter(phash__isnull=False).alias(distance=distance).filter(distance__lte=MAX_DISTANCE)


class _Distance(Func):
    """In how many bits two hashes differ."""

    template = "bit_count((%(expressions)s)::bit(64))"
    arg_joiner = " # "


def refuse_blocked_look(picture_id: int) -> None:
    """A picture was decoded (`settings.PICTURE_LISTENERS`): does it look like a blocked one?"""
    previews = VersionPreview.objects.filter(picture=picture_id, error={})
    picture = Picture.objects.filter(pk=picture_id, state=Picture.State.READY).first()
    if picture is None or not previews.exists():
        return
    if found := blocked_looks([picture.phash]):
        refuse_previews(previews, *found.values())


@transaction.atomic
def refuse_previews(previews: QuerySet[VersionPreview], blocked: BlockedHash) -> None:
    """Say on these previews why they are not shown; the ratings that they gave their versions go with them."""
    rows = list(previews.filter(Q(error={})).values_list("pk", "version_id"))
    error = {"code": "blocked_bytes", "params": {"reason": blocked.reason}}
    VersionPreview.objects.filter(pk__in=[pk for pk, _version in rows]).update(error=error)
    roll_up_ratings(version for _pk, version in rows)
