"""Search rows are written again."""

import io

import pytest
from django.core.management import call_command

from community.models import TopicSearch
from community.services.topics import begin_topic
from gallery.models import ImageSearch, Post
from registry.models import ModelSearch, SearchWord
from tests.factories import UserFactory
from tests.gallery.rows import first, posted
from tests.registry.search.rows import public_model, search, titles_of

pytestmark = pytest.mark.django_db


def test_reindexing_writes_images_and_topics_again(client):
    image = first(posted(title="Harbor lights"))
    hidden = first(posted(title="Kiln"))
    topic = begin_topic("Which sampler?", by=UserFactory())
    ImageSearch.objects.update(words="")
    Post.objects.filter(pk=hidden.post_id).update(state="removed")
    TopicSearch.objects.all().delete()
    said = io.StringIO()

    call_command("reindex", stdout=said)

    assert [card.image for card in client.get("/images?q=harbor").context["cards"]] == [image]
    assert list(ImageSearch.objects.values_list("pk", flat=True)) == [image.pk]
    assert list(client.get("/discuss?q=sampler").context["topics"]) == [topic]
    assert said.getvalue() == "models: 0\nimages: 2\ntopics: 1\nforgotten words: 0\n"


def test_reindexing_mends_rows_and_forgets_words_that_nobody_uses():
    public_model("Harbor lights", tags=["seaside"])
    ModelSearch.objects.update(words="")
    SearchWord.objects.create(word="forgotten")
    said = io.StringIO()

    call_command("reindex", stdout=said)

    assert titles_of(search("harbor")) == ["Harbor lights"]
    assert set(SearchWord.objects.values_list("word", flat=True)) == {"harbor", "lights", "seaside"}
    assert said.getvalue() == "models: 1\nimages: 0\ntopics: 0\nforgotten words: 1\n"
