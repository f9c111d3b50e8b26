"""From a complete upload to a judged blob."""

from __future__ import annotations

import hashlib
import os
import zlib

import blake3
import pytest

from registry.models import Blob, Inspection, Upload
from registry.services.inspecting import inspect_upload
from registry.storage import blob_store
from tests.factories import ModelFileFactory
from tests.registry.formats.test_gguf import TEXT, entry, gguf, tensor, text
from tests.registry.inspecting.bytes import BLOCK, evil_pickle, plain_pickle, safetensors, torch_zip, zip_bomb
from tests.registry.inspecting.conftest import send


def stored_keys() -> list[str]:
    return sorted(found.key for prefix in ("uploads/", "blobs/") for found in blob_store().listing(prefix))


def test_an_upload_becomes_a_blob_with_every_hash(inspected):
    data = safetensors() + b""
    header_end = 8 + int.from_bytes(data[:8], "little")

    upload = inspected(data)

    assert (upload.state, upload.inspection.state, upload.blob.verdict) == ("done", "done", "safe")
    sha256 = hashlib.sha256(data).hexdigest()
    assert {row.kind: row.value for row in upload.blob.hashes.all()} == {
        "SHA256": sha256,
        "BLAKE3": blake3.blake3(data).hexdigest(),
        "CRC32": zlib.crc32(data).to_bytes(4, "little").hex(),
        "AutoV2": sha256[:10],
        "AutoV3": hashlib.sha256(data[header_end:]).hexdigest()[:12],
    }


def test_a_large_file_has_an_autov1_too(inspected):
    data = os.urandom((2 << 20) + 5)

    upload = inspected(data, name="weights.bin")

    values = {row.kind: row.value for row in upload.blob.hashes.all()}
    assert values["AutoV1"] == hashlib.sha256(data[1 << 20 : (1 << 20) + 65536]).hexdigest()[:8]
    assert "AutoV3" not in values


def test_the_bytes_move_from_the_upload_to_the_blob(inspected, django_capture_on_commit_callbacks):
    data = safetensors()
    sha256 = hashlib.sha256(data).hexdigest()

    with django_capture_on_commit_callbacks(execute=True):
        upload = inspected(data)

    assert upload.blob.key == f"blobs/{sha256[:2]}/{sha256[2:4]}/{sha256}"
    assert stored_keys() == [upload.blob.key]
    with blob_store().open(upload.blob.key) as stream:
        assert stream.read() == data


def test_the_facts_say_what_the_file_is(inspected):
    upload = inspected(safetensors(metadata={"ss_output_name": "lights", "modelspec.title": "Lights"}))

    facts = upload.blob.facts
    assert upload.blob.format == facts["format"] == "safetensors"
    assert (facts["tensors"], facts["parameters"]) == (3, 4 * 768 + 320 * 4 + 1)
    assert facts["dtypes"] == {"F16": 1.0}
    assert facts["metadata"] == {"ss_output_name": "lights", "modelspec.title": "Lights"}
    assert facts["recognition"]["model_type"] == "lora"
    assert facts["recognition"]["training"]["title"] == "Lights"


def test_a_torch_file_is_recognized_from_its_pickle(inspected):
    upload = inspected(
        torch_zip({f"{BLOCK}.lora_down.weight": (4, 768), f"{BLOCK}.lora_up.weight": (320, 4)}), name="a.pt"
    )

    facts = upload.blob.facts
    assert (upload.blob.format, upload.blob.verdict) == ("torch-zip", "safe")
    assert (facts["tensors"], facts["parameters"]) == (2, 4 * 768 + 320 * 4)
    assert facts["recognition"]["model_type"] == "lora"


def test_a_gguf_file_tells_its_tensors_and_texts(inspected):
    words = (entry("general.architecture", TEXT, text("sd1")), entry("modelspec.title", TEXT, text("Lights")))
    shapes = {"lora_down.weight": (768, 4), "lora_up.weight": (4, 320)}  # the fastest dimension first
    starts = (0, 4 * 768 * 2)
    tensors = tuple(
        tensor(f"{BLOCK}.{name}", lengths, 1, start)
        for (name, lengths), start in zip(shapes.items(), starts, strict=True)
    )

    upload = inspected(gguf(words, tensors, bytes(2 * (4 * 768 + 4 * 320))), name="a.gguf")

    facts = upload.blob.facts
    assert (upload.blob.format, upload.blob.verdict) == ("gguf", "safe")
    assert (facts["tensors"], facts["parameters"], facts["dtypes"]) == (2, 4 * 768 + 320 * 4, {"F16": 1.0})
    assert facts["metadata"] == {"general.architecture": "sd1", "modelspec.title": "Lights"}
    assert facts["recognition"]["model_type"] == "lora"
    assert facts["recognition"]["rank"] == 4


@pytest.mark.parametrize(
    "data",
    [gguf(counts=(5, 0)), gguf((entry("a", TEXT, text(b"\xff")),)), gguf(version=9), b"GGUF"],
    ids=["count without room", "text is not UTF-8", "unknown version", "magic alone"],
)
def test_a_broken_gguf_file_is_unreadable_and_tells_nothing(inspected, data):
    upload = inspected(data, name="a.gguf")

    assert (upload.state, upload.blob.verdict) == ("done", "unreadable")
    assert "tensors" not in upload.blob.facts


def test_metadata_beyond_what_a_row_should_hold_is_cut_and_said_to_be(inspected):
    metadata = {"ss_tag_frequency": "x" * 500_000, **{f"key{n}": "y" * 1_000 for n in range(400)}}

    facts = inspected(safetensors(metadata=metadata)).blob.facts

    assert facts["metadata_cut"] is True
    assert len(facts["metadata"]["ss_tag_frequency"]) == 2_000
    assert sum(len(key) + len(value) for key, value in facts["metadata"].items()) <= 128 << 10


def test_metadata_with_a_nul_is_stored_with_a_sign_in_its_place(inspected):
    facts = inspected(safetensors(metadata={"a\0b": "c\0d"})).blob.facts

    assert facts["metadata"] == {"a\ufffdb": "c\ufffdd"}


@pytest.mark.parametrize(
    ("data", "name", "verdict", "kind"),
    [
        (evil_pickle(), "lights.safetensors", "blocked", "pickle"),
        (evil_pickle(), "lights.ckpt", "blocked", "pickle"),
        (plain_pickle(), "lights.safetensors", "safe", "pickle"),
        (safetensors(), "lights.ckpt", "safe", "safetensors"),
        (safetensors()[:40], "lights.safetensors", "unreadable", None),
        (safetensors()[:-1], "lights.safetensors", "unreadable", "safetensors"),
        (safetensors() + b"x", "lights.safetensors", "unreadable", "safetensors"),
        (b"\xff" * 9, "lights.safetensors", None, None),
        (b"<html>Sign in</html>", "lights.safetensors", "unreadable", "html"),
    ],
    ids=[
        "evil pickle under a safe name",
        "evil pickle",
        "plain pickle under a safe name",
        "safetensors under another name",
        "truncated header",
        "truncated data",
        "something behind the data",
        "a header longer than any file",
        "a page instead of a file",
    ],
)
def test_the_bytes_are_judged_and_not_the_name(inspected, data, name, verdict, kind):
    upload = inspected(data, name=name)

    assert upload.state == "done"
    assert upload.blob.verdict == verdict if verdict else upload.blob.verdict in ("check", "unreadable")
    assert kind is None or upload.blob.format == kind


def test_findings_name_what_was_found(inspected):
    upload = inspected(evil_pickle())

    finding = upload.blob.findings.first()
    assert finding.level == "blocked"
    assert finding.subject.endswith("system")
    assert finding.message
    assert upload.blob.evidence
    assert upload.blob.rules_version


@pytest.mark.parametrize("length", [400, 5_000, 200_000])
def test_findings_about_names_longer_than_a_row_are_kept_in_short(inspected, length):
    data = b"\x80\x02c" + b"m" * length + b"\n" + b"n" * length + b"\n)R."

    upload = inspected(data)

    assert upload.state == "done"
    assert upload.blob.verdict in ("check", "blocked", "unreadable")
    assert upload.blob.findings.exists()


def test_a_zip_bomb_is_judged_and_not_unfolded(inspected):
    upload = inspected(zip_bomb(), name="bomb.ckpt")

    assert upload.state == "done"
    assert upload.blob.verdict != "safe"


@pytest.mark.parametrize("declared", [str.lower, str.upper])
def test_a_declared_checksum_that_is_right_changes_nothing(inspected, declared):
    data = safetensors()

    upload = inspected(data, sha256=declared(hashlib.sha256(data).hexdigest()))

    assert (upload.state, upload.blob.verdict) == ("done", "safe")


def test_a_declared_checksum_that_is_wrong_fails_the_upload_and_its_files(db, django_capture_on_commit_callbacks):
    upload = send(safetensors(), sha256="0" * 64)
    file = ModelFileFactory(upload=upload, blob=None, version__model__owner=upload.owner)

    with django_capture_on_commit_callbacks(execute=True):
        inspect_upload(str(upload.pk))

    upload.refresh_from_db()
    file.refresh_from_db()
    assert (upload.state, upload.error["code"], upload.error["field"]) == ("failed", "sha256_differs", "sha256")
    assert (file.state, file.verdict) == ("failed", "unreadable")
    assert upload.inspection.state == "failed"
    assert stored_keys() == []
    assert not Blob.objects.exists()


def test_the_files_of_an_upload_get_its_blob(db):
    upload = send(safetensors())
    file = ModelFileFactory(upload=upload, blob=None, version__model__owner=upload.owner)
    assert (file.state, file.verdict) == ("waiting", "pending")

    inspect_upload(str(upload.pk))

    file.refresh_from_db()
    assert (file.state, file.verdict) == ("done", "safe")


def test_two_uploads_of_the_same_bytes_are_one_blob(inspected, django_capture_on_commit_callbacks):
    data = evil_pickle()

    with django_capture_on_commit_callbacks(execute=True):
        first, second = inspected(data), inspected(data, name="other.ckpt")

    assert first.owner != second.owner
    assert first.blob == second.blob == Blob.objects.get()
    assert stored_keys() == [first.blob.key]
    assert first.blob.hashes.count() == 4
    assert first.blob.findings.count() == second.blob.findings.count() > 0


def test_bytes_judged_by_older_rules_are_judged_again(inspected):
    data = evil_pickle()
    inspected(data)
    Blob.objects.update(rules_version="long ago", verdict="safe")

    assert inspected(data).blob.verdict == "blocked"


def test_bytes_judged_by_the_same_rules_keep_their_findings(inspected):
    data = evil_pickle()
    before = list(inspected(data).blob.findings.values_list("pk", flat=True))

    after = list(inspected(data).blob.findings.values_list("pk", flat=True))

    assert before == after


def test_a_blob_whose_bytes_were_lost_gets_them_from_the_next_upload(inspected):
    data = safetensors()
    blob = inspected(data).blob
    blob_store().delete(blob.key)

    inspected(data)

    assert blob_store().size(blob.key) == len(data)


def test_inspecting_twice_does_nothing_twice(inspected):
    upload = inspected(safetensors())
    before = Inspection.objects.values().get()

    inspect_upload(str(upload.pk))

    assert Inspection.objects.values().get() == before


def test_inspecting_what_is_gone_does_nothing(db):
    inspect_upload("00000000-0000-4000-8000-000000000000")

    assert not Upload.objects.exists()


def test_an_upload_whose_bytes_vanished_fails_and_says_so(db):
    upload = send(safetensors())
    blob_store().delete(upload.key)

    inspect_upload(str(upload.pk))

    upload.refresh_from_db()
    assert (upload.state, upload.error["code"]) == ("failed", "bytes_missing")
