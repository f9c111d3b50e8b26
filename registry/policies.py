"""Who may do what, and which bytes may leave the house. Booleans and small values; no writes.

What a viewer may *see* is decided by the querysets' `visible_to`; these are asked afterwards. `can_serve` is the
one answer that every door (page, APIs, media addresses) takes before it sends a model file's bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from community.models import Viewer
from community.ratings import is_beyond
from registry.models import Conversion, ModelFile, ModelVersion, RegisteredModel
from registry.models.files import Verdict


class Refusal(StrEnum):
    """Why a file's bytes are not sent. Stable codes for programs."""

    HIDDEN = "hidden"  # not this viewer's to know of (a draft, a withdrawn version): answer as if it were not there
    TAKEN_DOWN = "taken_down"
    PENDING = "pending"
    CHECK = "check"
    BLOCKED = "blocked"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Serving:
    """Whether a file may be sent to somebody, and on what terms."""

    refusal: Refusal | None = None
    needs_confirmation: bool = False  # whoever downloads must say yes first
    is_public: bool = False  # everybody may have it, so a shared cache may keep it

    @property
    def allowed(self) -> bool:
        return self.refusal is None


def can_edit(user: Viewer, model: RegisteredModel) -> bool:
    """Its owner alone. A moderator takes a model down, but never changes somebody's words or rights."""
    return is_owner(user, model) and user.is_active


def can_moderate(user: Viewer) -> bool:
    """Take models down, put them back, see drafts."""
    return user.is_authenticated and user.is_moderator


def is_owner(user: Viewer, model: RegisteredModel) -> bool:
    return user.is_authenticated and model.owner_id == user.pk


def can_see(viewer: Viewer, version: ModelVersion) -> bool:
    """The rule of `ModelVersion.objects.visible_to`, for a version that is already loaded with its model."""
    return is_public(version) or can_moderate(viewer) or is_owner(viewer, version.model)


def can_be_named(viewer: Viewer, version: ModelVersion) -> bool:
    """Whether a page may name a version to this viewer and lead to it: what they see, within their browsing level.

    Needs its model with its subject.
    """
    model = version.model
    if not can_see(viewer, version):
        return False
    return can_moderate(viewer) or is_owner(viewer, model) or not is_beyond(model.subject.rating, viewer)


def is_public(version: ModelVersion) -> bool:
    """In everybody's hands: published, and its model not taken down."""
    return version.state == ModelVersion.State.PUBLISHED and version.model.taken_down_at is None


def can_render(user: Viewer, version: ModelVersion) -> bool:
    """Whether this person may render with it on this site: one's own always, another's where its author allows it.

    Another's draft never, whoever looks: what a moderator may see is not theirs to use.
    """
    if not user.is_authenticated or version.model.taken_down_at is not None:
        return False
    return is_owner(user, version.model) or (is_public(version) and bool(version.model.render_here))


def can_see_report(user: Viewer, file: ModelFile) -> bool:
    """What the scanner found is shown to whoever sees the version, whatever the verdict."""
    return can_see(user, file.version)


def can_serve(file: ModelFile, viewer: Viewer) -> Serving:
    """Whether these bytes may go to this viewer.

    Reads `file.version.model`, `file.blob` and, for a *check* file of a published version, its waivers; load them
    beforehand where many files are asked about. Nobody, its owner included, gets bytes without a passing verdict.
    """
    version = file.version
    if not can_see(viewer, version):
        return Serving(Refusal.HIDDEN)
    if version.model.taken_down_at is not None:
        return Serving(Refusal.TAKEN_DOWN)
    public = is_public(version)
    if file.verdict == Verdict.SAFE and file.blob is not None:
        return Serving(is_public=public)
    if public and file.verdict == Verdict.CHECK and has_waiver(file):
        return Serving(needs_confirmation=True)
    return Serving(Refusal(file.verdict))


def can_convert(user: Viewer, file: ModelFile) -> bool:
    """Ask for a file's pickle to be converted: its owner, and moderators."""
    return can_edit(user, file.version.model) or can_moderate(user)


def can_serve_conversion(file: ModelFile, conversion: Conversion, viewer: Viewer) -> Serving:
    """Whether what was made of a file may go to this viewer: where the file itself may, as *safe*, and it is safe too.

    Reads what `can_serve` does, and `conversion.result`.
    """
    serving = can_serve(file, viewer)
    if not serving.allowed:
        return serving
    if serving.needs_confirmation or conversion.source_id != file.blob_id:
        return Serving(Refusal.CHECK)
    if conversion.result is None:
        return Serving(Refusal.PENDING)
    if conversion.result.verdict != Verdict.SAFE:
        return Serving(Refusal(conversion.result.verdict))
    return serving


def has_waiver(file: ModelFile) -> bool:
    """Whether a moderator's decision to let a *check* file through stands."""
    return any(waiver.voided_at is None for waiver in file.waivers.all())


def is_passing(file: ModelFile) -> bool:
    """Whether this file may be part of a published version: *safe*, or *check* with a standing waiver."""
    return file.verdict == Verdict.SAFE or (file.verdict == Verdict.CHECK and has_waiver(file))
