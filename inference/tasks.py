"""Where Celery finds this app's tasks. A task is a service that runs later, and stands with the others."""

from inference.services import expiring, watching, working

__all__ = ["expiring", "watching", "working"]
