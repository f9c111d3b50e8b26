"""Where Celery finds this app's tasks. A task is a service that runs later, and stands with the others."""

from gallery.services import classifying, publishing, reading, stripping, sweeping

__all__ = ["classifying", "publishing", "reading", "stripping", "sweeping"]
