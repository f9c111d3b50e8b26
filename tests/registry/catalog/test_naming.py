"""Names in addresses: formed from titles, unique per owner, kept by redirects."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from community.errors import Conflict, InvalidInput
from community.names import is_name
from registry.models import RegisteredModel
from registry.services.catalog import create_model, edit_model
from registry.services.naming import slug_of
from tests.factories import RegisteredModelFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        pytest.param("Tidewater Ink", "tidewater-ink", id="words"),
        pytest.param("Łódź nocą", "lodz-noca", id="strokes and accents"),
        pytest.param("Straßenbahn", "strassenbahn", id="sharp s"),
        pytest.param("ＬＯＤＺ", "lodz", id="full width"),
        pytest.param("Gốm sứ Bát Tràng", "gom-su-bat-trang", id="Vietnamese"),
        pytest.param("a -- b .. c", "a-b.c", id="no two in a row"),
        pytest.param("--x--", "x", id="nothing at the ends"),
        pytest.param("v1.5 final_v2", "v1.5-final_v2", id="dots and underscores stay"),
        pytest.param("thing.git", "thing", id="never ends in .git"),
        pytest.param("thing.GIT.git", "thing", id="nor in two of them"),
        pytest.param("x" * 120, "x" * 96, id="cut at 96"),
        pytest.param("夕凪の灯台守 lora", "lora", id="the letters that there are"),
        pytest.param("夕凪の灯台守", "", id="no letters"),
        pytest.param("ゆら・ゆら！ 2", "", id="a digit is not a name"),
        pytest.param("🦢", "", id="a picture is not a name"),
    ],
)
def test_a_slug_is_formed_from_the_title(title, slug):
    assert slug_of(title) == slug


@given(st.text(max_size=120))
def test_every_slug_can_stand_in_an_address(title):
    slug = slug_of(title)

    assert slug == "" or is_name(slug)


def test_the_second_model_of_a_title_gets_a_number():
    owner = UserFactory()

    names = [create_model(by=owner, title=title, type="lora").name for title in ("Same", "SAME", "same!")]

    assert names == ["same", "same-2", "same-3"]


def test_two_people_may_use_one_name():
    names = {create_model(by=UserFactory(), title="Same", type="lora").name for _ in range(2)}

    assert names == {"same"}


def test_long_titles_that_differ_at_the_end_get_different_names():
    owner = UserFactory()

    names = [create_model(by=owner, title="y" * 110 + end, type="lora").name for end in "ab"]

    assert names == ["y" * 96, "y" * 94 + "-2"]


def test_a_title_without_letters_asks_for_a_name():
    owner = UserFactory()

    with pytest.raises(InvalidInput) as refused:
        create_model(by=owner, title="夕凪の灯台守", type="lora")
    model = create_model(by=owner, title="夕凪の灯台守", type="lora", name="Lighthouse-Keeper")

    assert (refused.value.field, refused.value.code) == ("name", "name_needed")
    assert (model.title, model.name) == ("夕凪の灯台守", "Lighthouse-Keeper")


@pytest.mark.parametrize("name", ["-x", "x.", "a--b", "a..b", "x.git", "x y", "ü", "x" * 97, "a/b"])
def test_a_name_that_no_address_can_hold_is_refused(name):
    with pytest.raises(InvalidInput) as refused:
        create_model(by=UserFactory(), title="Some title", type="lora", name=name)

    assert refused.value.field == "name"


def test_a_chosen_name_must_be_free_whatever_its_case():
    model = RegisteredModelFactory(name="Harbor")

    with pytest.raises(Conflict) as refused:
        create_model(by=model.owner, title="Another", type="lora", name="hArBoR")

    assert refused.value.field == "name"


def test_renaming_a_draft_leaves_nothing_behind():
    model = RegisteredModelFactory(name="old")

    model = edit_model(model, by=model.owner, name="new")

    assert (model.name, model.subject.address) == ("new", f"/{model.owner.username}/new")
    assert not model.redirects.exists()


def test_renaming_a_published_model_redirects_and_moving_back_works():
    model = RegisteredModelFactory(name="old", public=True)

    edit_model(model, by=model.owner, name="new")
    assert [redirect.name for redirect in model.redirects.all()] == ["old"]
    edit_model(model, by=model.owner, name="third")
    edit_model(model, by=model.owner, name="OLD")

    assert RegisteredModel.objects.get(pk=model.pk).name == "OLD"
    assert sorted(redirect.name for redirect in model.redirects.all()) == ["new", "third"]


def test_an_address_that_redirects_is_not_given_away():
    model = RegisteredModelFactory(name="old", title="Old", public=True)
    edit_model(model, by=model.owner, name="new")

    formed = create_model(by=model.owner, title="Old", type="lora")
    with pytest.raises(Conflict):
        create_model(by=model.owner, title="x", type="lora", name="Old")

    assert formed.name == "old-2"


def test_changing_only_the_case_of_a_published_name_needs_no_redirect():
    model = RegisteredModelFactory(name="harbor", public=True)

    model = edit_model(model, by=model.owner, name="Harbor")

    assert model.name == "Harbor"
    assert not model.redirects.exists()


def test_an_address_is_found_whatever_its_case(django_assert_num_queries):
    model = RegisteredModelFactory(name="Harbor", owner=UserFactory(username="Mira"))

    with django_assert_num_queries(1):
        assert RegisteredModel.objects.named("mIRA", "hARBOR").get() == model
