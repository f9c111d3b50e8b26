"""From a safe pickle to a stored, judged `.safetensors`: workers, lost workers, and what goes with its file."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.utils import timezone

from community.errors import Conflict, NotAllowed, StoreUnavailable
from registry.converting.errors import ConversionFailed
from registry.formats.safetensors import read_header
from registry.models import Blob, Conversion, ModelFile, Tombstone, Upload
from registry.search import find_by_hash
from registry.services import converting
from registry.services.conversions import offer_conversion, request_conversion
from registry.services.converting import convert_blob, sweep_conversions
from registry.services.files import attach_file
from registry.services.publishing import delete_version, withdraw_version
from registry.services.rejudging import rejudge_blob
from registry.services.sweeping import sweep_blobs
from registry.storage import blob_store
from registry.storage.local import LocalStore
from tests.factories import BlobFactory, ModelFileFactory, ModelVersionFactory, ModeratorFactory, UserFactory
from tests.registry.converting.build import Parts, singles
from tests.registry.converting.rows import checkpoint_file, converted_file, pickle_of, published_file, sent_file
from tests.registry.inspecting.bytes import safetensors

pytestmark = pytest.mark.django_db


def conversion_of(file: ModelFile, kind: str = "full") -> Conversion:
    return Conversion.objects.select_related("result").get(source=file.blob, kind=kind)


def failing(*arguments, **options):
    raise ConversionFailed("no disk")


def test_a_safe_pickle_of_a_version_is_converted_and_itself_stays_as_it_was():
    data = pickle_of()

    file = converted_file(data)

    result = conversion_of(file).result
    with blob_store().open(file.blob.key) as stream:
        assert stream.read() == data
    with blob_store().open(result.key) as stream:
        made = stream.read()
    assert (result.verdict, result.format, result.size) == ("safe", "safetensors", len(made))
    assert made.endswith(singles(6))
    header = read_header(io.BytesIO(made), len(made))
    assert header.metadata["converted_from_sha256"] == file.blob.sha256
    assert conversion_of(file).report["left_out"] == ["epoch", "note"]


def test_the_result_is_inspected_like_any_upload():
    result = conversion_of(converted_file()).result

    kinds = {row.kind: row.value for row in result.hashes.all()}
    assert kinds["SHA256"] == result.sha256
    assert kinds["AutoV2"] == result.sha256[:10]
    assert set(kinds) == {"SHA256", "BLAKE3", "CRC32", "AutoV2", "AutoV3"}  # AutoV1 needs a longer file
    assert result.facts["tensors"] == 1
    assert result.rules_version
    assert result.fingerprint


def test_nothing_of_an_attempt_is_left_but_the_result(settings, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        file = converted_file()

    assert list(settings.CACHE_FOLDER.iterdir()) == []
    stored = {found.key for prefix in ("uploads/", "blobs/") for found in blob_store().listing(prefix)}
    assert stored == {file.blob.key, conversion_of(file).result.key}


@pytest.mark.parametrize(
    "data",
    [safetensors(), Parts().zipped({"a": 1}), b"\x80\x02}X\x01\x00\x00\x00aK\x01s."],
    ids=["safetensors", "no tensors", "no torch file"],
)
def test_other_files_are_not_converted(data):
    sent_file(data, name="a.bin")

    assert not Conversion.objects.exists()


def test_a_file_that_waits_for_a_moderator_is_not_converted_however_it_was_waived():
    blob = BlobFactory(format="torch-zip", verdict="check", facts={"tensors": 3})
    file = ModelFileFactory(blob=blob, published=True)

    offer_conversion(blob)
    with pytest.raises(Conflict) as caught:
        request_conversion(file, "full", by=file.version.model.owner)

    assert caught.value.code == "not_convertible"
    assert not Conversion.objects.exists()


def test_one_blob_is_converted_once_for_all_its_files():
    file = sent_file(pickle_of())
    again = sent_file(pickle_of(), name="other.ckpt")

    assert again.blob == file.blob
    assert Conversion.objects.count() == 1


def test_a_file_attached_after_its_inspection_is_offered_too():
    upload = sent_file(pickle_of()).upload
    Conversion.objects.all().delete()

    attach_file(ModelVersionFactory(model__owner=upload.owner), upload, "late.ckpt", by=upload.owner)

    assert Conversion.objects.get().state == "waiting"


def test_a_message_that_comes_twice_does_nothing_twice(monkeypatch):
    file = published_file()
    monkeypatch.setattr(converting, "convert", failing)

    convert_blob(conversion_of(file).pk)
    convert_blob(0)

    assert conversion_of(file).state == "done"


def test_a_pickle_that_cannot_be_converted_says_why():
    parts = Parts()
    file = sent_file(parts.zipped({"w": parts.tensor(singles(4), (4,))}, deflate=True))
    convert_blob(conversion_of(file).pk)

    conversion = conversion_of(file)
    assert (conversion.state, conversion.error["code"], conversion.tries) == ("failed", "storage_packed", 1)
    assert conversion.refusal == "The file’s numbers are compressed. Save it anew with torch.save."


def test_our_own_failure_is_tried_again_and_then_said(monkeypatch):
    file = sent_file(pickle_of())
    monkeypatch.setattr(converting, "convert", failing)

    states = []
    for _ in range(3):
        convert_blob(conversion_of(file).pk)
        states.append(conversion_of(file).state)

    assert states == ["waiting", "waiting", "failed"]
    assert conversion_of(file).error["code"] == "conversion_failed"


def test_a_result_that_differs_from_its_source_is_never_stored(monkeypatch):
    file = sent_file(pickle_of())
    convert = converting.convert

    def spoiled(source, folder, **options):
        made = convert(source, folder, **options)
        made.path.write_bytes(b"PK" + made.path.read_bytes())
        return made

    monkeypatch.setattr(converting, "convert", spoiled)
    convert_blob(conversion_of(file).pk)

    assert conversion_of(file).result is None
    assert Blob.objects.count() == 1


def test_a_store_that_is_away_costs_no_try(monkeypatch):
    file = sent_file(pickle_of())

    def away(*arguments):
        raise StoreUnavailable("away")

    monkeypatch.setattr(LocalStore, "put_file", away)
    convert_blob(conversion_of(file).pk)

    assert (conversion_of(file).state, conversion_of(file).tries) == ("waiting", 0)


def test_a_source_that_lies_elsewhere_is_copied_here_first(settings, monkeypatch):
    class Elsewhere(LocalStore):
        """A store whose files this machine cannot open by name."""

        def local_path(self, key: str) -> None:
            return None

    file = sent_file(pickle_of())
    monkeypatch.setattr(converting, "blob_store", lambda: Elsewhere(settings.DATA))
    convert_blob(conversion_of(file).pk)

    assert conversion_of(file).state == "done"
    assert list(settings.CACHE_FOLDER.iterdir()) == []


def test_a_worker_that_lost_its_claim_changes_nothing(monkeypatch):
    file = sent_file(pickle_of())
    convert = converting.convert

    def overtaken(*arguments, **options):
        Conversion.objects.update(attempt=None, state="waiting")
        return convert(*arguments, **options)

    monkeypatch.setattr(converting, "convert", overtaken)
    convert_blob(conversion_of(file).pk)
    assert conversion_of(file).state == "waiting"
    monkeypatch.undo()
    convert_blob(conversion_of(file).pk)

    assert conversion_of(file).state == "done"


def test_a_lost_conversion_is_given_to_another_worker_and_a_forgotten_one_remembered(
    settings, django_capture_on_commit_callbacks, monkeypatch
):
    lost, forgotten = sent_file(pickle_of(1)), sent_file(pickle_of(2))
    long_ago = timezone.now() - timedelta(seconds=settings.INSPECTION_LEASE_SECONDS + 1)
    Conversion.objects.filter(source=lost.blob).update(state="running", tries=1, heart_at=long_ago)
    Conversion.objects.filter(source=forgotten.blob).update(queued_at=timezone.now() - timedelta(hours=1))
    sent = []
    monkeypatch.setattr(
        "registry.services.conversions.current_app.send_task", lambda name, args, **more: sent.append(args[0])
    )

    with django_capture_on_commit_callbacks(execute=True):
        sweep_conversions()

    assert conversion_of(lost).state == "waiting"
    assert sent == [conversion_of(forgotten).pk]


# -- asking -------------------------------------------------------------------------------------------------------


def test_a_pruned_one_is_made_when_it_is_asked_for():
    file = converted_file(checkpoint_file())

    conversion = request_conversion(file, "pruned_fp16", by=file.version.model.owner)
    convert_blob(conversion.pk)

    pruned = conversion_of(file, "pruned_fp16")
    assert pruned.result.facts["recognition"]["pruned"] is True
    assert pruned.result.size < conversion_of(file).result.size / 2
    assert pruned.report["dropped"] > 0
    assert pruned.name_for("ink.v1.ckpt") == "ink.v1-pruned-fp16.safetensors"


def test_only_a_whole_checkpoint_can_be_pruned():
    file = sent_file(pickle_of())

    with pytest.raises(Conflict, match="whole checkpoints"):
        request_conversion(file, "pruned_fp16", by=file.version.model.owner)


def test_what_failed_can_be_asked_for_again():
    file = sent_file(pickle_of())
    Conversion.objects.update(state="failed", error={"code": "too_slow"}, tries=3)

    conversion = request_conversion(file, "full", by=ModeratorFactory())

    assert (conversion.state, conversion.tries, conversion.error) == ("waiting", 0, {})


def test_strangers_cannot_ask():
    file = published_file()

    with pytest.raises(NotAllowed):
        request_conversion(file, "full", by=UserFactory())


def test_a_long_name_is_cut_between_letters():
    name = Conversion(kind="full").name_for("ü" * 125 + ".ckpt")

    assert len(name.encode()) <= 255
    assert name == "ü" * 121 + ".safetensors"


# -- what goes with the file --------------------------------------------------------------------------------------


def _age(*blobs: Blob) -> None:
    Blob.objects.filter(pk__in=[blob.pk for blob in blobs]).update(created_at=timezone.now() - timedelta(days=9))
    Upload.objects.update(completed_at=timezone.now() - timedelta(days=90))


def test_the_sweep_keeps_what_was_made_of_a_file_as_long_as_the_file_stands():
    file = published_file()
    result = conversion_of(file).result
    _age(file.blob, result)

    sweep_blobs()
    assert Blob.objects.filter(pk=result.pk).exists()
    file.delete()
    sweep_blobs()
    sweep_blobs()

    assert not Blob.objects.exists()
    assert not Conversion.objects.exists()
    assert [blob_store().size(key) for key in (file.blob.key, result.key)] == [None, None]


@pytest.mark.parametrize("kind", ["SHA256", "AutoV2"])
def test_a_hash_of_what_was_made_leads_to_the_file_of_a_public_version_only(kind):
    file = published_file()
    draft = ModelFileFactory(blob=file.blob)
    value = conversion_of(file).result.hashes.get(kind=kind).value

    assert find_by_hash(value, UserFactory()).files == (file,)
    assert find_by_hash(value, draft.version.model.owner).files == (file,)
    file.delete()
    assert find_by_hash(value, draft.version.model.owner).is_empty


def test_a_hash_of_what_was_made_never_dies():
    file = published_file()
    value = conversion_of(file).result.sha256
    owner = file.version.model.owner

    version = withdraw_version(file.version, "a better one is out", by=owner)
    assert [gone.cause for gone in find_by_hash(value, UserFactory()).tombstones] == ["withdrawn"]
    delete_version(version, "gone", by=owner)

    (gone,) = find_by_hash(value, UserFactory()).tombstones
    assert (gone.cause, gone.file, gone.hashes["SHA256"]) == ("deleted", "ink.safetensors", value.upper())
    assert Tombstone.objects.count() == 2


def test_a_source_that_turns_bad_before_its_turn_is_not_converted():
    file = sent_file(pickle_of())
    Blob.objects.filter(pk=file.blob_id).update(verdict="blocked")

    convert_blob(conversion_of(file).pk)

    assert conversion_of(file).error["code"] == "not_safe"


def test_a_blob_that_new_rules_let_through_is_offered():
    file = sent_file(pickle_of())
    Conversion.objects.all().delete()
    Blob.objects.filter(pk=file.blob_id).update(verdict="check", rules_version="0")

    rejudge_blob(Blob.objects.get(pk=file.blob_id))

    assert conversion_of(file).state == "waiting"
