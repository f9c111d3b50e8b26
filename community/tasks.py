"""Where Celery finds this app's tasks. A task is a service that runs later, and stands with the others."""

from community.services import digests, forgetting, notifications

__all__ = ["digests", "forgetting", "notifications"]
