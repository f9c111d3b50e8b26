"""Where Celery finds this app's tasks. A task is a service that runs later, and stands with the others."""

from inference.services import watching, working

__all__ = ["watching", "working"]
