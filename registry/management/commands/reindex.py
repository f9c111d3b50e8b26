"""`manage.py reindex`: write every search row again, as after a change of how texts become lexemes."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.module_loading import import_string


class Command(BaseCommand):
    help = "Write all search rows again: models, images, topics; forget words that no title and no tag holds any more."

    def handle(self, *args: Any, **options: Any) -> None:
        for name, path in settings.SEARCH_ROWS.items():
            self.stdout.write(f"{name}: {import_string(path)()}")
