"""Fill an empty site with sample content."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from registry.demo.planting import SiteHasContent, plant_demo


class Command(BaseCommand):
    help = "Fill an empty site with sample models, pictures, people and comments of our own making."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            # To standard error: `up` speaks its own protocol over the other.
            for title in plant_demo():
                self.stderr.write(f"demo: {title}", self.style.NOTICE)
        except SiteHasContent:
            raise CommandError("The site already has content; the demo fills only an empty one.") from None
