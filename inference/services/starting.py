"""Pictures that a render begins with, by whatever name a form has for them."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from community.errors import InvalidInput
from community.models import User
from inference.models import RenderResult
from registry.models import Upload
from registry.models.files import Verdict

_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class StartPicture:
    """A picture that a form holds already, for showing it. `result` is one's own render; empty for an upload."""

    name: str
    result: RenderResult | None = None


def stored_hash(given: str, field: str, *, by: User) -> str:
    """The SHA-256 of a picture given as such or as the id of an upload of `by`'s.

    Raises InvalidInput where the upload is not theirs, not inspected yet, or no picture that may be used.
    """
    if _SHA256.match(given):
        return given
    upload = _upload(given, by)
    if upload is None:
        raise InvalidInput(_("You have no upload with this id."), field=field)
    if upload.state in {Upload.State.COMPLETE, Upload.State.INSPECTING}:
        raise InvalidInput(_("The picture is still being inspected. Try again in a moment."), field=field)
    if upload.blob is None or upload.blob.verdict != Verdict.SAFE:
        raise InvalidInput(_("This upload cannot be used as a picture."), field=field)
    return upload.blob_id


def start_picture(given: str, *, by: User) -> StartPicture | None:
    """What a page shows of a picture that a form holds; None where it holds none that is `by`'s."""
    if not given:
        return None
    if _SHA256.match(given):
        result = RenderResult.objects.of(by).for_display().filter(picture__blob=given).first()
        if result is not None:
            return StartPicture(_("Your render"), result)
        upload = Upload.objects.of(by).filter(blob=given).order_by("-created_at").first()
    else:
        upload = _upload(given, by)
    return StartPicture(upload.name) if upload is not None else None


def start_pictures(form: Any, by: User) -> dict[str, StartPicture | None]:
    """Those of a render form: `init`, `mask` and `control_picture`."""
    names = ("init", "mask", "control_picture")
    return {name: start_picture(str(form[name].value() or ""), by=by) for name in names}


def _upload(given: str, by: User) -> Upload | None:
    try:
        wanted = uuid.UUID(given)
    except ValueError:
        return None
    return Upload.objects.of(by).select_related("blob").filter(pk=wanted).first()
