"""The engine that comes with Safelight, on this process's device. Render workers alone import it, by its name."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

from django.conf import settings

from inference.engine.presence import is_installed
from inference.prompts.plan import RenderPlan
from inference.services.engines import Device, Engine, Rendering
from registry.storage import blob_store


def open_engine() -> Engine | None:
    """The engine, loaded; None where what it needs is not installed."""
    return _TorchEngine() if is_installed() else None


class _TorchEngine:
    """`inference.engine` with what it keeps from one render to the next. Made after the fork, never before."""

    def __init__(self) -> None:
        from inference.engine import devices  # noqa: PLC0415 - torch is imported here, where it is installed
        from inference.engine.blobcache import BlobCache  # noqa: PLC0415
        from inference.engine.pipelines import PipelineCache  # noqa: PLC0415
        from inference.engine.run import render  # noqa: PLC0415

        target = devices.choose_target(settings.RENDER_DEVICE, threads=settings.RENDER_THREADS)
        memory = devices.device_memory(target)
        self.device = Device(devices.device_name(target), target.device.type, memory, _versions())
        self._blobs = BlobCache(settings.CACHE_FOLDER / "renders", blob_store(), settings.RENDER_CACHE_BYTES)
        self._pipelines = PipelineCache(target, memory // 2)
        self._render = render

    def render(
        self,
        plan: RenderPlan,
        *,
        economical: bool,
        on_step: Callable[[int, int], None],
        cancelled: Callable[[], bool],
    ) -> Rendering:
        return self._render(
            plan,
            blobs=self._blobs,
            pipelines=self._pipelines,
            on_step=on_step,
            cancelled=cancelled,
            economical=economical,
        )

    def fresh(self) -> None:
        self._pipelines.clear()


def _versions() -> dict[str, str]:
    from inference.engine.devices import ENGINE  # noqa: PLC0415

    return {"engine": ENGINE, **{name: version(name) for name in ("torch", "diffusers", "transformers")}}
