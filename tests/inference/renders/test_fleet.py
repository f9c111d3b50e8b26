"""Workers as processes of their own, sharing one queue; and one of them killed in the middle of a step."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as site
from django.db import connection
from django.utils import timezone

from inference.models import Receipt, RenderJob, RenderResult, Worker
from inference.services.planning import read_render_request
from inference.services.submitting import queue_for_site, submit_render
from inference.services.watching import sweep_renders
from tests.factories import UserFactory
from tests.inference.renders.conftest import renderable
from tests.inference.renders.station import start_station

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.site]

WORKERS = 10
PEOPLE = 4
EACH = 6
PREVIEWS = 6


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    folder = tmp_path / "gate"
    folder.mkdir()
    return folder


@pytest.fixture
def start(gate: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Starts workers that end with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str) -> subprocess.Popen[bytes]:
        started.append(start_station(connection.settings_dict["NAME"], site.DATA, name, gate))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


def reached(gate: Path, count: int, seconds: float = 120) -> list[int]:
    """The processes that stand at the gate, once there are so many."""
    limit = time.monotonic() + seconds
    while len(found := list(gate.glob("reached-*"))) < count:
        assert time.monotonic() < limit, f"only {len(found)} of {count} workers began a render"
        time.sleep(0.05)  # other processes give no sign to wait for
    return [int(path.name.rpartition("-")[2]) for path in found]


def _small(version: int, seed: int) -> dict[str, object]:
    return {"version": version, "prompt": "gate", "width": 64, "height": 64, "steps": 3, "seed": seed}


def test_ten_workers_share_a_queue_every_job_once_and_in_fair_order(start, gate):
    version = renderable().version
    people = [UserFactory() for _ in range(PEOPLE)]
    for seed in range(PREVIEWS):
        queue_for_site(read_render_request(_small(version.pk, 1000 + seed)), owner=version.model.owner)
    for person in people:
        for seed in range(EACH):
            submit_render(_small(version.pk, person.pk * 100 + seed), by=person)

    workers = [start(f"render{number}@here") for number in range(WORKERS)]
    reached(gate, WORKERS)
    (gate / "open").touch()
    assert [worker.wait(120) for worker in workers] == [0] * WORKERS

    jobs = list(RenderJob.objects.order_by("started_at"))
    assert {job.state for job in jobs} == {RenderJob.State.DONE}
    assert {job.tries for job in jobs} == {1}
    assert RenderResult.objects.count() == Receipt.objects.count() == len(jobs) == PEOPLE * EACH + PREVIEWS
    assert len({job.worker for job in jobs}) == WORKERS
    assert [job.kind for job in jobs[-PREVIEWS:]] == ["preview"] * PREVIEWS
    turns: Counter[int] = Counter({person.pk: 0 for person in people})
    for job in jobs[:-PREVIEWS]:
        turns[job.turn] += 1
        assert max(turns.values()) - min(turns.values()) <= 1


def test_a_render_whose_worker_is_killed_ends_on_the_next_one_with_one_picture_and_one_receipt(start, gate):
    version = renderable().version
    job = submit_render(_small(version.pk, 7), by=UserFactory())
    first = start("first@here")
    (pid,) = reached(gate, 1)
    assert RenderJob.objects.get(pk=job.pk).state == RenderJob.State.RUNNING

    os.kill(pid, signal.SIGKILL)
    first.wait(10)
    RenderJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    sweep_renders()
    (gate / "open").touch()
    second = start("second@here")

    assert second.wait(60) == 0
    job.refresh_from_db()
    assert (job.state, job.tries) == (RenderJob.State.DONE, 2)
    assert job.worker.startswith("second@here/")
    assert (RenderResult.objects.count(), Receipt.objects.count()) == (1, 1)
    assert Worker.objects.filter(name=job.worker, jobs_done=1).exists()
