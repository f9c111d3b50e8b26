"""Preview pictures that the site rendered itself, beside those that the author sent."""

from __future__ import annotations

from django.db import transaction

from community.ratings import Rating
from registry.models import ModelVersion, Picture, VersionPreview
from registry.models.pictures import RENDERED_FROM
from registry.services.pictures import lock_version, queue_renditions, roll_up_rating


@transaction.atomic
def show_rendered(version: ModelVersion, picture: Picture, *, place: int, alt: str, rating: Rating) -> VersionPreview:
    """Show a rendered picture on a version, behind those that the author sent. `place` orders them among themselves.

    Raises Conflict where the version is gone.
    """
    version = lock_version(version)
    preview = VersionPreview.objects.create(
        version=version, picture=picture, alt=alt[:500], rating=int(rating), position=RENDERED_FROM + place
    )
    if picture.state == Picture.State.WAITING:
        queue_renditions(picture.pk)
    roll_up_rating(version)
    return preview
