"""Pictures that the form of a page brought, without a script: kept as uploads of their sender, put into the post."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from community.errors import InvalidInput, SafelightError
from community.models import User
from community.services.limits import check_rate
from gallery.models import Post
from gallery.services.posting import NewImage, add_images
from registry.imaging.limits import MAX_BYTES
from registry.models.picture_refusals import explain_refusal
from registry.services.uploads import take_file

_SHOWN_OF_NAME: Final = 100


def send_pictures(post: Post, files: Sequence[UploadedFile], *, by: User) -> list[str]:
    """Put these files into a post, in their order. What is refused is left out; answers with a sentence for each."""
    refusals = []
    for file in files:
        try:
            _send(post, file, by)
        except SafelightError as refusal:
            name = (file.name or "")[:_SHOWN_OF_NAME]
            refusals.append(_("“%(name)s”: %(reason)s") % {"name": name, "reason": refusal.detail})
    return refusals


def _send(post: Post, file: UploadedFile, by: User) -> None:
    check_rate("upload", f"user:{by.pk}")
    size = file.size or 0
    if size > MAX_BYTES:  # asked before the bytes are kept
        raise InvalidInput(explain_refusal("too_many_bytes", {"limit": MAX_BYTES}), field="pictures")
    upload = take_file(by=by, name=file.name or "", size=size, read=file.read)
    add_images(post, [NewImage(upload.pk)], by=by)
