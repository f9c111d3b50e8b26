"""A process that renders: it loads the engine, announces itself, and takes one render after another.

With Celery: `celery -A config worker -Q render --pool prefork -c 1`, one for each device. The parent never loads the
engine; its child does, in a thread, for loading takes longer than Celery waits for a child to come up.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import Any, Final

from celery import shared_task, signals
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from inference.models import Worker
from inference.services.aside import Aside
from inference.services.claiming import claim_render
from inference.services.durability import need_not_last
from inference.services.engines import Device, Engine, load_engine
from inference.services.submitting import RENDER_NEXT, nudge_workers

QUEUE: Final = "render"
# After so long a worker takes a new message: Celery can then stop it, or tell it something.
_TURN_SECONDS: Final = 5
_NODE: Final = "SAFELIGHT_RENDER_NODE"

logger = logging.getLogger(__name__)


class Station:
    """This process as a worker: its engine and its row."""

    def __init__(self, node: str) -> None:
        self.name = f"{node}/{os.getpid()}"
        self.engine: Engine | None = None
        self.worker: Worker | None = None
        self._opened = threading.Event()
        self._stop = threading.Event()

    def open(self) -> None:
        """Load the engine and announce the worker. Without an engine nothing is announced, and nothing rendered."""
        try:
            self.engine = load_engine()
            if self.engine is not None:
                self.worker = announce_worker(self.name, self.engine.device)
                nudge_workers()
        except Exception:
            logger.exception("the engine could not be loaded; this worker renders nothing")
        finally:
            self._opened.set()

    def wait(self) -> bool:
        """Whether it can render, once that is known."""
        self._opened.wait()
        return self.engine is not None and self.worker is not None

    def stay(self) -> None:
        """Open, then keep saying that the worker is there, until the process ends. Runs in a thread of its own."""
        self.open()
        connection.close()
        while self.worker is not None and not self._stop.wait(settings.RENDER_LEASE_SECONDS / 3):
            try:
                Worker.objects.filter(pk=self.worker.pk).update(seen_at=timezone.now())
            except DatabaseError:
                logger.warning("the database did not answer; the worker stays", exc_info=True)
            finally:
                connection.close()

    def work(self, seconds: float = _TURN_SECONDS) -> int:
        """Render what waits, one after another, for about so long. Answers with how many were taken."""
        if not self.wait():
            return 0
        with need_not_last(), Aside() as aside:
            taken, is_all = self._work_until(time.monotonic() + seconds, aside)
        if not is_all:
            nudge_workers()
        return taken

    def _work_until(self, end: float, aside: Aside) -> tuple[int, bool]:
        from inference.services.running import begin_render  # noqa: PLC0415 - with the engine's words, workers alone

        taken = 0
        while time.monotonic() < end:
            job = claim_render(self.worker)
            if job is None:
                return taken, True
            aside.do(begin_render(job, self.worker, self.engine))
            taken += 1
        return taken, False

    def leave(self) -> None:
        """Say goodbye, so that nothing waits for this worker."""
        self._stop.set()
        if self.worker is not None:
            Worker.objects.filter(pk=self.worker.pk).delete()


def announce_worker(name: str, device: Device) -> Worker:
    """The worker's row. What was measured on this device before goes on."""
    before = Worker.objects.filter(device=device.name).order_by("-seen_at").first()
    most = settings.RENDER_CPU_SECONDS if device.kind == "cpu" else settings.RENDER_GPU_SECONDS
    now = timezone.now()
    worker, _made = Worker.objects.update_or_create(
        name=name,
        defaults={
            "device": device.name,
            "device_kind": device.kind,
            "memory": device.memory,
            "versions": device.versions,
            "most_seconds": most,
            "speeds": before.speeds if before else {},
            "warm_checkpoint": "",
            "warm_since": None,
            "started_at": now,
            "seen_at": now,
        },
    )
    return worker


_station: Station | None = None


@shared_task(name=RENDER_NEXT, acks_late=True)
def render_next() -> None:
    """Render what waits. The message is a nudge: it may come twice, late, or to another worker."""
    if _station is not None:
        _station.work()


@signals.celeryd_after_setup.connect
def _remember_queues(sender: str, instance: Any, **_: Any) -> None:
    """In the parent: children learn from the environment whether they render, and what their node is called."""
    if QUEUE in instance.app.amqp.queues.consume_from:
        os.environ[_NODE] = sender


@signals.worker_process_init.connect
def _open_station(**_: Any) -> None:
    global _station
    node = os.environ.get(_NODE)
    if node:
        _station = Station(node)
        threading.Thread(target=_station.stay, name="station", daemon=True).start()


@signals.worker_process_shutdown.connect
def _close_station(**_: Any) -> None:
    if _station is not None:
        _station.leave()
