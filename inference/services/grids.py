"""X/Y grids: one request with two of its values varied, each cell a render of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from community.errors import Conflict, InvalidInput, QuotaExceeded, SafelightError
from community.models import User
from community.services.texts import clean_line
from inference.models import Grid, GridCell, RenderJob
from inference.prompts.networks import Network, extract_networks
from inference.services.cancelling import cancel_render
from inference.services.planning import read_render_request, with_seed
from inference.services.submitting import pictures_of_today, queue_render

_Vary = Callable[[dict[str, Any], Any, Sequence[Any]], None]


@dataclass(frozen=True)
class Axis:
    """One value of a request that a grid can vary. `read` makes it of what was typed; `apply` puts it in place."""

    id: str
    label: Any
    read: Callable[[str], Any]
    apply: _Vary


def _set(name: str) -> _Vary:
    def apply(asked: dict[str, Any], value: Any, _all: Sequence[Any]) -> None:
        asked[name] = value

    return apply


def _set_weight(asked: dict[str, Any], value: float, _all: Sequence[Any]) -> None:
    """The strength of the first LoRA, in the prompt or beside it."""
    text, networks = extract_networks(asked.get("prompt", ""))
    first = next((place for place, network in enumerate(networks) if network.kind == "lora"), None)
    if first is not None:
        varied = [
            replace(network, text_weight=value, image_weight=value) if place == first else network
            for place, network in enumerate(networks)
        ]
        asked["prompt"] = " ".join([text.strip(), *map(Network.written, varied)])
    elif asked.get("loras"):
        asked["loras"] = [{**asked["loras"][0], "weight": value, "clip_weight": None}, *asked["loras"][1:]]
    else:
        raise InvalidInput(_("The request names no LoRA whose weight could be varied."))


def _set_words(asked: dict[str, Any], value: str, every: Sequence[str]) -> None:
    """The first of the values stands in the prompt; each takes its place."""
    if every[0] not in asked.get("prompt", ""):
        raise InvalidInput(_("“%(words)s” does not stand in the prompt.") % {"words": every[0]})
    asked["prompt"] = asked["prompt"].replace(every[0], value)


AXES: Final[Mapping[str, Axis]] = {
    axis.id: axis
    for axis in (
        Axis("weight", gettext_lazy("LoRA weight"), float, _set_weight),
        Axis("steps", gettext_lazy("Steps"), int, _set("steps")),
        Axis("cfg_scale", gettext_lazy("CFG scale"), float, _set("cfg_scale")),
        Axis("sampler", gettext_lazy("Sampler"), str, _set("sampler")),
        Axis("schedule_type", gettext_lazy("Schedule"), str, _set("schedule_type")),
        Axis("checkpoint", gettext_lazy("Checkpoint (number of its version)"), int, _set("version")),
        Axis("words", gettext_lazy("Words of the prompt"), str, _set_words),
        Axis("seed", gettext_lazy("Seed"), str, _set("seed")),
        Axis("clip_skip", gettext_lazy("Clip skip"), int, _set("clip_skip")),
    )
}


def read_axis(axis: str, text: str, field: str) -> dict[str, Any]:
    """An axis with its values, typed one a line or parted by commas. Raises InvalidInput that names `field`."""
    if axis not in AXES:
        raise InvalidInput(_("Choose what is varied."), field=field)
    parts = text.splitlines() if "\n" in text.strip() else text.split(",")
    typed = [part.strip() for part in parts if part.strip()]
    if not typed or len(typed) > settings.RENDER_MAX_CELLS:
        detail = _("Give 1 to %(most)d values, parted by commas or one a line.") % {"most": settings.RENDER_MAX_CELLS}
        raise InvalidInput(detail, field=field)
    try:
        return {"axis": axis, "values": [AXES[axis].read(part) for part in typed]}
    except ValueError:
        raise InvalidInput(_("One of these values is no number."), field=field) from None


@transaction.atomic
def submit_grid(
    request: Mapping[str, Any], x: Mapping[str, Any], y: Mapping[str, Any] | None, *, name: str = "", by: User
) -> Grid:
    """Queue every cell of a grid, or none. `x` and `y` are what `read_axis` gives.

    Raises InvalidInput that names "x", "y" or a field of the request, NotAllowed, QuotaExceeded.
    """
    rows = y["values"] if y else [None]
    count = len(x["values"]) * len(rows)
    if count > settings.RENDER_MAX_CELLS:
        detail = _("This grid has %(count)d cells; %(most)d are possible.")
        raise InvalidInput(
            detail % {"count": count, "most": settings.RENDER_MAX_CELLS}, code="too_many_cells", field="x"
        )
    if pictures_of_today(by) + count > settings.RENDER_DAILY_PICTURES:
        detail = _("%(most)d pictures within 24 hours are possible, and this grid has %(count)d.")
        words = {"most": settings.RENDER_DAILY_PICTURES, "count": count}
        raise QuotaExceeded(detail % words, code="daily_pictures", field="x")
    spec = {"x": dict(x), "y": dict(y) if y else None, "request": with_seed(request)}
    grid = Grid.objects.create(owner=by, name=clean_line(name, "name", most=100), spec=spec)
    for down, row in enumerate(rows):
        for across, value in enumerate(x["values"]):
            asked = varied_request(spec, value, row)
            job = queue_render(read_render_request(with_seed(asked)), by=by, kind=RenderJob.Kind.GRID)
            GridCell.objects.create(grid=grid, x=across, y=down, job=job)
    return grid


def varied_request(spec: Mapping[str, Any], x: Any, y: Any) -> dict[str, Any]:
    """The request of one cell. One picture each, whatever the request's batch."""
    asked = {**spec["request"], "batch_count": 1}
    for field, value in (("x", x), ("y", y)):
        axis = spec[field]
        if axis is None:
            continue
        try:
            AXES[axis["axis"]].apply(asked, value, axis["values"])
        except SafelightError as refusal:
            raise InvalidInput(refusal.detail, code=refusal.code, field=field) from None
    return asked


def cancel_grid(grid: Grid, *, by: User) -> None:
    """Call off what is not rendered yet. Twice is harmless."""
    Grid.objects.filter(pk=grid.pk, owner=by, state=Grid.State.OPEN).update(state=Grid.State.CANCELLED)
    for cell in grid.cells.select_related("job").filter(job__state__in=RenderJob.OPEN):
        try:
            cancel_render(cell.job, by=by)
        except Conflict:
            continue  # it ended meanwhile


def grid_ended(job: RenderJob) -> None:
    """A cell has ended; so has its grid with the last of them (`settings.RENDER_LISTENERS`)."""
    if job.kind != RenderJob.Kind.GRID:
        return
    cell = GridCell.objects.filter(job=job).first()
    if cell is None:
        return
    grid = Grid.objects.select_for_update().get(pk=cell.grid_id)
    if not grid.cells.filter(job__state__in=RenderJob.OPEN).exists():
        Grid.objects.filter(pk=grid.pk, state=Grid.State.OPEN).update(state=Grid.State.DONE)
