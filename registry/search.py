"""Finding models and files. One door each, `search_models` and `find_by_hash`, whatever stands behind it.

Lists are read from `ModelSearch`, a narrow row per public model: what is not public is not found. How words become
lexemes: `community.search_text`; how a page is cut: `registry.search_lists`; how hits are counted:
`registry.search_facets`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from django.contrib.postgres.search import TrigramSimilarity
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Lower

from community.models import User, Viewer
from community.ratings import browsing_level_of, unions_beyond
from community.search_rows import Matches
from community.search_text import Term, fold, ts_query
from community.services.following import hidden_by
from registry.hash_lookup import Gone, HashAnswer, find_by_hash, hashes_of
from registry.licenses.effective import RIGHTS
from registry.models import ModelFile, ModelSearch, RegisteredModel, SearchWord, Tag
from registry.search_facets import COUNTED, Facets, FacetValue, count_facets
from registry.search_lists import Words, list_page
from registry.search_query import SORTS, Asked, ModelQuery, read_query

__all__ = [
    "SORTS",
    "FacetValue",
    "Facets",
    "Gone",
    "HashAnswer",
    "ModelQuery",
    "SearchPage",
    "find_by_hash",
    "hashes_of",
    "hidden_rows",
    "list_models",
    "read_query",
    "search_models",
    "unseen_rows",
]

PAGE_SIZE: Final = 24
# A search that finds fewer is also tried with words that are written alike.
_LITTLE: Final = 3
_SPELLINGS: Final = 3
# Words written alike that are looked at for those.
_TRIED: Final = 12
_LEAST_SPELLED: Final = 4


@dataclass(frozen=True)
class SearchPage:
    """One page of what was found. `count` ends at 10,001; `count_text` is how a page says it.

    `spellings` are words that were searched for besides those typed, because those found little.
    """

    results: tuple[RegisteredModel, ...]
    facets: Facets
    next_cursor: str
    count: int
    count_text: str
    spellings: tuple[str, ...] = ()
    hidden: int = 0  # what would be here, had the viewer not chosen not to see it; counted like `count`


def search_models(query: ModelQuery, viewer: Viewer, *, size: int = PAGE_SIZE) -> SearchPage:
    """Public models that fit the query, in its order, with what they can be narrowed to; none that `viewer` hides."""
    asked = query.asked
    hidden = unseen_rows(viewer)
    all_rows = _narrowed(query, asked)
    rows = all_rows.exclude(hidden) if hidden else all_rows
    types = Q(type__in=query.types) if query.types else Q()
    bases = Q(base_models__overlap=list(query.base_models)) if query.base_models else Q()
    words, spellings = _words(rows.filter(types, bases), asked)
    matching = rows.filter(Matches(words.query)) if words else rows
    facets, count, text = count_facets(matching, query, types, bases)
    ids, following = list_page(rows.filter(types, bases), query.sort_used, words=words, cursor=query.cursor, size=size)
    away = _count_hidden(all_rows.filter(types, bases, hidden), words) if hidden and not query.cursor else 0
    return SearchPage(tuple(_models(ids, viewer)), facets, following, count, text, spellings, away)


def list_models(query: ModelQuery, viewer: Viewer, *, size: int) -> tuple[list[int], str]:
    """The ids of a page of `search_models` and the cursor of the next, without facets and figures."""
    asked = query.asked
    rows = _narrowed(query, asked).exclude(unseen_rows(viewer))
    if query.types:
        rows = rows.filter(type__in=query.types)
    if query.base_models:
        rows = rows.filter(base_models__overlap=list(query.base_models))
    words, _spelled = _words(rows, asked)
    return list_page(rows, query.sort_used, words=words, cursor=query.cursor, size=size)


def unseen_rows(viewer: Viewer) -> Q:
    """The search rows that lists leave out for `viewer`: what they hide, and models whose declared rating and pictures
    all lie beyond their browsing level. One without either lies beyond nobody's.
    """
    beyond = unions_beyond(browsing_level_of(viewer))
    return hidden_rows(viewer) | (Q(rating__in=beyond) if beyond else Q())


def hidden_rows(viewer: Viewer) -> Q:
    """The search rows of models that `viewer` chose not to see: by owner, by tag, or one by one. Empty for most."""
    hidden = hidden_by(viewer)
    if not hidden:
        return Q()
    found = Q(owner__in=hidden.owners)
    if hidden.subjects:
        found |= Q(model__in=RegisteredModel.objects.filter(subject__in=hidden.subjects).values("pk"))
    if hidden.tags:
        found |= Q(tag_ids__overlap=list(Tag.objects.named(hidden.tags).values_list("pk", flat=True)))
    return found


def _count_hidden(rows: QuerySet[ModelSearch], words: Words | None) -> int:
    return (rows.filter(Matches(words.query)) if words else rows)[: COUNTED + 1].count()


def _narrowed(query: ModelQuery, asked: Asked) -> QuerySet[ModelSearch]:
    """The rows that fit everything but words, type and base model."""
    rows = ModelSearch.objects.all()
    if asked.words and not asked.terms:
        return rows.none()  # signs and no letters: nothing is named so
    if query.rights:
        wanted = sum(1 << RIGHTS.index(right) for right in query.rights)
        rows = rows.alias(allowed=F("rights").bitand(wanted)).filter(allowed=wanted)
    tags = {*query.tags, *asked.tags}
    if tags:
        ids = list(Tag.objects.named(tags).values_list("pk", flat=True))
        if len(ids) < len({tag.lower() for tag in tags}):
            return rows.none()
        rows = rows.filter(tag_ids__contains=ids)
    if asked.owner:
        people = User.objects.alias(low=Lower("username"))
        rows = rows.filter(owner__in=people.filter(low=asked.owner.lower()))
    if asked.hash:
        files = ModelFile.objects.filter(version__state="published", blob__hashes__value=asked.hash)
        rows = rows.filter(model__in=files.values("version__model"))
    return rows


def _words(rows: QuerySet[ModelSearch], asked: Asked) -> tuple[Words | None, tuple[str, ...]]:
    """The full-text query, widened by other spellings where what was typed finds little."""
    if not asked.terms:
        return None, ()
    typed = ts_query(asked.terms)
    words = Words(typed, typed, fold(asked.words))
    if len(rows.filter(Matches(typed)).values_list("pk")[:_LITTLE]) == _LITTLE:
        return words, ()
    spellings = _spellings(rows, asked.terms)
    if not spellings:
        return words, ()
    wider = Words(ts_query(asked.terms, spellings), typed, words.title)
    return wider, tuple(dict.fromkeys(word for others in spellings.values() for word in others))


def _spellings(rows: QuerySet[ModelSearch], terms: Sequence[Term]) -> dict[str, list[str]]:
    """For each word that no title or tag holds, those that are written most alike.

    Both are asked of `rows` alone, which this viewer is shown: a word that stands in hidden titles only is not known.
    """
    typed = [term.text for term in terms if not term.is_run and len(term.text) >= _LEAST_SPELLED]
    known = set(SearchWord.objects.filter(word__in=typed).values_list("word", flat=True))
    found = {}
    for word in dict.fromkeys(typed):
        is_known = word in known or SearchWord.objects.filter(word__startswith=word).exists()
        if is_known and rows.filter(Matches(f"'{word}':*")).exists():
            continue
        alike = SearchWord.objects.filter(word__trigram_similar=word).alias(likeness=TrigramSimilarity("word", word))
        tried = alike.order_by("-likeness", "word").values_list("word", flat=True)[:_TRIED]
        shown = (other for other in tried if other != word and rows.filter(Matches(f"'{other}'")).exists())
        if others := list(islice(shown, _SPELLINGS)):
            found[word] = others
    return found


def _models(ids: Sequence[int], viewer: Viewer) -> list[RegisteredModel]:
    """The models in the order of `ids`, with what a card or an answer shows of them."""
    models = RegisteredModel.objects.visible_to(viewer).filter(pk__in=ids).for_cards()
    by_id = {model.pk: model for model in models}
    return [by_id[pk] for pk in ids if pk in by_id]
