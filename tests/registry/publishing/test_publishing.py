"""A version comes out when nothing is missing, and can be taken back."""

import pytest

from community.errors import Conflict, InvalidInput, NotAllowed
from community.models import ModerationAct
from registry.errors import NotReadyToPublish
from registry.models import ModelSearch, ModelVersion, RegisteredModel, Tombstone, Waiver
from registry.services.catalog import edit_model
from registry.services.moderating import restore_model, take_down_model
from registry.services.publishing import (
    delete_model,
    delete_version,
    publish_version,
    unmet_publishing_checks,
    withdraw_version,
)
from tests.factories import (
    CommentFactory,
    ModelFileFactory,
    ModelVersionFactory,
    ModeratorFactory,
    OperatorFactory,
    RegisteredModelFactory,
    UploadFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def _published(**kwargs):
    version = ModelFileFactory(**kwargs).version
    return publish_version(version, by=version.model.owner)


def test_publishing_makes_the_model_public_and_freezes_its_rights():
    version = ModelFileFactory(version__rating=5, version__model__permissions=0b000011).version

    version = publish_version(version, by=version.model.owner)

    model = RegisteredModel.objects.get(pk=version.model.pk)
    assert (version.state, version.license, version.permissions) == ("published", "CC0-1.0", 0b000011)
    assert (model.subject.is_public, model.subject.rating) == (True, 5)
    assert model.first_published_at is not None
    assert (model.search.base_models, model.search.rights, model.search.rating) == (["SD 1.5"], 0b000011, 5)
    assert set(RegisteredModel.objects.visible_to(UserFactory())) == {model}


def test_publishing_twice_changes_nothing():
    version = _published()

    again = publish_version(version, by=version.model.owner)

    assert again.published_at == version.published_at


@pytest.mark.parametrize("verdict", ["pending", "check", "blocked", "unreadable"])
def test_a_file_without_a_passing_verdict_blocks_publishing(verdict):
    file = ModelFileFactory(blob__verdict=verdict)

    with pytest.raises(NotReadyToPublish, match=file.name) as refused:
        publish_version(file.version, by=file.version.model.owner)

    assert refused.value.status == 409
    assert [(unmet["code"], unmet["field"]) for unmet in refused.value.extra["unmet"]] == [(f"file_{verdict}", "files")]
    assert not ModelSearch.objects.exists()


def test_a_file_that_nobody_has_inspected_yet_blocks_publishing():
    file = ModelFileFactory(blob=None, upload=UploadFactory(state="inspecting"))

    assert [unmet.code for unmet in unmet_publishing_checks(file.version)] == ["file_pending"]


def test_a_standing_waiver_lets_a_check_file_out_and_a_voided_one_does_not():
    file = ModelFileFactory(blob__verdict="check")
    waiver = Waiver.objects.create(file=file, granted_by=ModeratorFactory(), reason="Read it.")
    assert unmet_publishing_checks(file.version) == []

    Waiver.objects.filter(pk=waiver.pk).update(voided_at=file.created_at)

    assert [unmet.code for unmet in unmet_publishing_checks(file.version)] == ["file_check"]


def test_every_unmet_check_is_named_at_once():
    model = RegisteredModelFactory(license="", permissions=None)
    version = ModelVersionFactory(model=model, base_model="")

    codes = [unmet.code for unmet in unmet_publishing_checks(version)]

    assert codes == ["license_missing", "permissions_missing", "base_model_missing", "files_missing"]


def test_a_license_of_ones_own_needs_its_text():
    model = RegisteredModelFactory(license="other", license_text="  ")
    file = ModelFileFactory(version__model=model)
    assert [unmet.code for unmet in unmet_publishing_checks(file.version)] == ["license_text_missing"]

    edit_model(model, by=model.owner, license_text="Do as you like.")
    version = publish_version(ModelVersion.objects.get(pk=file.version.pk), by=model.owner)

    assert (version.license, version.license_text) == ("other", "Do as you like.")


def test_only_the_owner_publishes_withdraws_and_deletes():
    version = _published()
    draft = ModelFileFactory(version__model=version.model).version

    for person in (UserFactory(), ModeratorFactory(), OperatorFactory()):
        for act in (
            lambda by: publish_version(draft, by=by),
            lambda by: withdraw_version(version, "No", by=by),
            lambda by: delete_version(version, by=by),
            lambda by: delete_model(version.model, by=by),
        ):
            with pytest.raises(NotAllowed):
                act(person)


def test_withdrawing_the_only_version_hides_the_model():
    version = _published()

    version = withdraw_version(version, "Trained on the wrong set", by=version.model.owner)

    model = RegisteredModel.objects.get(pk=version.model.pk)
    assert (version.state, version.withdrawn_reason) == ("withdrawn", "Trained on the wrong set")
    assert (model.subject.is_public, ModelSearch.objects.exists()) == (False, False)
    assert not ModelVersion.objects.visible_to(UserFactory()).exists()


def test_withdrawing_one_of_two_versions_keeps_the_model():
    version = _published(version__base_model="SDXL 1.0")
    _published(version__model=version.model)

    withdraw_version(version, "Older", by=version.model.owner)

    assert ModelSearch.objects.get().base_models == ["SD 1.5"]
    assert RegisteredModel.objects.get(pk=version.model.pk).subject.is_public


def test_withdrawing_twice_keeps_the_first_reason():
    version = _published()
    withdraw_version(version, "First", by=version.model.owner)

    again = withdraw_version(version, "Second", by=version.model.owner)

    assert again.withdrawn_reason == "First"


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501, "a\0"])
def test_withdrawing_needs_a_reason(reason):
    version = _published()

    with pytest.raises(InvalidInput) as refused:
        withdraw_version(version, reason, by=version.model.owner)

    assert refused.value.field == "reason"


def test_a_draft_is_not_withdrawn():
    version = ModelVersionFactory()

    with pytest.raises(Conflict):
        withdraw_version(version, "No", by=version.model.owner)


def test_a_withdrawn_version_comes_back_under_the_rights_it_had():
    version = _published()
    withdraw_version(version, "Mistake", by=version.model.owner)
    edit_model(version.model, by=version.model.owner, license="MIT", permissions=None)

    back = publish_version(version, by=version.model.owner)

    assert (back.state, back.license, back.permissions, back.withdrawn_reason) == ("published", "CC0-1.0", 63, "")
    assert back.published_at == version.published_at


def test_deleting_a_draft_leaves_nothing():
    version = ModelFileFactory().version

    delete_version(version, by=version.model.owner)

    assert not ModelVersion.objects.exists()
    assert not Tombstone.objects.exists()


@pytest.mark.parametrize("state", ["published", "withdrawn"])
def test_deleting_what_was_public_leaves_its_hashes(state):
    version = _published(version__name="v1")
    if state == "withdrawn":
        withdraw_version(version, "Older", by=version.model.owner)
    file = version.files.get()

    delete_version(version, by=version.model.owner)

    stone = Tombstone.objects.get()
    assert (stone.cause, stone.file_name, stone.version_name) == ("deleted", file.name, "v1")
    assert {known.value for known in stone.hashes.all()} == {file.blob.sha256, file.blob.sha256[:10]}
    assert not ModelSearch.objects.exists()


def test_deleting_a_model_takes_its_talk_along():
    version = _published()
    CommentFactory(subject=version.model.subject)
    draft = ModelFileFactory(version__model=version.model)

    delete_model(version.model, "Moved away", by=version.model.owner)

    assert not RegisteredModel.objects.exists()
    assert [(stone.file_name == draft.name, stone.reason) for stone in Tombstone.objects.all()] == [
        (False, "Moved away")
    ]
    assert not type(version.model.subject).objects.exists()


def test_a_name_is_free_again_after_its_model_is_deleted():
    model = _published(version__model__name="harbor").model

    delete_model(model, by=model.owner)

    assert RegisteredModelFactory(owner=model.owner, name="harbor").pk


def test_a_moderator_takes_a_model_down_and_puts_it_back():
    version, moderator = _published(), ModeratorFactory()

    taken = take_down_model(version.model, "Stolen", by=moderator)
    assert (taken.taken_down_reason, taken.subject.is_public, ModelSearch.objects.exists()) == ("Stolen", False, False)
    assert take_down_model(version.model, "Again", by=moderator).taken_down_reason == "Stolen"
    restored = restore_model(version.model, "It was not", by=moderator)

    assert (restored.taken_down_at, restored.subject.is_public, ModelSearch.objects.exists()) == (None, True, True)
    acts = ModerationAct.objects.order_by("pk").values_list("act", "actor", "reason", "target")
    assert list(acts) == [
        ("model.take_down", moderator.pk, "Stolen", f"model:{version.model.pk}"),
        ("model.restore", moderator.pk, "It was not", f"model:{version.model.pk}"),
    ]


def test_members_take_nothing_down():
    version = _published()

    for person in (UserFactory(), version.model.owner):
        with pytest.raises(NotAllowed):
            take_down_model(version.model, "No", by=person)
        with pytest.raises(NotAllowed):
            restore_model(version.model, "No", by=person)


def test_nothing_comes_out_of_a_model_that_was_taken_down():
    version = _published()
    take_down_model(version.model, "Stolen", by=ModeratorFactory())
    draft = ModelFileFactory(version__model=RegisteredModel.objects.get(pk=version.model.pk)).version

    with pytest.raises(NotReadyToPublish) as refused:
        publish_version(draft, by=version.model.owner)

    assert [unmet["code"] for unmet in refused.value.extra["unmet"]] == ["taken_down"]


def test_what_is_deleted_after_it_was_taken_down_says_so_for_ever():
    version = _published()
    model = take_down_model(version.model, "Stolen", by=ModeratorFactory())

    delete_model(model, "My own wish", by=model.owner)

    assert [(stone.cause, stone.reason) for stone in Tombstone.objects.all()] == [("taken_down", "Stolen")]
