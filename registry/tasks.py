"""Where Celery finds this app's tasks. A task is a service that runs later, and stands with the others."""

from registry.services import converting, downloads, inspecting, renditions, sweeping

__all__ = ["converting", "downloads", "inspecting", "renditions", "sweeping"]
