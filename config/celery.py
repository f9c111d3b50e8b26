"""The Celery app. Queues, limits and the beat schedule are settings (`CELERY_…`)."""

import gc
import os

from celery import Celery, signals

app = Celery("safelight")
# Read as a module: with DJANGO_SETTINGS_MODULE in the environment (workers, the web, commands) Celery sets Django up
# itself; without it (beat) the settings are all there is.
app.config_from_object(os.environ.get("DJANGO_SETTINGS_MODULE", "config.settings"), namespace="CELERY")
app.autodiscover_tasks()


@app.on_after_configure.connect
def _give_signs_of_life(sender: Celery, **_: object) -> None:
    from config.pulse import WorkerPulse  # noqa: PLC0415 (needed by workers alone)

    sender.steps["consumer"].add(WorkerPulse)


@signals.worker_before_create_process.connect
def _share_with_children(**_: object) -> None:
    """Let the collector pass over what a worker's children inherit: it would write to every page of it, and so copy it.

    See `gc.freeze` in Python's documentation.
    """
    gc.collect()
    gc.freeze()
