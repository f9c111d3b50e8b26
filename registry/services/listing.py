"""What others know of a model: its subject and its search row, written in the transaction that changes the model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

from django.contrib.postgres.search import SearchVectorField
from django.db.models import Func, QuerySet, Value
from django.utils.translation import gettext as _

from community.errors import Conflict
from community.models import Subject
from community.search_text import fold, vector, words_of
from community.services.discussion import update_subject
from registry.formats.catalog import BASE_MODELS, MODEL_TYPES
from registry.licenses.effective import effective_rights
from registry.licenses.permissions import Permissions
from registry.models import ModelSearch, ModelVersion, RegisteredModel, Review, SearchWord

# Words deep in a long text say little about a model, and would make the search rows wide.
_DESCRIPTION_CHARACTERS = 300
_WORDS_CHARACTERS = 2000


def lock_model(model: RegisteredModel) -> RegisteredModel:
    """The model as it stands, held until the transaction ends. Every service that changes a model takes this first.

    Raises Conflict when it was deleted meanwhile.
    """
    held = RegisteredModel.objects.select_for_update(no_key=True, of=("self",)).select_related("owner", "subject")
    found = held.filter(pk=model.pk).first()
    if found is None:
        raise Conflict(_("This model is gone."), code="gone", field="model")
    return found


def refresh_listing(model: RegisteredModel) -> RegisteredModel:
    """Bring subject and search row up to what the model and its versions say now; gives back the model as it stands.

    Call it in the transaction of any change to a title, name, tag, type, word, rating or state. A model is public
    while one version is published and it is not taken down; only then it has a search row. Its rating is the union of
    what it is declared to be and what its public versions' pictures are.
    """
    model = lock_model(model)
    versions = list(model.versions.published().order_by("-published_at", "-pk"))
    rating = reduce(or_, (version.rating for version in versions), model.declared_rating)
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
    _refresh_reviews(model, versions, rating)
    return model


def _refresh_reviews(model: RegisteredModel, versions: Sequence[ModelVersion], rating: int) -> None:
    """The subjects of its reviews say what is public of them, and are rated as the model is."""
    reviews = Review.objects.filter(version__model=model, subject__isnull=False)
    subjects = dict(reviews.values_list("subject", "version"))
    if not subjects:
        return
    shown = {version.pk for version in versions}
    standing = set(reviews.standing().filter(version__in=shown).values_list("subject", flat=True))
    for is_public in (True, False):
        which = [pk for pk in subjects if (pk in standing) == is_public]
        Subject.objects.filter(pk__in=which).update(is_public=is_public, rating=rating)


def forget_reviews(versions: QuerySet[ModelVersion]) -> None:
    """Forget the subjects of reviews, with what was reported of them, before their versions go."""
    Subject.objects.filter(review__version__in=versions.values("pk")).delete()


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
            "rights": _rights_of(versions[0]),
            "rating": rating,
            "downloads": model.download_count,
            "first_published_at": model.first_published_at,
            "published_at": versions[0].published_at,
        },
    )
    words = sorted(words_of([model.title, *names]))
    SearchWord.objects.bulk_create([SearchWord(word=word) for word in words], ignore_conflicts=True)


def _rights_of(version: ModelVersion) -> int:
    """What people may really do with a published version, as permission bits."""
    base = BASE_MODELS.get(version.base_model)
    bases = [base.license] if base else []
    return effective_rights(Permissions.from_bits(version.permissions), version.license, bases).bits


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
