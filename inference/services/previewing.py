"""Stored prompts rendered for a version, and the pictures put on it as they come."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from community.errors import InvalidInput, NotAllowed, SafelightError
from community.models import User
from community.ratings import Rating
from inference.models import Prompt, PromptSetRevision, RenderedPreview, RenderJob
from inference.prompts.request import ControlUse, EmbeddingUse, HypernetUse, LoraUse, RenderRequest
from inference.prompts.suites import HOUSE_SUITES, with_words
from inference.services.controls import house_control
from inference.services.defaults import default_checkpoint
from inference.services.ingredients import ROLE_TYPES, Need, chosen_file, stem_of
from inference.services.promptsets import revisions_for
from inference.services.submitting import queue_for_site
from registry.formats.catalog import BASE_MODELS, MODEL_TYPES
from registry.models import ModelVersion, VersionPreview
from registry.policies import Viewer, can_edit, is_public
from registry.services.rendered import show_rendered

LORA_WEIGHT: Final = 0.8
_WORDS: Final = 200  # characters of trigger words that a stored prompt takes
_SIDE: Final = 512
_HOUSE_PLACE: Final = 1_000  # the house's pictures stand behind those of the author's own sets
_IN_VAIN: Final = frozenset({RenderJob.State.FAILED, RenderJob.State.CANCELLED, RenderJob.State.DONE})


@dataclass(frozen=True)
class NotPreviewed:
    """Why no stored prompt is rendered for a version. `code` is stable, `detail` tells people."""

    code: str
    detail: str


def version_published(version: ModelVersion) -> None:
    """Have a version that comes out rendered (`settings.PUBLISH_LISTENERS`). Publishing never fails for it."""
    queue_previews(version)


def render_samples(owner: User) -> None:
    """Have all of the samples rendered, those too that came out before their default (`settings.SAMPLE_LISTENERS`)."""
    for version in ModelVersion.objects.published().filter(model__owner=owner).select_related("model__owner"):
        queue_previews(version)


def ask_for_previews(version: ModelVersion, *, by: User) -> int:
    """Have rendered what is missing, at its owner's or the staff's word; answers with the number of new renders.

    Raises NotAllowed, and InvalidInput with the reason where nothing can be rendered for it.
    """
    if not (can_edit(by, version.model) or by.is_moderator):
        raise NotAllowed(_("Only its author may ask for pictures of it."))
    if not is_public(version):
        raise InvalidInput(_("Pictures are rendered once the version is published."), code="not_published")
    outcome = queue_previews(version)
    if isinstance(outcome, NotPreviewed):
        raise InvalidInput(outcome.detail, code=outcome.code)
    return outcome


@transaction.atomic
def queue_previews(version: ModelVersion) -> int | NotPreviewed:
    """Queue every stored prompt that is not rendered for the version yet; a second call adds nothing.

    A prompt whose render failed or was cancelled is tried again.
    """
    reason = why_not_previewed(version)
    if reason is not None:
        return reason
    ModelVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
    queued = 0
    for revision in revisions_for(_family(version), version.model.owner):
        for prompt in revision.prompts.order_by("index"):
            try:
                queued += _queue(version, revision, prompt)
            except SafelightError as refusal:  # the same for every prompt: of the files, not of the words
                return NotPreviewed(refusal.code, str(refusal.detail))
    return queued


def why_not_previewed(version: ModelVersion) -> NotPreviewed | None:
    """What speaks against rendering this version at all: its type, or that its base model has no default checkpoint."""
    if _role(version) is None:
        label = MODEL_TYPES[version.model.type].label
        return NotPreviewed("type_not_rendered", _("Pictures are not rendered for this type: %s.") % label)
    if _family(version) not in HOUSE_SUITES:
        detail = _("No pictures are rendered for models of this base model.")
        return NotPreviewed("family_not_rendered", detail)
    if _role(version) != "checkpoint" and default_checkpoint(version.base_model) is None:
        detail = _("No pictures are rendered: the site has no default checkpoint for %s.")
        return NotPreviewed("no_default_checkpoint", detail % BASE_MODELS[version.base_model].label)
    return None


def preview_request(version: ModelVersion, prompt: Prompt) -> RenderRequest:
    """A stored prompt as a request with this version: on itself, or on its base model's default checkpoint.

    Raises InvalidInput where the version has no file that may be loaded.
    """
    role, house = _role(version), HOUSE_SUITES[_family(version)][0]
    base = version if role == "checkpoint" else default_checkpoint(version.base_model)
    width, height = prompt.width or house.width or _SIDE, prompt.height or house.height or _SIDE
    word = _word(version) if role == "embedding" else _trained(version)
    control = ControlUse(version.pk, house_control(width, height).blob_id) if role == "controlnet" else None
    return RenderRequest(
        version=base.pk,
        prompt=with_words(prompt.prompt, word),
        negative=prompt.negative,
        seed=int(prompt.seed),
        width=width,
        height=height,
        steps=prompt.steps,
        sampler=prompt.sampler,
        schedule_type=prompt.schedule_type,
        cfg_scale=prompt.cfg_scale,
        clip_skip=prompt.clip_skip,
        loras=(LoraUse(version.pk, LORA_WEIGHT),) if role == "lora" else (),
        vae=version.pk if role == "vae" else None,
        embeddings=(EmbeddingUse(version.pk, word),) if role == "embedding" else (),
        hypernets=(HypernetUse(version.pk),) if role == "hypernet" else (),
        control=control,
    )


def preview_ended(job: RenderJob) -> None:
    """Put a preview's picture on its version (`settings.RENDER_LISTENERS`). A failed one leaves its row and the job."""
    if job.kind != RenderJob.Kind.PREVIEW or job.state != RenderJob.State.DONE:
        return
    row = RenderedPreview.objects.select_related("version__model", "revision__set").filter(job=job).first()
    result = job.results.select_related("picture").order_by("index").first()
    if row is None or result is None or row.preview_id is not None:
        return
    prompt = row.revision.prompts.get(index=row.index)
    row.result = result
    row.preview = show_rendered(
        row.version, result.picture, place=_place(row), alt=_alt(prompt), rating=Rating(prompt.rating)
    )
    row.save(update_fields=["result", "preview"])


def side_by_side(
    version: ModelVersion, previews: Iterable[VersionPreview], *, viewer: Viewer
) -> list[tuple[VersionPreview, VersionPreview]]:
    """Pairs of rendered pictures of the version before and of this one: the same prompt, the same seed.

    `previews` are those of this version that the viewer may see. Three queries, however many.
    """
    shown = {each.pk: each for each in previews}
    rows = {(row.revision_id, row.index): shown[row.preview_id] for row in _rendered(version, shown)}
    before = _version_before(version) if rows else None
    if before is None:
        return []
    visible = VersionPreview.objects.visible_to(viewer).ready().filter(version=before, rendered__isnull=False)
    found = {
        (each.rendered.revision_id, each.rendered.index): each
        for each in visible.for_display().select_related("rendered", "picture")
    }
    return [(found[place], after) for place, after in rows.items() if place in found]


def _rendered(version: ModelVersion, previews: Collection[int]) -> QuerySet[RenderedPreview]:
    return version.rendered_previews.filter(preview__in=previews).order_by("preview__position", "pk")


def _queue(version: ModelVersion, revision: PromptSetRevision, prompt: Prompt) -> int:
    """Queue one stored prompt unless it is rendered or waits. Whoever calls holds the version."""
    row = RenderedPreview.objects.select_related("job").filter(
        version=version, revision=revision, index=prompt.index
    ).first()  # fmt: skip
    if row is not None and (row.preview_id is not None or (row.job is not None and row.job.state not in _IN_VAIN)):
        return 0
    job = queue_for_site(preview_request(version, prompt), owner=version.model.owner)
    RenderedPreview.objects.update_or_create(
        version=version, revision=revision, index=prompt.index, defaults={"job": job}
    )
    return 1


def _version_before(version: ModelVersion) -> ModelVersion | None:
    if version.published_at is None:
        return version.model.versions.published().order_by("-published_at", "-pk").first()
    earlier = version.model.versions.published().filter(published_at__lt=version.published_at)
    return earlier.order_by("-published_at", "-pk").first()


def _role(version: ModelVersion) -> str | None:
    return next((role for role, types in ROLE_TYPES.items() if version.model.type in types), None)


def _family(version: ModelVersion) -> str:
    row = BASE_MODELS.get(version.base_model)
    return row.family if row else ""


def _trained(version: ModelVersion) -> str:
    return (version.trained_words[0] if version.trained_words else "")[:_WORDS]


def _word(version: ModelVersion) -> str:
    return stem_of(chosen_file(Need("embedding", version.pk, "embeddings"), version).name)


def _place(row: RenderedPreview) -> int:
    return row.index if row.revision.set.owner_id else _HOUSE_PLACE + row.index


def _alt(prompt: Prompt) -> str:
    return prompt.alt or with_words(prompt.prompt, "")[:500]
