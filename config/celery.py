"""The Celery app. Queues, limits and the beat schedule are settings (`CELERY_…`)."""

import os

from celery import Celery

app = Celery("safelight")
# Read as a module: with DJANGO_SETTINGS_MODULE in the environment (workers, the web, commands) Celery sets Django up
# itself; without it (beat) the settings are all there is.
app.config_from_object(os.environ.get("DJANGO_SETTINGS_MODULE", "config.settings"), namespace="CELERY")
app.autodiscover_tasks()


@app.on_after_configure.connect
def _give_signs_of_life(sender: Celery, **_: object) -> None:
    from config.pulse import WorkerPulse  # noqa: PLC0415 (needed by workers alone)

    sender.steps["consumer"].add(WorkerPulse)
