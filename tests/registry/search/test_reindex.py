"""Search rows are written again."""

import io

import pytest
from django.core.management import call_command

from registry.models import ModelSearch, SearchWord
from tests.registry.search.rows import public_model, search, titles_of

pytestmark = pytest.mark.django_db


def test_reindexing_mends_rows_and_forgets_words_that_nobody_uses():
    public_model("Harbor lights", tags=["seaside"])
    ModelSearch.objects.update(words="")
    SearchWord.objects.create(word="forgotten")
    said = io.StringIO()

    call_command("reindex", stdout=said)

    assert titles_of(search("harbor")) == ["Harbor lights"]
    assert set(SearchWord.objects.values_list("word", flat=True)) == {"harbor", "lights", "seaside"}
    assert said.getvalue() == "1 models read again, 1 words forgotten\n"
