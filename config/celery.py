"""The Celery app. Queues, limits and the beat schedule are settings (`CELERY_…`)."""

from celery import Celery

app = Celery("safelight")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.on_after_configure.connect
def _give_signs_of_life(sender: Celery, **_: object) -> None:
    from config.pulse import WorkerPulse  # noqa: PLC0415 (needed by workers alone)

    sender.steps["consumer"].add(WorkerPulse)
