"""People, checkpoints and a worker of the small engine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from inference.models import RenderJob, Worker
from inference.services.claiming import claim_render
from inference.services.running import run_render
from inference.services.submitting import submit_render
from inference.services.working import announce_worker
from registry.models import ModelFile, ModelVersion
from tests.factories import ModelFileFactory, UserFactory
from tests.inference.renders.engine import SmallEngine


def renderable(type: str = "checkpoint", **file) -> ModelFile:
    """A safe file of a published version with which everybody may render here."""
    values = {
        "published": True,
        "version__model__type": type,
        "version__model__render_here": True,
        "version__base_model": "Safelight Tiny",
        **file,
    }
    return ModelFileFactory(**values)


@pytest.fixture
def checkpoint() -> ModelVersion:
    return renderable(name="tiny.safetensors").version


@pytest.fixture
def person():
    return UserFactory(username="mira")


@pytest.fixture
def engine() -> SmallEngine:
    return SmallEngine()


@pytest.fixture
def worker(engine: SmallEngine) -> Worker:
    return announce_worker("render@here/1", engine.device)


@pytest.fixture
def ask(checkpoint, person) -> Callable[..., RenderJob]:
    """Asks for a small render."""

    def ask(**values) -> RenderJob:
        by = values.pop("by", person)
        return submit_render({"version": checkpoint.pk, "width": 64, "height": 64, "steps": 4, **values}, by=by)

    return ask


@pytest.fixture
def render_next(worker, engine) -> Callable[[], RenderJob | None]:
    """Lets the worker take one render and end it, one way or another."""

    def render_next() -> RenderJob | None:
        job = claim_render(worker)
        if job is not None:
            run_render(job, worker, engine)
            job = RenderJob.objects.get(pk=job.pk)
        return job

    return render_next
