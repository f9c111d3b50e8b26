"""What may be said about models and versions, and by whom."""

import pytest

from community.errors import Conflict, InvalidInput, NotAllowed
from registry.licenses.permissions import Permissions
from registry.models import ModelVersion, RegisteredModel, Tag
from registry.services.catalog import create_model, create_version, edit_model, edit_version
from tests.factories import (
    ModelFileFactory,
    ModelVersionFactory,
    ModeratorFactory,
    RegisteredModelFactory,
    TagFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

PERMISSIONS = Permissions(
    no_credit=True, commercial_images=False, commercial_service=False, sell=False, merges=True, relicense=False
)


def test_a_new_model_is_its_owners_alone():
    owner = UserFactory(username="mira")

    model = create_model(
        by=owner,
        title="  Tidewater   Ink ",
        type="lora",
        description="Brush.\n\nMore.",
        tags=["Ink", "#wash", "INK"],
        license="CC0-1.0",
        permissions=PERMISSIONS,
    )

    assert (model.title, model.name, model.permissions) == ("Tidewater Ink", "tidewater-ink", 0b010001)
    assert {tag.name for tag in model.tags.all()} == {"Ink", "wash"}
    assert (model.subject.is_public, model.subject.address) == (False, "/mira/tidewater-ink")
    assert not RegisteredModel.objects.visible_to(UserFactory()).exists()


def test_nothing_is_permitted_by_default():
    model = create_model(by=UserFactory(), title="Plain", type="vae")

    assert (model.license, model.permissions) == ("", None)


def test_a_tag_keeps_its_first_spelling():
    TagFactory(name="Landscape")

    model = create_model(by=UserFactory(), title="Plain", type="vae", tags=["landSCAPE"])

    assert [tag.name for tag in model.tags.all()] == ["Landscape"]
    assert Tag.objects.count() == 1


@pytest.mark.parametrize(
    ("said", "field"),
    [
        pytest.param({"title": ""}, "title", id="no title"),
        pytest.param({"title": "x" * 10_000}, "title", id="10,000-character title"),
        pytest.param({"title": "a\0b"}, "title", id="NUL in the title"),
        pytest.param({"title": "a\nb"}, "title", id="line break in the title"),
        pytest.param({"title": "a\ud800"}, "title", id="half a surrogate pair"),
        pytest.param({"title": 7}, "title", id="a number for a title"),
        pytest.param({"type": "LORA "}, "type", id="unknown type"),
        pytest.param({"description": "a\0b"}, "description", id="NUL in the description"),
        pytest.param({"description": "x" * 40_001}, "description", id="too long a description"),
        pytest.param({"license": "WTFPL-9"}, "license", id="unknown license"),
        pytest.param({"license_text": "x" * 20_001}, "license_text", id="too long a license"),
        pytest.param({"tags": "ink"}, "tags", id="tags as one text"),
        pytest.param({"tags": ["x" * 61]}, "tags", id="too long a tag"),
        pytest.param({"tags": [f"t{n}" for n in range(31)]}, "tags", id="too many tags"),
        pytest.param({"tags": ["a\0"]}, "tags", id="NUL in a tag"),
        pytest.param({"permissions": {"sell": True}}, "permissions", id="permissions as something else"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_field(said, field):
    owner = UserFactory()

    with pytest.raises(InvalidInput) as refused:
        create_model(by=owner, **{"title": "Fine", "type": "lora", **said})
    with pytest.raises(InvalidInput) as refused_too:
        edit_model(RegisteredModelFactory(owner=owner), by=owner, **said)

    assert refused.value.field == refused_too.value.field == field
    assert RegisteredModel.objects.count() == 1


def test_only_the_owner_edits():
    model = RegisteredModelFactory()

    for person in (UserFactory(), ModeratorFactory()):
        with pytest.raises(NotAllowed):
            edit_model(model, by=person, title="Mine")
        with pytest.raises(NotAllowed):
            create_version(model, by=person, name="v9")


def test_editing_keeps_what_it_is_not_told_to_change():
    model = RegisteredModelFactory(title="One", description="Keep")

    model = edit_model(model, by=model.owner, title="Two", permissions=None, tags=["a"])

    assert (model.title, model.description, model.permissions) == ("Two", "Keep", None)
    assert model.subject.title == "Two"


def test_an_unknown_field_is_a_fault_of_the_caller():
    model = RegisteredModelFactory()

    with pytest.raises(KeyError):
        edit_model(model, by=model.owner, owner=UserFactory())


def test_a_version_begins_as_a_draft():
    model = RegisteredModelFactory()

    version = create_version(
        model, by=model.owner, name="v1", base_model="SD 1.5", trained_words=[" ink wash ", ""], notes="First."
    )

    assert (version.state, version.base_model, version.trained_words) == ("draft", "SD 1.5", ["ink wash"])


@pytest.mark.parametrize(
    ("said", "field"),
    [
        pytest.param({"name": ""}, "name", id="no name"),
        pytest.param({"name": "x" * 101}, "name", id="too long a name"),
        pytest.param({"base_model": "SD 9"}, "base_model", id="unknown base model"),
        pytest.param({"trained_words": "ink"}, "trained_words", id="words as one text"),
        pytest.param({"trained_words": ["x" * 401]}, "trained_words", id="too long a word"),
        pytest.param({"trained_words": ["x"] * 101}, "trained_words", id="too many words"),
        pytest.param({"trained_words": [3]}, "trained_words", id="a number for a word"),
        pytest.param({"notes": "x\0"}, "notes", id="NUL in the notes"),
    ],
)
def test_a_version_says_nothing_that_cannot_be_stored(said, field):
    version = ModelVersionFactory()

    with pytest.raises(InvalidInput) as refused:
        create_version(version.model, by=version.model.owner, **{"name": "other", **said})
    with pytest.raises(InvalidInput) as refused_too:
        edit_version(version, by=version.model.owner, **said)

    assert refused.value.field == refused_too.value.field == field
    assert ModelVersion.objects.count() == 1


def test_a_version_name_is_used_once_in_a_model():
    version = ModelVersionFactory(name="V1")
    other = ModelVersionFactory(model=version.model, name="V2")

    with pytest.raises(Conflict) as refused:
        create_version(version.model, by=version.model.owner, name="v1")
    with pytest.raises(Conflict):
        edit_version(other, by=version.model.owner, name="v1")
    renamed = edit_version(version, by=version.model.owner, name="v1")

    assert refused.value.field == "name"
    assert renamed.name == "v1"


def test_new_rights_leave_published_versions_as_they_are():
    version = ModelFileFactory(published=True).version

    edit_model(version.model, by=version.model.owner, license="MIT", permissions=PERMISSIONS)

    version.refresh_from_db()
    assert (version.license, version.permissions) == ("CC0-1.0", 63)


def test_a_published_version_keeps_a_base_model():
    version = ModelVersionFactory(published=True)

    with pytest.raises(InvalidInput) as refused:
        edit_version(version, by=version.model.owner, base_model="")

    assert refused.value.field == "base_model"
