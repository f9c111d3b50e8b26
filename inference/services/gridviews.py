"""A grid as a table to look at: loaded in a fixed number of queries, however many cells it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inference.models import Grid, GridCell, RenderJob, RenderResult
from registry.models import Rendition


@dataclass(frozen=True, slots=True)
class Cell:
    """One place: its job, and where its picture is served in a small size; empty until there is one."""

    label: str = ""
    job: Any = None
    state: str = ""
    src: str = ""
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class GridTable:
    """Headings across, rows of (heading, cells), and whether something is still to come."""

    across: list[Any]
    rows: list[tuple[Any, list[Cell]]]
    done: int
    total: int

    @property
    def is_open(self) -> bool:
        return self.done < self.total


def grid_table(grid: Grid) -> GridTable:
    """The table of a grid. Four queries."""
    spec = grid.spec
    across, down = spec["x"]["values"], spec["y"]["values"] if spec.get("y") else [""]
    rows = [[Cell(_label(heading, value)) for value in across] for heading in down]
    cells = list(GridCell.objects.filter(grid=grid).values_list("x", "y", "job_id", "job__state"))
    found = _results(grid)
    for x, y, job, state in cells:
        if y < len(rows) and x < len(across):
            rows[y][x] = _cell(rows[y][x].label, job, state, found.get(job))
    open_states = {str(state) for state in RenderJob.OPEN}
    done = sum(state not in open_states for _x, _y, _job, state in cells)
    return GridTable(across, list(zip(down, rows, strict=True)), done, len(cells))


def _results(grid: Grid) -> dict[Any, RenderResult]:
    results = RenderResult.objects.filter(job__cell__grid=grid, index=0).select_related("picture")
    copies: dict[int, list[Rendition]] = {}
    for copy in Rendition.objects.filter(picture__results__job__cell__grid=grid, format=Rendition.Format.WEBP):
        copies.setdefault(copy.picture_id, []).append(copy)
    found = {}
    for result in results:
        result.small = min(copies.get(result.picture_id, []), key=lambda copy: copy.width, default=None)
        found[result.job_id] = result
    return found


def _label(heading: Any, value: Any) -> str:
    return " · ".join(str(part) for part in (heading, value) if part != "")


def _cell(label: str, job: Any, state: str, result: Any) -> Cell:
    if result is None:
        return Cell(label, job, state or "gone")
    src = result.address_of(result.small) if result.small else result.original_address
    return Cell(label, job, state, src, result.picture.width or 0, result.picture.height or 0)
