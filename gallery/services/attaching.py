"""Where uploads become images' pictures, and pictures' news reach the images that show them.

Called by the registry through `settings.UPLOAD_LISTENERS` and `settings.PICTURE_LISTENERS`.
"""

from __future__ import annotations

from django.db import transaction

from gallery.models import Image, PictureReading, Post
from gallery.services.handover import queue_due_posts, queue_reading
from gallery.services.listing import refresh_images
from gallery.services.reading import tell_images
from registry.imaging.errors import PictureRefused
from registry.models import Picture, Upload
from registry.services.pictures import picture_of


def attach_images(upload: Upload) -> None:
    """The upload's blob is known: give its picture to the images that wait for it, and have its metadata read.

    Part of the transaction that wrote the blob, which holds the upload's row. Harmless where nothing waits. What is no
    picture is refused on the image, with the reason.
    """
    waiting = Image.objects.filter(upload=upload, picture=None, error={})
    if upload.blob is None or not waiting.exists():
        return
    try:
        picture = picture_of(upload, takes_clips=True)
    except PictureRefused as refusal:
        waiting.update(error={"code": refusal.code, "params": refusal.params})
        return
    waiting.update(picture=picture)
    need_reading(picture)


def need_reading(picture: Picture) -> None:
    """Have a picture's metadata read, once however many show it; what is read already is told at once."""
    reading, _made = PictureReading.objects.get_or_create(picture=picture)
    if reading.state in {PictureReading.State.DONE, PictureReading.State.FAILED}:
        tell_images(reading)
    elif reading.state == PictureReading.State.WAITING:
        queue_reading(picture.pk)


@transaction.atomic
def picture_changed(picture_id: int) -> None:
    """A picture was decoded or refused: the images that show it are listed, or are not any more."""
    images = Image.objects.filter(picture=picture_id)
    refresh_images(images)
    if images.filter(post__state=Post.State.SCHEDULED).exists():
        queue_due_posts()
