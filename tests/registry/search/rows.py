"""Public models for searches, as the services leave them."""

from django.contrib.auth.models import AnonymousUser
from django.http import QueryDict
from django.utils import timezone

from registry.models import RegisteredModel
from registry.search import ModelQuery, search_models
from registry.services.listing import refresh_listing
from registry.services.tagging import clean_tags, set_model_tags
from tests.factories import ModelFileFactory, ModelVersionFactory, RegisteredModelFactory

ANYBODY = AnonymousUser()


def public_model(title: str, *, tags=(), downloads=0, base_model="SD 1.5", published_at=None, words=(), **model):
    """A model that everybody finds."""
    when = published_at or timezone.now()
    made = RegisteredModelFactory(title=title, download_count=downloads, first_published_at=when, **model)
    version = ModelVersionFactory(
        model=made,
        published=True,
        base_model=base_model,
        published_at=when,
        trained_words=list(words),
    )
    ModelFileFactory(version=version)
    set_model_tags(made, clean_tags(tags))
    refresh_listing(made)
    return RegisteredModel.objects.get(pk=made.pk)


def search(text="", viewer=ANYBODY, size=24, **params):
    """The page that an address with these parameters shows."""
    query = QueryDict(mutable=True)
    for name, value in {"q": text, **params}.items():
        query.setlist(name, value if isinstance(value, list) else [value])
    return search_models(ModelQuery.from_params(query), viewer, size=size)


def titles_of(page):
    """The titles on it, in their order."""
    return [model.title for model in page.results]
