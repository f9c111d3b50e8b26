"""A file as safetensors: on the page of its model, on its report, and at an address of its own."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from registry.models import Blob, Conversion
from tests.factories import BlobFactory, ModelFileFactory, ModeratorFactory, UserFactory
from tests.registry.converting.rows import made_of, published_file
from tests.registry.downloads.stored import body_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def file():
    return published_file()


def model_text(client, file) -> str:
    return client.get(file.version.get_absolute_url()).content.decode()


def report_text(client, file) -> str:
    return client.get(reverse("registry:file-report", args=[file.pk])).content.decode()


def test_the_model_page_offers_what_was_made_under_its_file(client, file):
    text = model_text(client, file)

    result = Conversion.objects.get().result
    assert f'href="/files/{file.pk}/conversions/full/ink.safetensors"' in text
    assert f"AutoV2 <code>{result.sha256[:10].upper()}</code>" in text


def test_the_address_sends_the_bytes_and_another_name_leads_to_the_right_one(client, file):
    answer = client.get(f"/files/{file.pk}/conversions/full/ink.safetensors")
    other = client.get(f"/files/{file.pk}/conversions/full/x.safetensors")

    assert body_of(answer) == b"made of it"
    assert (other.status_code, other["Location"]) == (302, f"/files/{file.pk}/conversions/full/ink.safetensors")
    assert client.get(f"/files/{file.pk}/conversions/gguf/ink.gguf").status_code == 404


def test_what_may_not_be_served_is_named_without_a_link(client, file):
    Blob.objects.filter(pk=Conversion.objects.get().result_id).update(verdict="blocked")

    text = model_text(client, file)

    assert "ink.safetensors" in text
    assert "/conversions/full/" not in text
    assert client.get(f"/files/{file.pk}/conversions/full/ink.safetensors").status_code == 403


def test_the_page_follows_a_conversion_that_is_under_way(client, file):
    Conversion.objects.update(state="running", result=None)

    text = model_text(client, file)

    assert "Also as safetensors: being converted" in text
    assert 'id="files" hx-get=' in text


def test_only_those_who_may_ask_again_read_why_one_failed(client, file):
    Conversion.objects.update(state="failed", result=None, error={"code": "storage_packed", "params": {}})

    assert "Not converted" not in model_text(client, file)
    client.force_login(file.version.model.owner)
    assert "The file’s numbers are compressed." in model_text(client, file)
    assert 'value="full"' in report_text(client, file)


def test_the_report_says_what_was_kept_and_what_was_not(client, file):
    report = {
        "tensors": 1234,
        "dropped": 3,
        "cast": 900,
        "left_out": ["epoch", "<b>"],
        "left_out_count": 5,
        "shared": [["a", "b"]],
        "odd": {"w": {"saturated": 2, "infinite": 1, "not_numbers": 0}},
    }
    Conversion.objects.update(report=report)

    text = report_text(client, file)

    for part in ("1,234 tensors", "900 of them", "3 averaged", "epoch, &lt;b&gt; …", "a, b", "w: 2 numbers beyond"):
        assert part in text


def test_a_pruned_one_is_a_button_for_the_owner_and_for_moderators(client):
    blob = BlobFactory(format="torch-zip", facts={"tensors": 9, "recognition": {"model_type": "checkpoint"}})
    file = ModelFileFactory(blob=blob, published=True)
    made_of(file)
    assert 'value="pruned_fp16"' not in report_text(client, file)
    client.force_login(ModeratorFactory())
    assert 'value="pruned_fp16"' in report_text(client, file)

    answer = client.post(reverse("registry:file-conversions", args=[file.pk]), {"kind": "pruned_fp16"})

    assert (answer.status_code, answer["Location"]) == (302, f"/files/{file.pk}/report#conversions")
    assert Conversion.objects.get(kind="pruned_fp16").state == "waiting"
    assert 'value="pruned_fp16"' not in report_text(client, file)


@pytest.mark.parametrize(
    ("person", "kind", "status"),
    [("anonymous", "full", 302), ("stranger", "full", 403), ("owner", "gguf", 400), ("owner", "pruned_fp16", 409)],
)
def test_a_wish_that_cannot_be_granted_is_refused(client, file, person, kind, status):
    if person != "anonymous":
        client.force_login(file.version.model.owner if person == "owner" else UserFactory())

    answer = client.post(reverse("registry:file-conversions", args=[file.pk]), {"kind": kind})

    assert answer.status_code == status
    assert Conversion.objects.count() == 1


def test_files_of_other_kinds_say_nothing_of_conversions(client):
    file = ModelFileFactory(published=True)
    client.force_login(file.version.model.owner)

    assert "conversion" not in model_text(client, file)
    assert 'id="conversions"' not in report_text(client, file)


def test_more_files_cost_no_more_queries(client, file):
    with CaptureQueriesContext(connection) as before:
        model_text(client, file)
    for number in range(3):
        other = ModelFileFactory(version=file.version, name=f"more-{number}.ckpt")
        made_of(other, b"made of %d" % number)
    with CaptureQueriesContext(connection) as after:
        model_text(client, file)

    assert len(after) == len(before)
