"""A claimed render, carried out: its heart beats from a thread, its steps are written down, its end is one transition.

Loading a checkpoint blocks everything but threads, so the heart has one of its own. Rendering needs the device and
storing does not, so they are two halves: a worker begins with the next render while the last one is stored.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import F
from django.utils import timezone

from community.errors import StoreUnavailable
from inference.engine.errors import DeviceFault, EngineError, OutOfMemory, RenderCancelled
from inference.models import RenderJob, Worker
from inference.prompts.plan import RenderPlan, read_plan
from inference.services.claiming import lease_from
from inference.services.comparing import asks_economy
from inference.services.endings import RenderLost, end_render, queue_again
from inference.services.engines import Engine, Rendering
from inference.services.estimating import learned_speeds, room_of
from inference.services.finishing import finish_render
from inference.services.submitting import nudge_workers
from inference.services.supporting import field_of
from registry.models import Blob, ModelVersion
from registry.models.files import Verdict

_PROGRESS_SECONDS: Final = 0.5
_ELSEWHERE: Final = timedelta(seconds=60)  # how long a render that a device failed is left to other workers
FAULTS: Final = 2  # attempts that a device may fail before the render fails

logger = logging.getLogger(__name__)


class Watch:
    """Keeps a claim alive and its progress written, and says when the render should stop."""

    def __init__(self, job: RenderJob) -> None:
        self._job = job
        self._until = time.monotonic() + job.deadline_seconds
        self._stop = threading.Event()
        self._told = 0.0
        self.steps = job.steps
        self.first_step: float | None = None
        self.ended: float | None = None
        self.is_lost = self.is_unwanted = False
        self.is_typical = True  # of how fast the device is
        self._thread = threading.Thread(target=self._beat, name="heart", daemon=True)

    def start(self) -> None:
        """Let the heart beat, until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Nothing is claimed any more: the render has ended, or waits again."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def is_late(self) -> bool:
        """Past the deadline of the attempt."""
        return time.monotonic() > self._until

    def begin_again(self) -> None:
        """Forget how fast the first steps were: a second try is slower, and of another kind."""
        self.first_step, self.is_typical = None, False

    def on_step(self, step: int, steps: int) -> None:
        """Write a step down, twice a second at most, and see whether the render is still wanted."""
        now = time.monotonic()
        self.first_step, self.steps = self.first_step or now, steps
        if now - self._told < _PROGRESS_SECONDS:
            return
        self._told = now
        self._look(step=step, steps=steps)

    def cancelled(self) -> bool:
        """Whether the render should stop between two steps."""
        return self.is_lost or self.is_unwanted or self.is_late

    def _look(self, **changes: Any) -> None:
        found = self._job.note(**changes)
        if found is None:
            self.is_lost = True
        else:
            self.is_unwanted = found

    def _beat(self) -> None:
        while not self._stop.wait(settings.RENDER_LEASE_SECONDS / 3):
            try:
                self._look(lease_until=lease_from(timezone.now()))
            except DatabaseError:
                logger.warning("the database did not answer; the render goes on", exc_info=True)
            finally:
                connection.close()  # this thread's own


def run_render(job: RenderJob, worker: Worker, engine: Engine) -> None:
    """Carry out a claimed render to one of its ends, or give it back for another attempt."""
    begin_render(job, worker, engine)()


def begin_render(job: RenderJob, worker: Worker, engine: Engine) -> Callable[[], None]:
    """Do what needs the engine. What is left comes back as a function, for any thread: it stores what was rendered."""
    watch = Watch(job)
    try:
        plan = _checked_plan(job)
        watch.start()
        rendered = _rendered(plan, engine, watch, economical=asks_economy(job))
    except RenderCancelled:
        watch.stop()
        _end_stopped(job, watch)
    except Exception as fault:
        watch.stop()
        if _spoils(fault):
            engine.fresh()
        _end_badly(job, worker, fault)
    else:
        watch.ended = time.monotonic()
        return partial(_store, job, worker, watch, rendered)
    return _leave


def _store(job: RenderJob, worker: Worker, watch: Watch, rendered: Rendering) -> None:
    try:
        if watch.is_lost:
            raise RenderLost
        finish_render(job, rendered, steps=watch.steps)
    except RenderLost:
        logger.info("%s was taken over or called off", job)
    except Exception as fault:
        _end_badly(job, worker, fault)
    else:
        _learn(worker, job, watch)
    finally:
        watch.stop()


def _leave() -> None:
    """Nothing is left to do of a render that has ended otherwise."""


class FileMissing(Exception):
    """A file of the plan is no longer there, no longer safe, or no longer to be rendered with."""

    def __init__(self, code: str, role: str) -> None:
        super().__init__(code)
        self.code, self.role = code, role


def _checked_plan(job: RenderJob) -> RenderPlan:
    """The plan, its files asked about again: what was safe and allowed when it was queued may not be by now."""
    plan = read_plan(job.plan)
    verdicts = dict(Blob.objects.filter(pk__in=[i.sha256 for i in plan.ingredients]).values_list("pk", "verdict"))
    for item in plan.ingredients:
        if item.sha256 not in verdicts:
            raise FileMissing("file_gone", item.role)
        if verdicts[item.sha256] != Verdict.SAFE:
            raise FileMissing("not_safe", item.role)
    if job.maker is not None and job.kind != RenderJob.Kind.VERIFY:
        allowed = ModelVersion.objects.renderable_by(job.maker).filter(pk__in=job.versions)
        if allowed.count() < len(set(job.versions)):
            raise FileMissing("no_longer_allowed", "")
    return plan


def _rendered(plan: RenderPlan, engine: Engine, watch: Watch, *, economical: bool) -> Rendering:
    """The pictures. For want of memory everything else is dropped, and they are tried once more with less of it."""
    try:
        return engine.render(plan, economical=economical, on_step=watch.on_step, cancelled=watch.cancelled)
    except OutOfMemory:
        logger.warning("not enough memory; everything else is dropped, and it is tried with less")
    # Not above: as long as the fault is at hand, its frames hold what was loaded.
    engine.fresh()
    watch.begin_again()
    return engine.render(plan, economical=True, on_step=watch.on_step, cancelled=watch.cancelled)


def _end_stopped(job: RenderJob, watch: Watch) -> None:
    if watch.is_unwanted:
        end_render(job, RenderJob.State.CANCELLED)
    elif watch.is_late:
        params = {"seconds": job.deadline_seconds}
        end_render(job, RenderJob.State.FAILED, code="deadline", params=params)


def _spoils(fault: Exception) -> bool:
    """Whether what is loaded is in the way, or may have been left half changed."""
    is_harmless = isinstance(fault, (EngineError, FileMissing, StoreUnavailable))
    return isinstance(fault, (OutOfMemory, DeviceFault)) or not is_harmless


def _end_badly(job: RenderJob, worker: Worker, fault: Exception) -> None:
    for kind, end in _ENDS:
        if isinstance(fault, kind):
            end(job, worker, fault)
            return


def _end_memory(job: RenderJob, worker: Worker, fault: Any) -> None:
    room = room_of(worker)
    if room and any(room_of(other) > room for other in Worker.objects.alive()):
        queue_again(job, memory=room + 1)
        nudge_workers()
    else:
        end_render(job, RenderJob.State.FAILED, code="out_of_memory", trace=_trace(fault))


def _end_fault(job: RenderJob, worker: Worker, fault: Any) -> None:
    logger.error("the device failed while it rendered %s", job, exc_info=fault)
    if job.tries >= FAULTS:
        end_render(job, RenderJob.State.FAILED, code="device_fault", trace=_trace(fault))
        return
    error = {"code": "device_fault", "field": "", "params": {}, "traceback": _trace(fault)[-8_000:]}
    queue_again(job, avoid_worker=worker.name, not_before=timezone.now() + _ELSEWHERE, error=error)
    nudge_workers()


def _end_refused(job: RenderJob, _worker: Worker, fault: Any) -> None:
    end_render(
        job,
        RenderJob.State.FAILED,
        code=fault.code,
        field=field_of(fault.role) if fault.role else "",
        params=getattr(fault, "params", {}),
        trace=_trace(fault),
    )


def _end_store(job: RenderJob, _worker: Worker, fault: Any) -> None:
    logger.warning("%s waits for the store", job)
    queue_again(job, tries=F("tries") - 1)


def _end_unknown(job: RenderJob, _worker: Worker, fault: Any) -> None:
    logger.error("%s broke off", job, exc_info=fault)
    end_render(job, RenderJob.State.FAILED, code="broke_off", trace=_trace(fault))


_ENDS: Final[tuple[tuple[type[Exception], Callable[..., None]], ...]] = (
    (OutOfMemory, _end_memory),
    (DeviceFault, _end_fault),
    (EngineError, _end_refused),
    (FileMissing, _end_refused),
    (StoreUnavailable, _end_store),
    (Exception, _end_unknown),
)


def _trace(fault: BaseException) -> str:
    return "".join(traceback.format_exception(fault))


def _learn(worker: Worker, job: RenderJob, watch: Watch) -> None:
    """Remember how fast this device is, and that it finished one more."""
    if watch.is_typical and watch.first_step is not None and watch.ended is not None:
        worker.speeds = learned_speeds(worker, job.family, job.work, watch.ended - watch.first_step)
    Worker.objects.filter(pk=worker.pk).update(jobs_done=F("jobs_done") + 1, speeds=worker.speeds)
