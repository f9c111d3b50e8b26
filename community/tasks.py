"""Where Celery finds this app's tasks."""

from community.services import jobs

__all__ = ["jobs"]
