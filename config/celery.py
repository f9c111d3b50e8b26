"""The Celery app. Queues, limits and the beat schedule are settings (`CELERY_…`)."""

from celery import Celery

app = Celery("safelight")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
