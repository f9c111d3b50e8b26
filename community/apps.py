from django.apps import AppConfig


class CommunityConfig(AppConfig):
    name = "community"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the API's description how a token signs one in: it learns that from whatever is imported."""
        from community.api.common import schema  # noqa: F401, PLC0415
