"""The first page and the list: state lives in the address, pages can be read to the end, empty lists say why."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.urls import reverse

from registry.search import ModelQuery
from registry.services.listing import refresh_listing
from registry.views import catalog
from tests.factories import (
    BlobFactory,
    ModelFileFactory,
    ModelVersionFactory,
    RegisteredModelFactory,
    UserFactory,
    VersionPreviewFactory,
)

pytestmark = pytest.mark.django_db
MODELS = "/models"


def publish(title="Basalt City", *, type="lora", base="SD 1.5", downloads=0, verdict="safe", **model):
    made = RegisteredModelFactory(public=True, title=title, type=type, download_count=downloads, **model)
    version = ModelVersionFactory(
        published=True, model=made, base_model=base, permissions=made.permissions, license=made.license
    )
    ModelFileFactory(version=version, blob=BlobFactory(verdict=verdict), is_primary=True)
    with transaction.atomic():
        refresh_listing(made)
    return made


def titles(answer):
    return [card.model.title for card in answer.context["cards"]]


def test_an_empty_site_says_how_to_begin(client):
    text = client.get("/").content.decode()

    assert "The first one takes four steps" in text
    assert reverse("account_signup") in text


def test_the_first_page_shows_what_is_new_and_what_many_took(client):
    publish("Old and loved", downloads=900)
    publish("New and unknown")

    answer = client.get("/")

    assert [card.model.title for card in answer.context["newest"]] == ["New and unknown", "Old and loved"]
    assert [card.model.title for card in answer.context["most_downloaded"]] == ["Old and loved", "New and unknown"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Kiln Portrait", "Basalt City"]),
        ("?type=lora", ["Basalt City"]),
        ("?type=lora&type=vae", ["Kiln Portrait", "Basalt City"]),
        ("?base_model=SDXL+1.0", ["Kiln Portrait"]),
        ("?q=basalt", ["Basalt City"]),
        ("?sort=newest", ["Basalt City", "Kiln Portrait"]),
        ("?type=nonsense&sort=sideways&cursor=x&page=9", ["Kiln Portrait", "Basalt City"]),
    ],
    ids=["all", "type", "two types", "base model", "words", "order", "bad values fall away"],
)
def test_the_address_chooses_and_orders(client, query, found):
    publish("Kiln Portrait", type="vae", base="SDXL 1.0", downloads=5)
    publish("Basalt City")

    assert titles(client.get(MODELS + query)) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?right=sell", ["Free"]),
        ("?right=merges", ["Free", "No sale"]),
        ("?right=merges&right=sell", ["Free"]),
        ("?right=fly", ["Free", "No sale", "Not for money"]),
    ],
    ids=["one", "another", "both", "no such right"],
)
def test_what_one_may_do_chooses_too_by_author_and_license(client, query, found):
    publish("Free", base="SD 1.5", downloads=9)
    publish("No sale", base="SD 1.5", downloads=5, permissions=0b010000)
    publish("Not for money", base="SD 1.5", license="CC-BY-NC-ND-4.0")

    answer = client.get(MODELS + query)

    assert titles(answer) == found


def test_a_use_is_counted_and_named_as_on_a_models_page(client):
    publish("Free")
    publish("No sale", permissions=0b010000)

    (facet,) = [facet for facet in client.get(MODELS).context["facets"] if facet["name"] == "right"]

    counts = {choice.label: choice.count for choice in facet["choices"]}
    assert counts["Share merges of it"] == 2
    assert counts["Sell the model or merges of it"] == 1


def test_each_condition_is_a_chip_that_takes_it_away(client):
    publish("Basalt City")

    chips = client.get(f"{MODELS}?q=basalt&type=lora&sort=newest").context["chips"]

    assert [(chip.label, chip.href) for chip in chips] == [
        ("“basalt”", f"{MODELS}?type=lora"),
        ("LoRA", f"{MODELS}?q=basalt&sort=newest"),
    ]


def test_the_pages_can_be_read_to_the_end_by_links(client, monkeypatch):
    monkeypatch.setattr(catalog, "search_models", lambda query, viewer, size=2: SEARCH(query, viewer, size=2))
    made = {publish(f"Model number {n}", downloads=n).title for n in range(5)}

    seen, address = [], MODELS
    while address:
        answer = client.get(address)
        seen += titles(answer)
        found = re.search(r'rel="next" href="([^"]+)"', answer.content.decode())
        address = found[1].replace("&amp;", "&") if found else ""

    assert len(seen) == 5
    assert set(seen) == made


SEARCH = catalog.search_models


def test_a_script_gets_the_next_cards_alone(client):
    publish("Basalt City")

    text = client.get(MODELS, headers={"HX-Request": "true"}).content.decode()

    assert "Basalt City" in text
    assert "<html" not in text


@pytest.mark.parametrize(
    ("query", "says"),
    [("?q=zzzz", "No public model matches “zzzz”"), ("?type=vae", "No public model has all of this")],
    ids=["words", "filters"],
)
def test_an_empty_list_says_why(client, query, says):
    publish("Basalt City")

    assert says in client.get(MODELS + query).content.decode()


@pytest.mark.parametrize("here", ["/models", "/images", "/discuss"])
def test_words_that_are_searched_in_one_list_are_looked_for_in_the_others(client, here):
    page = client.get(here, {"q": "ink & wash"}).content.decode()

    for other in {"/models", "/images", "/discuss"} - {here}:
        assert f'href="{other}?q=ink%20%26%20wash"' in page
    assert "Look for it elsewhere" not in client.get(here).content.decode()


def test_a_pasted_hash_goes_to_its_page(client):
    model = publish()
    sha256 = model.versions.get().files.get().blob_id

    assert client.get(MODELS, {"q": sha256.upper()}).headers["Location"] == reverse("registry:hash", args=[sha256])


def test_a_drafts_hash_is_words_like_others(client):
    draft = ModelFileFactory()

    answer = client.get(MODELS, {"q": draft.blob_id})

    assert answer.status_code == 200
    assert titles(answer) == []


def test_a_card_is_one_link_with_one_name_and_at_most_forty_nodes(client):
    model = publish("Basalt City")
    VersionPreviewFactory(version=model.versions.get(), alt="A shore")

    text = client.get(MODELS).content.decode()
    card = text[text.index("<article") : text.index("</article>")]

    links = re.findall(r'<a [^>]*href="([^"]*)"[^>]*>([^<]*)', card)
    assert [name for address, name in links if address == model.get_absolute_url()] == ["Basalt City"]
    assert len(re.findall(r"<[a-z]", card)) <= 40


@pytest.mark.parametrize("verdict", ["check", "blocked"])
def test_a_card_shows_the_worst_verdict_of_what_it_holds(client, verdict):
    model = publish("Basalt City")
    ModelFileFactory(version=model.versions.get(), blob=BlobFactory(verdict=verdict))

    assert client.get(MODELS).context["cards"][0].verdict == verdict


def test_a_cover_above_the_viewers_level_is_passed_over(client):
    model = publish("Basalt City")
    VersionPreviewFactory(version=model.versions.get(), rating=8, position=0)
    shown = VersionPreviewFactory(version=model.versions.get(), rating=1, position=1)

    assert client.get(MODELS).context["cards"][0].cover == shown


def test_a_model_whose_pictures_are_all_hidden_is_listed_without_cover(client):
    model = publish("Basalt City")
    VersionPreviewFactory(version=model.versions.get(), rating=16)

    (card,) = client.get(MODELS).context["cards"]

    assert card.model == model
    assert card.cover is None


def test_more_models_need_no_more_queries(client, django_assert_max_num_queries):
    def counted():
        with django_assert_max_num_queries(60) as queries:
            client.get(MODELS)
        return len(queries)

    publish("One")
    one = counted()
    for n in range(6):
        VersionPreviewFactory(version=publish(f"More {n}").versions.get())

    # Renditions and pictures of covers are asked for once there are covers.
    assert counted() <= one + 2


def test_a_persons_page_shows_their_public_models_alone(client):
    mira = UserFactory(username="mira")
    publish("Basalt City", owner=mira)
    publish("Somebody else's")
    RegisteredModelFactory(owner=mira, title="Unfinished")

    text = client.get("/mira").content.decode()

    assert "Basalt City" in text
    assert "Somebody else" not in text
    assert "Unfinished" not in text


def test_words_from_the_address_are_never_markup(client):
    text = client.get(MODELS, {"q": "<script>alert(1)</script>"}).content.decode()

    assert "<script>alert" not in text


def test_no_query_of_the_page_is_more_open_than_the_search(client):
    RegisteredModelFactory(title="A draft")

    assert catalog.search_models(ModelQuery(), AnonymousUser()).results == ()
    assert titles(client.get(MODELS)) == []
