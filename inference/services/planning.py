"""From a request to a plan: every version and picture that it names found, and allowed to whoever asks."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.utils.module_loading import import_string

from community.errors import NotAllowed
from community.models import User
from inference.models import RenderResult
from inference.models.refusals import explain_render
from inference.prompts.plan import RenderPlan, StoredPicture
from inference.prompts.request import Limits, RenderRequest, RequestRefused, read_request
from inference.services.ingredients import Need, chosen_file, ingredient_of, prediction_of, render_refusal
from inference.services.mentions import with_named
from registry.models import Blob, ModelVersion, Picture, Upload, VersionPreview
from registry.models.files import Verdict
from registry.policies import can_render

_SEEDS: Final = 2**32  # as other tools draw them; all of 64 bits can be asked for
_ANY_SEED: Final = (None, -1, "-1")  # -1 is the word of other tools for it


def render_limits() -> Limits:
    """What one request may ask for on this site."""
    return Limits(steps=settings.RENDER_MAX_STEPS, side=settings.RENDER_MAX_SIDE)


def read_render_request(data: Any) -> RenderRequest:
    """The request that a form or a program says. Raises InvalidInput that names the field."""
    try:
        return read_request(data, render_limits())
    except RequestRefused as refused:
        raise render_refusal(refused.code, refused.field, refused.params) from None


def with_seed(data: Any) -> Any:
    """What is asked for, with a seed drawn where none is named, so that whoever asked can be told it."""
    if not isinstance(data, Mapping):
        return data
    drawn = dict(data)
    if drawn.get("seed") in _ANY_SEED:
        drawn["seed"] = _drawn_seed()
    variation = drawn.get("variation")
    if isinstance(variation, Mapping) and variation.get("seed") in _ANY_SEED:
        drawn["variation"] = {**variation, "seed": _drawn_seed()}
    return drawn


def _drawn_seed() -> str:
    return str(secrets.randbelow(_SEEDS))


def plan_render(request: RenderRequest, *, by: User) -> RenderPlan:
    """The request with everything found, for `by`. Names in the prompt become uses of versions.

    Raises InvalidInput or NotAllowed that names the field.
    """
    request = with_named(request, by)
    needs = needs_of(request)
    versions = _versions(needs, by)
    chosen = [chosen_file(need, versions[need.version]) for need in needs]
    ingredients = tuple(ingredient_of(need, file) for need, file in zip(needs, chosen, strict=True))
    pictures = tuple(_picture(sha256, field, by) for field, sha256 in _pictures(request))
    _refuse_other_size(request)
    unique = {picture.sha256: picture for picture in pictures}
    return RenderPlan(request, ingredients, tuple(unique.values()), prediction_of(chosen[0]))


def needs_of(request: RenderRequest) -> list[Need]:
    """Every version that a request names, each once in each role, the checkpoint first."""
    needs = [Need("checkpoint", request.version, "version")]
    needs += [Need("lora", use.version, f"loras.{at}.version") for at, use in enumerate(request.loras)]
    needs += [Need("embedding", use.version, f"embeddings.{at}.version") for at, use in enumerate(request.embeddings)]
    needs += [Need("hypernet", use.version, f"hypernets.{at}.version") for at, use in enumerate(request.hypernets)]
    needs += [Need("vae", request.vae, "vae")] if request.vae is not None else []
    needs += [Need("controlnet", request.control.version, "control.version")] if request.control else []
    return list({(need.role, need.version): need for need in reversed(needs)}.values())[::-1]


def _versions(needs: list[Need], by: User) -> dict[int, ModelVersion]:
    visible = ModelVersion.objects.visible_to(by).select_related("model__owner")
    rows = visible.prefetch_related("files__blob__hashes").in_bulk({need.version for need in needs})
    for need in needs:
        version = rows.get(need.version)
        if version is None:
            raise render_refusal("unknown_version", need.field)
        if not can_render(by, version):
            detail = explain_render("render_not_allowed", {"name": version.model.title})
            raise NotAllowed(detail, code="render_not_allowed", field=need.field)
    return rows


def _pictures(request: RenderRequest) -> list[tuple[str, str]]:
    control = request.control.picture if request.control is not None else None
    named = (("init", request.init), ("mask", request.mask), ("control.picture", control))
    return [(field, sha256) for field, sha256 in named if sha256]


def _refuse_other_size(request: RenderRequest) -> None:
    """A mask has the size of its picture, or of what is rendered. The engine says it of what is not read yet."""
    if request.init is None or request.mask is None:
        return
    read = Picture.objects.filter(blob__in=[request.init, request.mask], state=Picture.State.READY)
    sizes = {sha256: f"{width} x {height}" for sha256, width, height in read.values_list("blob", "width", "height")}
    wanted, found = sizes.get(request.init), sizes.get(request.mask)
    if wanted and found and found not in (wanted, f"{request.width} x {request.height}"):
        raise render_refusal("mask_size", "mask", {"found": found, "wanted": wanted})


def _picture(sha256: str, field: str, by: User) -> StoredPicture:
    """A picture that this person has: sent by them, rendered for them, or shown to them. Knowing a hash is no proof."""
    blob = Blob.objects.filter(pk=sha256, verdict=Verdict.SAFE).first()
    if blob is None or not _may_use(blob, by):
        raise render_refusal("unknown_picture", field)
    if Picture.objects.filter(blob=blob, state=Picture.State.REFUSED).exists():
        raise render_refusal("picture_refused", field)
    return StoredPicture(blob.sha256, blob.size, blob.key)


def _may_use(blob: Blob, by: User) -> bool:
    return (
        Upload.objects.of(by).filter(blob=blob, state=Upload.State.DONE).exists()
        or RenderResult.objects.of(by).filter(picture__blob=blob).exists()
        or VersionPreview.objects.visible_to(by).ready().filter(picture__blob=blob).exists()
        or any(shows(blob, by) for shows in _other_rooms())
    )


def _other_rooms() -> list[Any]:
    return [import_string(name) for name in settings.RENDER_PICTURES]
