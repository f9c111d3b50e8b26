"""What others know of a model: its subject and its search row, written in the transaction that changes the model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

from django.contrib.postgres.search import SearchVectorField
from django.db.models import Func, Value

from community.services.discussion import update_subject
from registry.formats.catalog import MODEL_TYPES
from registry.models import ModelSearch, ModelVersion, RegisteredModel, SearchWord
from registry.search_text import fold, vector, words_of

# Words deep in a long text say little about a model, and would make the search rows wide.
_DESCRIPTION_CHARACTERS = 300
_WORDS_CHARACTERS = 2000


def lock_model(model: RegisteredModel) -> RegisteredModel:
    """The model as it stands, held until the transaction ends. Every service that changes a model takes this first."""
    return (
        RegisteredModel.objects.select_for_update(no_key=True, of=("self",))
        .select_related("owner", "subject")
        .get(pk=model.pk)
    )


def refresh_listing(model: RegisteredModel) -> RegisteredModel:
    """Bring subject and search row up to what the model and its versions say now; gives back the model as it stands.

    Call it in the transaction of any change to a title, name, tag, type, word, rating or state. A model is public
    while one version is published and it is not taken down; only then it has a search row.
    """
    model = lock_model(model)
    versions = list(model.versions.published().order_by("-published_at", "-pk"))
    rating = reduce(or_, (version.rating for version in versions), 0)
    update_subject(
        model.subject,
        title=model.title,
        address=f"/{model.owner.username}/{model.name}",
        is_public=bool(versions),
        rating=rating,
    )
    if versions:
        _write_search_row(model, versions, rating)
    else:
        ModelSearch.objects.filter(model=model).delete()
    return model


def _write_search_row(model: RegisteredModel, versions: Sequence[ModelVersion], rating: int) -> None:
    tags = list(model.tags.all())
    names = [tag.name for tag in tags]
    ModelSearch.objects.update_or_create(
        model=model,
        defaults={
            "owner": model.owner,
            "words": Func(
                Value(_vector_of(model, versions, names)),
                template="%(expressions)s::tsvector",
                output_field=SearchVectorField(),
            ),
            "title": fold(model.title)[:240],
            "type": model.type,
            "base_models": sorted({version.base_model for version in versions}),
            "tag_ids": sorted(tag.pk for tag in tags),
            "rights": versions[0].permissions or 0,
            "rating": rating,
            "downloads": model.download_count,
            "first_published_at": model.first_published_at,
            "published_at": versions[0].published_at,
        },
    )
    words = sorted(words_of([model.title, *names]))
    SearchWord.objects.bulk_create([SearchWord(word=word) for word in words], ignore_conflicts=True)


def _vector_of(model: RegisteredModel, versions: Sequence[ModelVersion], tags: Sequence[str]) -> str:
    trained = " , ".join(word for version in versions for word in version.trained_words)[:_WORDS_CHARACTERS]
    bases = " , ".join({version.base_model: None for version in versions})
    kind = MODEL_TYPES.get(model.type)
    return vector(
        [
            (model.title, "A"),
            (model.name, "B"),
            (" , ".join(tags), "B"),
            (trained, "C"),
            (model.owner.username, "C"),
            (f"{kind.label if kind else model.type} , {bases}", "C"),
            (model.description[:_DESCRIPTION_CHARACTERS], "D"),
        ]
    )
