"""Finding models."""

from datetime import timedelta

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from registry.models import ModelSearch
from registry.search import ModelQuery, read_query, search_models
from registry.services.moderating import take_down_model
from registry.services.publishing import withdraw_version
from tests.factories import ModelFileFactory, ModeratorFactory, RegisteredModelFactory, UserFactory
from tests.registry.search.rows import ANYBODY, public_model, search, titles_of

pytestmark = pytest.mark.django_db


def _all_titles(size, text="", **params):
    titles, cursor = [], ""
    while True:
        page = search(text, size=size, cursor=cursor, **params)
        titles += titles_of(page)
        assert len(page.results) <= size
        if not page.next_cursor:
            return titles
        cursor = page.next_cursor


def test_exact_names_come_first_however_little_they_are_downloaded():
    public_model("Harbor lights of the north", downloads=50_000, description="harbor harbor")
    public_model("HARBOR", downloads=0)

    assert titles_of(search("harbor"))[0] == "HARBOR"


def test_titles_weigh_more_than_descriptions():
    public_model("Something else", description="A wash of ink")
    public_model("Ink wash", name="ink-wash")

    assert titles_of(search("wash ink")) == ["Ink wash", "Something else"]


@pytest.mark.parametrize("typed", ["landscpae", "lanscape", "landscapes", "paintrly landscape"])
def test_a_mistyped_word_finds_what_is_written_alike(typed):
    public_model("Painterly landscape")

    page = search(typed)

    assert titles_of(page) == ["Painterly landscape"]
    assert page.spellings


def test_a_word_that_finds_enough_is_not_respelled():
    for number in range(3):
        public_model(f"Landscape {number}")

    page = search("landscape")

    assert (len(page.results), page.spellings) == (3, ())


def test_tags_owners_and_hashes_may_stand_in_the_search_box():
    model = public_model("Tidewater", tags=["Ink wash", "sea"], owner=UserFactory(username="Mira"))
    public_model("Another", tags=["sea"])
    digest = model.versions.get().files.get().blob.sha256

    assert titles_of(search('#"ink WASH" tide')) == ["Tidewater"]
    assert sorted(titles_of(search("#sea"))) == ["Another", "Tidewater"]
    assert titles_of(search("@mira")) == ["Tidewater"]
    assert titles_of(search(f"hash:{digest.upper()}")) == ["Tidewater"]
    assert titles_of(search("@nobody")) == titles_of(search("#nothing")) == titles_of(search("hash:00000000")) == []


def test_trigger_words_and_base_models_are_found_too():
    public_model("Tidewater", words=["tdwtr style"], base_model="SDXL 1.0")

    assert titles_of(search("tdwtr")) == titles_of(search("sdxl")) == ["Tidewater"]


def test_filters_narrow_and_facets_say_by_how_much():
    public_model("A", type="lora", base_model="SD 1.5", tags=["x"])
    public_model("B", type="lora", base_model="SDXL 1.0", tags=["x", "y"])
    public_model("C", type="vae", base_model="SD 1.5")

    page = search(type="lora", tag="X")

    assert sorted(titles_of(page)) == ["A", "B"]
    assert [(v.value, v.count, v.is_chosen) for v in page.facets.types] == [("lora", 2, True)]
    assert {v.value: v.count for v in page.facets.base_models} == {"SD 1.5": 1, "SDXL 1.0": 1}
    assert [(v.value, v.count) for v in page.facets.tags] == [("X", 2), ("y", 1)]
    assert {v.value: v.count for v in search(type="vae").facets.types} == {"lora": 2, "vae": 1}
    assert sorted(titles_of(search(type=["lora", "vae"], base_model="SD 1.5"))) == ["A", "C"]


def test_a_facet_leads_to_the_list_that_it_counts():
    public_model("A", type="lora")
    public_model("B", type="vae")
    page = search()
    lora = next(value for value in page.facets.types if value.value == "lora")

    narrowed = search_models(ModelQuery.from_params(QueryDict(lora.query_string)), ANYBODY)
    back = next(value for value in narrowed.facets.types if value.value == "lora")

    assert (lora.query_string, back.query_string) == ("type=lora", "")
    assert len(narrowed.results) == lora.count


@pytest.mark.parametrize("sort", ["downloads", "newest", "updated", "relevance"])
@pytest.mark.parametrize("text", ["", "model"], ids=["no words", "words"])
def test_every_order_is_read_to_the_end_without_repeats(sort, text):
    now = timezone.now()
    for number in range(7):
        public_model(f"Model {number}", downloads=number // 3, published_at=now - timedelta(days=number // 2))

    titles = _all_titles(2, text, sort=sort)

    assert sorted(titles) == [f"Model {number}" for number in range(7)]


def test_orders():
    now = timezone.now()
    public_model("Old", downloads=9, published_at=now - timedelta(days=9))
    public_model("New", downloads=1, published_at=now)
    old = ModelSearch.objects.get(title="old")
    ModelSearch.objects.filter(pk=old.pk).update(published_at=now + timedelta(days=1))

    assert titles_of(search(sort="downloads")) == titles_of(search()) == ["Old", "New"]
    assert titles_of(search(sort="newest")) == ["New", "Old"]
    assert titles_of(search(sort="updated")) == ["Old", "New"]


def test_what_is_not_public_is_not_found_by_anybody():
    owner = UserFactory()
    RegisteredModelFactory(title="Hidden draft", owner=owner)
    taken = public_model("Hidden taken", owner=owner)
    withdrawn = public_model("Hidden withdrawn", owner=owner)
    take_down_model(taken, "Stolen", by=ModeratorFactory())
    withdraw_version(withdrawn.versions.get(), "Old", by=owner)

    for viewer in (ANYBODY, UserFactory(), owner, ModeratorFactory()):
        assert titles_of(search("hidden", viewer=viewer)) == []


def test_a_list_costs_a_fixed_number_of_queries():
    def cost(**params):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = search(**params)
            for model in page.results:
                _read_card(model)
        return len(queries)

    for number in range(3):
        public_model(f"Ink {number}", tags=["a", f"t{number}"])
    few = (cost(), cost(text="ink"), cost(type="lora", tag="a"))
    for number in range(9):
        model = public_model(f"Ink again {number}", tags=["a", f"u{number}"])
        ModelFileFactory(version=model.versions.get())
    many = (cost(), cost(text="ink"), cost(type="lora", tag="a"))

    assert few == many == (9, 11, 11)  # one of them counts what lies beyond the level


def _read_card(model):
    assert model.subject.address.startswith(f"/{model.owner.username}/")
    assert model.search.type == model.type
    assert [tag.name for tag in model.tags.all()]
    assert [file.verdict for version in model.published_versions for file in version.files.all()]


@pytest.mark.parametrize(
    ("address", "kept", "bad"),
    [
        ("q=ink&type=lora&type=nonsense", "q=ink&type=lora", ("type",)),
        ("base_model=SD+9&sort=newest", "sort=newest", ("base_model",)),
        ("sort=best", "", ("sort",)),
        ("sort=downloads", "", ()),
        ("sort=relevance", "", ()),
        ("q=ink&sort=relevance", "q=ink", ()),
        ("q=ink&sort=downloads", "q=ink&sort=downloads", ()),
        ("cursor=x", "", ("cursor",)),
        ("q=a%00b", "", ("q",)),
        ("q=" + "x" * 201, "", ("q",)),
        ("tag=a&tag=a&tag=b&page=7", "tag=a&tag=b", ()),
        ("tag=" + "x" * 61, "", ("tag",)),
        ("tag=%00", "", ("tag",)),
    ],
)
def test_a_bad_value_falls_away_alone_and_defaults_are_left_out(address, kept, bad):
    query, dropped = read_query(QueryDict(address))

    assert query.to_query_string() == kept
    assert dropped == bad


def test_a_cursor_of_another_order_is_no_cursor():
    for number in range(3):
        public_model(f"Model {number}")
    cursor = search(sort="newest", size=2).next_cursor

    query, dropped = read_query(QueryDict(f"sort=downloads&cursor={cursor}"))

    assert (query.cursor, dropped) == ("", ("cursor",))


@given(st.text(max_size=80))
def test_no_text_in_the_address_is_a_fault(text):
    params = QueryDict(mutable=True)
    params.update({"q": text, "type": text, "tag": text, "sort": text, "cursor": text})

    page = search_models(ModelQuery.from_params(params), ANYBODY)

    assert page.count == 0


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        ("hash:0xABCDEF0123", "abcdef0123"),
        (" deadbeef ", "deadbeef"),
        ("a" * 64, "a" * 64),
        ("deadbee", ""),
        ("deadbeef lora", ""),
        ("a" * 65, ""),
    ],
)
def test_a_pasted_hash_is_known_for_one(text, digest):
    assert ModelQuery(q=text).pasted_hash == digest
