"""`manage.py sweep`: do now what beat does from time to time."""

from typing import Any

from django.core.management.base import BaseCommand

from registry.services.sweeping import sweep_blobs, sweep_inspections, sweep_uploads


class Command(BaseCommand):
    help = "Give lost inspections to other workers, end uploads whose time is over, remove bytes that nothing shows."

    def handle(self, *args: Any, **options: Any) -> None:
        sweep_inspections()
        sweep_uploads()
        removed = sweep_blobs()
        self.stdout.write(f"Removed {removed} stored objects that nothing shows.")
