"""`manage.py reindex`: write every search row again, as after a change of how texts become lexemes."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from community.errors import Conflict
from community.search_text import words_of
from registry.models import ModelSearch, RegisteredModel, SearchWord
from registry.services.listing import refresh_listing

_AT_ONCE = 1000


class Command(BaseCommand):
    help = "Write the search rows of all models again, and forget words that no title and no tag holds any more."

    def handle(self, *args: Any, **options: Any) -> None:
        done = 0
        for model in RegisteredModel.objects.order_by("pk").iterator(chunk_size=_AT_ONCE):
            try:
                with transaction.atomic():  # one by one: nobody who edits a model waits for the others
                    refresh_listing(model)
            except Conflict:  # deleted meanwhile
                continue
            done += 1
        forgotten = _forget_words()
        self.stdout.write(f"{done} models read again, {forgotten} words forgotten")


def _forget_words() -> int:
    """Words that stand in no public title and no tag of one."""
    kept: set[str] = set()
    for title in ModelSearch.objects.values_list("title", flat=True).iterator():
        kept |= words_of([title])
    named = RegisteredModel.objects.filter(search__isnull=False).values_list("tags__name", flat=True).distinct()
    kept |= words_of(name for name in named if name)
    gone = [word for word in SearchWord.objects.values_list("word", flat=True).iterator() if word not in kept]
    for start in range(0, len(gone), _AT_ONCE):
        SearchWord.objects.filter(word__in=gone[start : start + _AT_ONCE]).delete()
    return len(gone)
