"""X/Y grids: asked for from a render, shown as a table that can be zoomed."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from community.errors import QuotaExceeded, SafelightError
from community.services.paging import keyset_page
from inference.forms import GridForm
from inference.models import Grid, RenderJob
from inference.services.grids import AXES, cancel_grid, submit_grid
from inference.services.gridviews import grid_table
from inference.services.keeping import is_grid_kept, keep_grid, let_go_grid

_PAGE = 30


@login_required
@never_cache
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """`/grids`: one's own, newest first."""
    rows = Grid.objects.of(request.user)
    page = keyset_page(rows, ["-created_at", "-id"], cursor=request.GET.get("cursor", ""), size=_PAGE)
    return render(request, "inference/grids.html", {"grids": page.items, "cursor": page.next})


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def begin(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """`/renders/<id>/grid`: the values of this render that are to vary."""
    job = get_object_or_404(RenderJob.objects.of(request.user), pk=job_id)
    form = GridForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            x, y = form.axes()
            grid = submit_grid(job.request, x, y, name=form.cleaned_data["name"], by=request.user)
        except SafelightError as refusal:
            form.refuse(refusal)
        else:
            return redirect("inference:grid", grid.pk)
    status = 422 if request.method == "POST" else 200
    return render(request, "inference/grid_form.html", {"form": form, "job": job}, status=status)


@login_required
@never_cache
@require_safe
def grid_page(request: HttpRequest, grid_id: uuid.UUID) -> HttpResponse:
    """`/grids/<id>`: the table, as far as it is rendered."""
    grid = get_object_or_404(Grid.objects.of(request.user), pk=grid_id)
    context: dict[str, Any] = {"grid": grid, "table": grid_table(grid), "axes": _axes(grid)}
    context |= {"is_kept": is_grid_kept(grid), "days": settings.RENDER_KEEP_DAYS}
    fragment = request.htmx and request.htmx.target == "grid"
    return render(request, "inference/_grid.html" if fragment else "inference/grid.html", context)


@login_required
@require_POST
def cancel(request: HttpRequest, grid_id: uuid.UUID) -> HttpResponse:
    """Call off what is not rendered yet."""
    grid = get_object_or_404(Grid.objects.of(request.user), pk=grid_id)
    cancel_grid(grid, by=request.user)
    return redirect("inference:grid", grid.pk)


@login_required
@require_POST
def keep(request: HttpRequest, grid_id: uuid.UUID) -> HttpResponse:
    """Keep every cell, or (`let_go`) leave them to time again."""
    grid = get_object_or_404(Grid.objects.of(request.user), pk=grid_id)
    try:
        (let_go_grid if "let_go" in request.POST else keep_grid)(grid, by=request.user)
    except QuotaExceeded as refusal:
        messages.error(request, str(refusal.detail))
    return redirect("inference:grid", grid.pk)


def _axes(grid: Grid) -> dict[str, Any]:
    spec = grid.spec
    return {name: AXES[spec[name]["axis"]].label if spec.get(name) else "" for name in ("x", "y")}
