"""Search rows of models written again, as after a change of how texts become lexemes (`settings.SEARCH_ROWS`)."""

from __future__ import annotations

from typing import Final

from django.db import transaction

from community.errors import Conflict
from community.search_text import words_of
from registry.models import ModelSearch, RegisteredModel, SearchWord
from registry.services.listing import refresh_listing

_AT_ONCE: Final = 1000


def reindex_models() -> int:
    """One by one: nobody who edits a model waits for the others."""
    done = 0
    for model in RegisteredModel.objects.order_by("pk").iterator(chunk_size=_AT_ONCE):
        try:
            with transaction.atomic():
                refresh_listing(model)
        except Conflict:  # deleted meanwhile
            continue
        done += 1
    return done


def forget_words() -> int:
    """Forget words that stand in no public title and no tag of one."""
    kept: set[str] = set()
    for title in ModelSearch.objects.values_list("title", flat=True).iterator():
        kept |= words_of([title])
    named = RegisteredModel.objects.filter(search__isnull=False).values_list("tags__name", flat=True).distinct()
    kept |= words_of(name for name in named if name)
    gone = [word for word in SearchWord.objects.values_list("word", flat=True).iterator() if word not in kept]
    for start in range(0, len(gone), _AT_ONCE):
        SearchWord.objects.filter(word__in=gone[start : start + _AT_ONCE]).delete()
    return len(gone)
