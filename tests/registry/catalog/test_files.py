"""Files of a draft."""

import uuid

import pytest

from community.errors import Conflict, InvalidInput, NotAllowed
from registry.models import Upload
from registry.services.files import UnknownUpload, attach_file, remove_file, rename_file, set_primary_file
from tests.factories import BlobFactory, ModelFileFactory, ModelVersionFactory, UploadFactory, UserFactory

pytestmark = pytest.mark.django_db


def _draft_and_upload(**upload):
    version = ModelVersionFactory()
    return version, UploadFactory(owner=version.model.owner, **upload)


@pytest.mark.parametrize("state", ["complete", "inspecting"])
def test_a_file_is_listed_as_pending_as_soon_as_its_upload_is_complete(state):
    version, upload = _draft_and_upload(state=state)

    file = attach_file(version, upload, "a.safetensors", by=version.model.owner)

    assert (file.verdict, file.blob, file.size, file.is_primary) == ("pending", None, 1000, True)


def test_an_inspected_upload_brings_its_verdict_along():
    version, upload = _draft_and_upload(state="done", blob=BlobFactory(verdict="blocked"))

    file = attach_file(version, str(upload.pk), "a.safetensors", by=version.model.owner)

    assert (file.state, file.verdict) == ("done", "blocked")


@pytest.mark.parametrize("state", ["receiving", "failed", "expired", "aborted"])
def test_an_upload_that_is_not_complete_is_refused(state):
    version, upload = _draft_and_upload(state=state)

    with pytest.raises(Conflict) as refused:
        attach_file(version, upload, "a.safetensors", by=version.model.owner)

    assert (refused.value.field, refused.value.code) == ("upload", "upload_not_complete")


@pytest.mark.parametrize("upload_id", ["", "x", "7", uuid.uuid4(), "\0", 5, None])
def test_an_upload_that_is_not_there_is_refused(upload_id):
    version = ModelVersionFactory()

    with pytest.raises(UnknownUpload) as refused:
        attach_file(version, upload_id, "a.safetensors", by=version.model.owner)

    assert (refused.value.field, refused.value.status) == ("upload", 404)


def test_somebody_elses_upload_is_answered_like_none():
    version = ModelVersionFactory()
    upload = UploadFactory(owner=UserFactory(), state=Upload.State.COMPLETE)

    with pytest.raises(UnknownUpload):
        attach_file(version, upload, "a.safetensors", by=version.model.owner)


def test_only_the_owner_attaches():
    version, _ = _draft_and_upload()
    stranger = UserFactory()
    upload = UploadFactory(owner=stranger, state=Upload.State.COMPLETE)

    with pytest.raises(NotAllowed):
        attach_file(version, upload, "a.safetensors", by=stranger)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        pytest.param("海辺の灯台 é.safetensors", "海辺の灯台 é.safetensors", id="not ASCII"),
        pytest.param("e\u0301.safetensors", "é.safetensors", id="composed form"),
        pytest.param("100% wool.safetensors", "100% wool.safetensors", id="percent sign"),
        pytest.param("🦢.safetensors", "🦢.safetensors", id="beyond the BMP"),
        pytest.param("console.safetensors", "console.safetensors", id="begins like a device"),
        pytest.param("COM10.pt", "COM10.pt", id="no device of Windows"),
        pytest.param('quote"semi;colon.safetensors', "quote_semi;colon.safetensors", id="a quote"),
        pytest.param("x" * 243 + ".safetensors", "x" * 243 + ".safetensors", id="255 bytes"),
    ],
)
def test_a_file_keeps_its_name_or_one_safe_form_of_it(name, kept):
    version, upload = _draft_and_upload(state="complete")

    file = attach_file(version, upload, name, by=version.model.owner)

    assert file.name == kept


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("   ", id="blank"),
        pytest.param("x" * 10_000, id="10,000 characters"),
        pytest.param("é" * 128, id="256 bytes"),
        pytest.param("a\r\nSet-Cookie: b.safetensors", id="line break"),
        pytest.param("a\0.safetensors", id="NUL"),
        pytest.param("a/b.safetensors", id="slash"),
        pytest.param("a\\b.safetensors", id="backslash"),
        pytest.param("..%2f..%2fx.safetensors", id="escaped way out"),
        pytest.param("a%2fb.safetensors", id="escaped slash"),
        pytest.param("..", id="two dots"),
        pytest.param(".hidden", id="leading dot"),
        pytest.param("x.", id="final dot"),
        pytest.param("a\u202ecod.exe", id="turned around"),
        pytest.param("CON", id="device of Windows"),
        pytest.param("nul.safetensors", id="device with an ending"),
        pytest.param("Aux.tar.gz", id="device with two endings"),
        pytest.param("com1 .pt", id="device, blank and ending"),
        pytest.param("LPT².pt", id="device with a raised digit"),
        pytest.param("prn:x.pt", id="device with a sign that would be replaced"),
        pytest.param("a\ud800b", id="half a surrogate pair"),
    ],
)
def test_a_bad_file_name_is_refused_with_the_reason(name):
    version, upload = _draft_and_upload(state="complete")

    with pytest.raises(InvalidInput) as refused:
        attach_file(version, upload, name, by=version.model.owner)

    assert refused.value.field == "name"
    assert refused.value.detail


def test_a_file_name_is_used_once_in_a_version():
    version, upload = _draft_and_upload(state="complete")
    attach_file(version, upload, "A.safetensors", by=version.model.owner)

    with pytest.raises(Conflict) as refused:
        attach_file(version, upload, "a.SAFETENSORS", by=version.model.owner)

    assert refused.value.field == "name"


@pytest.mark.parametrize("state", ["published", "withdrawn"])
def test_files_of_what_was_published_never_change(state):
    file = ModelFileFactory(published=True)
    file.version.state = state
    file.version.save()
    owner = file.version.model.owner
    upload = UploadFactory(owner=owner, state=Upload.State.COMPLETE)

    for act in (
        lambda: attach_file(file.version, upload, "b.safetensors", by=owner),
        lambda: remove_file(file, by=owner),
        lambda: rename_file(file, "c.safetensors", by=owner),
    ):
        with pytest.raises(Conflict, match="never change"):
            act()

    assert [kept.name for kept in file.version.files.all()] == [file.name]


def test_there_is_always_one_primary_file():
    version, upload = _draft_and_upload(state="complete")
    owner = version.model.owner
    first, second, third = (attach_file(version, upload, f"{n}.safetensors", by=owner) for n in "abc")

    set_primary_file(third, by=owner)
    remove_file(third, by=owner)

    assert [(file.name, file.is_primary) for file in version.files.all()] == [
        (first.name, True),
        (second.name, False),
    ]


def test_a_file_is_renamed_in_a_draft():
    file = ModelFileFactory()
    other = ModelFileFactory(version=file.version)

    with pytest.raises(Conflict):
        rename_file(file, other.name.upper(), by=file.version.model.owner)
    renamed = rename_file(file, "better.safetensors", by=file.version.model.owner)

    assert renamed.name == "better.safetensors"
