"""The words of renders in the reader's language."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.utils.functional import Promise
from django.utils.translation import override

from community.ratings import RATING_CHOICES
from inference.models import RenderJob

CHOSEN = [
    pytest.param(field, id=f"{model.__name__}.{field.name}")
    for model in apps.get_app_config("inference").get_models()
    for field in model._meta.fields
    if field.choices and list(field.choices) != list(RATING_CHOICES)  # X and PG are the same everywhere
]


@pytest.mark.parametrize("field", CHOSEN)
def test_what_a_field_can_be_is_said_in_words_that_are_translated(field):
    assert all(isinstance(label, Promise) for _value, label in field.choices)


def test_a_kind_is_said_in_the_language_of_whoever_reads():
    job = RenderJob(kind=RenderJob.Kind.GRID)

    with override("de"):
        assert job.get_kind_display() == "Raster"
    assert job.get_kind_display() == "Grid"
