"""Whose an upload is, how long it is kept, and how much of it one may hold."""

from __future__ import annotations

import os
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from community.services.tokens import create_token
from registry.models import Blob, Upload
from registry.storage import blob_store
from tests.factories import BlobFactory, ModelFileFactory, UploadFactory, VersionPreviewFactory
from tests.registry.uploads.sending import API, MIB, PART, problem, put


@pytest.mark.parametrize(
    "ask",
    [
        lambda sender, pk: sender.get(f"/{pk}"),
        lambda sender, pk: sender.post(f"/{pk}/parts", numbers=[1]),
        lambda sender, pk: sender.complete(pk, []),
        lambda sender, pk: sender.client.delete(f"{API}/{pk}"),
    ],
    ids=["look", "sign", "complete", "delete"],
)
@pytest.mark.parametrize("whose", ["somebody else's", "nobody's"])
def test_an_upload_that_is_not_ones_own_does_not_exist(sender, stranger, ask, whose):
    pk = sender.create(size=4)["id"] if whose == "somebody else's" else uuid.uuid4()

    assert problem(ask(stranger, pk))[:2] == (404, "not_found")


def test_nobody_uploads_without_signing_in(db):
    answer = Client().post(API, {"name": "a.bin", "size": 4}, content_type="application/json")

    assert answer.status_code == 401


@pytest.mark.parametrize(("scope", "status"), [("models:read", 403), ("models:write", 201)])
def test_a_token_needs_the_scope_to_write(person, scope, status):
    _token, plain = create_token(person, "script", [scope])

    answer = Client().post(
        API, {"name": "a.bin", "size": 4}, content_type="application/json", headers={"Authorization": f"Bearer {plain}"}
    )

    assert answer.status_code == status


def test_a_deleted_upload_leaves_no_bytes_and_takes_none(sender, django_capture_on_commit_callbacks):
    upload = sender.create(size=PART + 4)
    sender.put(upload["id"], 2, b"four")
    (target,) = sender.targets(upload["id"], [1])

    with django_capture_on_commit_callbacks(execute=True):
        gone = sender.client.delete(f"{API}/{upload['id']}")
    again = sender.client.delete(f"{API}/{upload['id']}")

    assert (gone.status_code, again.status_code) == (204, 204)
    assert list(blob_store().listing("uploads/")) == []
    assert problem(put(target["url"], bytes(PART)))[:2] == (409, "upload_not_open")
    assert sender.get(f"/{upload['id']}").json()["state"] == "aborted"


@pytest.mark.parametrize("thing", ["file", "picture"])
def test_an_upload_that_became_something_is_not_deleted_as_an_upload(sender, person, thing):
    done = UploadFactory(owner=person, blob=BlobFactory())
    if thing == "file":
        ModelFileFactory(upload=done, blob=done.blob)
    else:
        VersionPreviewFactory(upload=done)

    assert problem(sender.client.delete(f"{API}/{done.pk}"))[:2] == (409, "upload_in_use")


def test_a_done_upload_that_stands_nowhere_is_given_up_with_its_share_of_the_quota(sender, person, settings):
    settings.QUOTA_BYTES = 1000
    done = UploadFactory(owner=person, blob=BlobFactory(size=900), completed_at=timezone.now())
    assert problem(sender.post("", name="a.bin", size=101))[1] == "quota_exceeded"

    assert sender.client.delete(f"{API}/{done.pk}").status_code == 204

    assert sender.create(size=101)["parts"] == 1


def test_an_upload_whose_time_is_over_takes_nothing_more(sender):
    upload = sender.create(size=4)
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert problem(sender.post(f"/{upload['id']}/parts", numbers=[1]))[:2] == (409, "upload_not_open")
    assert problem(sender.complete(upload["id"], []))[:2] == (409, "upload_not_open")


def test_a_person_can_hold_so_many_bytes_and_no_more(sender, person, settings):
    settings.QUOTA_BYTES = 1000
    ModelFileFactory(version__model__owner=person, blob=BlobFactory(size=500))
    sender.create(size=400)

    assert problem(sender.post("", name="a.bin", size=101)) == (403, "quota_exceeded", "size")
    assert sender.create(size=100)["parts"] == 1


def test_equal_bytes_count_once_and_other_peoples_not_at_all(sender, person, settings):
    settings.QUOTA_BYTES = 1000
    blob = BlobFactory(size=600)
    ModelFileFactory(version__model__owner=person, blob=blob)
    ModelFileFactory(version__model__owner=person, blob=blob)
    ModelFileFactory(blob=BlobFactory(size=5000))

    assert sender.create(size=400)["parts"] == 1


def test_uploads_are_counted_per_person(sender, stranger, settings):
    settings.RATES = {**settings.RATES, "upload": (1, 3600)}
    sender.create()

    refused = sender.post("", name="a.bin", size=4)

    assert (refused.status_code, refused.headers["Retry-After"].isdigit()) == (429, True)
    assert stranger.create()["parts"] == 1


def test_one_sees_ones_own_uploads_and_only_those(sender, stranger):
    mine = [sender.create(f"{number}.bin")["id"] for number in range(3)]
    stranger.create("theirs.bin")
    sender.client.delete(f"{API}/{mine[0]}")

    everything = sender.get("?limit=2").json()
    rest = sender.client.get(everything["next"]).json()
    running = sender.get("?state=receiving").json()

    assert [each["id"] for each in everything["results"] + rest["results"]] == mine[::-1]
    assert {each["id"] for each in running["results"]} == set(mine[1:])


@pytest.mark.parametrize("query", ["?state=nonsense", "?state=" + "x" * 5000], ids=["word", "long"])
def test_a_state_that_no_upload_has_lists_nothing(sender, query):
    sender.create()

    answer = sender.get(query)

    assert (answer.status_code, answer.json()["results"]) == (200, [])


@pytest.mark.parametrize("query", ["?state=%00", "?cursor=x", "?cursor=%00", "?limit=0", "?limit=x", "?limit=10000"])
def test_a_page_that_makes_no_sense_is_refused(sender, query):
    assert problem(sender.get(query))[0] == 400


def test_a_list_of_uploads_asks_the_database_a_fixed_number_of_times(sender, person, django_assert_max_num_queries):
    for _ in range(20):
        UploadFactory(owner=person, blob=BlobFactory())

    with django_assert_max_num_queries(4):
        sender.get("")


def test_a_full_disk_is_said_and_the_upload_goes_on_when_there_is_room(sender):
    import resource

    data = os.urandom(PART + 4)
    upload = sender.create(size=len(data))
    (target,) = sender.targets(upload["id"], [1])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 * MIB, before[1]))
    try:
        full = put(target["url"], data[:PART])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert problem(full)[:2] == (507, "store_full")
    assert sender.get(f"/{upload['id']}").json()["received"] == []
    assert sender.complete(upload["id"], sender.send_parts(upload, data)).status_code == 202


def test_an_upload_that_no_disk_can_hold_is_refused_at_once(sender, settings):
    settings.MAX_FILE_BYTES = settings.QUOTA_BYTES = 10**18

    assert problem(sender.post("", name="a.bin", size=10**17))[:2] == (507, "store_full")
    assert not Blob.objects.exists()
    assert not Upload.objects.exists()
