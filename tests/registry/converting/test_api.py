"""Conversions through our own API: asked for, read, downloaded."""

from __future__ import annotations

import pytest

from community.models import User
from registry.models import Blob, Conversion, ModelFile
from tests.factories import BlobFactory, ModelFileFactory, UserFactory
from tests.registry.api.client import Program
from tests.registry.converting.rows import made_of, published_file
from tests.registry.downloads.stored import body_of

pytestmark = pytest.mark.django_db

FULL = b"made of it"


@pytest.fixture
def file() -> ModelFile:
    return published_file()


def path_of(file: ModelFile, kind: str = "full") -> str:
    return f"files/{file.pk}/conversions/{kind}/download"


def owner_of(file: ModelFile) -> Program:
    owner: User = file.version.model.owner
    return Program(owner)


def test_what_was_made_of_a_file_is_listed_with_its_hashes_and_address(file):
    (row,) = Program().get(f"files/{file.pk}/conversions").json()["results"]

    result = Conversion.objects.get().result
    assert (row["kind"], row["state"], row["verdict"], row["size"]) == ("full", "done", "safe", len(FULL))
    assert row["name"] == "ink.safetensors"
    assert row["hashes"]["AutoV2"] == result.sha256[:10].upper()
    assert row["download_url"].endswith(f"/api/safelight/v1/{path_of(file)}")
    assert (row["error"], row["report"]) == (None, {"tensors": 1})


def test_a_conversion_that_is_asked_for_waits():
    blob = BlobFactory(format="torch-zip", facts={"tensors": 9, "recognition": {"model_type": "checkpoint"}})
    file = ModelFileFactory(blob=blob, name="big.ckpt", published=True)

    answer = owner_of(file).post(f"files/{file.pk}/conversions", {"kind": "pruned_fp16"})

    assert answer.status_code == 202
    row = answer.json()
    assert (row["kind"], row["state"], row["verdict"]) == ("pruned_fp16", "waiting", "pending")
    assert (row["name"], row["size"], row["hashes"]) == ("big-pruned-fp16.safetensors", None, {})
    assert Conversion.objects.get().source == blob


@pytest.mark.parametrize("body", [{}, {"kind": "gguf"}, {"kind": None}, {"kind": ["full"]}], ids=str)
def test_a_wrong_kind_is_named(file, body):
    answer = owner_of(file).post(f"files/{file.pk}/conversions", body)

    assert (answer.status_code, answer.json()["field"]) == (400, "kind")


def test_a_file_that_cannot_be_converted_says_why(file):
    answer = owner_of(file).post(f"files/{file.pk}/conversions", {"kind": "pruned_fp16"})

    assert (answer.status_code, answer.json()["code"]) == (409, "not_convertible")
    assert answer.json()["detail"] == "Only whole checkpoints can be pruned."


def test_why_one_failed_is_said_in_a_sentence(file):
    error = {"code": "form", "params": {"tensor": "w", "form": "torch._utils._rebuild_sparse_tensor"}}
    Conversion.objects.update(state="failed", result=None, error=error)

    (row,) = Program().get(f"files/{file.pk}/conversions").json()["results"]

    assert row["error"]["code"] == "form"
    assert row["error"]["detail"].startswith("“w” is of a form that safetensors cannot hold")


def test_the_bytes_are_sent_with_ranges_under_a_name_of_their_own(file):
    whole = Program().get(path_of(file))
    part = Program().get(path_of(file), Range="bytes=5-6")

    assert (whole.status_code, body_of(whole)) == (200, FULL)
    assert whole["Content-Disposition"] == 'attachment; filename="ink.safetensors"'
    assert whole["ETag"] == f'"{Conversion.objects.get().result.sha256}"'
    assert (part.status_code, body_of(part)) == (206, b"of")


@pytest.mark.parametrize("verdict", ["blocked", "check", "unreadable"])
@pytest.mark.parametrize("whose", ["source", "result"])
def test_what_stops_either_stops_what_was_made(file, whose, verdict):
    blob = getattr(Conversion.objects.get(), whose)
    Blob.objects.filter(pk=blob.pk).update(verdict=verdict)

    answer = Program().get(path_of(file))

    assert (answer.status_code, answer.json()["code"]) == (403, "not_servable")
    assert answer.json()["reason"] == verdict


def test_what_was_made_of_a_file_now_waived_is_not_served(file):
    Blob.objects.filter(pk=file.blob_id).update(verdict="check")
    file.waivers.create(granted_by=UserFactory(), reason="fine", findings=[])

    answer = Program().get(f"{path_of(file)}?confirm=check")

    assert answer.json()["reason"] == "check"


def test_a_result_that_is_not_there_yet_is_not_served(file):
    Conversion.objects.update(state="running", result=None)

    assert Program().get(path_of(file)).json()["reason"] == "pending"
    assert Program().get(path_of(file, "pruned_fp16")).status_code == 404


def test_the_same_bytes_in_a_draft_show_nothing_of_it_to_strangers(file):
    draft = ModelFileFactory(blob=file.blob, name="secret.ckpt")

    assert Program(UserFactory()).get(f"files/{draft.pk}/conversions").status_code == 404
    assert Program(UserFactory()).get(path_of(draft)).status_code == 404
    assert body_of(owner_of(draft).get(path_of(draft))) == FULL


def test_a_list_costs_the_same_however_many_there_are(file, django_assert_max_num_queries):
    made_of(file, b"smaller", kind="pruned_fp16")

    with django_assert_max_num_queries(9):
        rows = Program().get(f"files/{file.pk}/conversions").json()["results"]

    assert [row["kind"] for row in rows] == ["full", "pruned_fp16"]
