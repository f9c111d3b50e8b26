"""`/api/safelight/v1/uploads`, as scripts meet it."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from registry.models import Upload
from registry.storage import blob_store
from tests.registry.uploads.sending import PART, problem, put


def test_a_file_goes_up_in_parts_and_waits_for_its_inspection(sender):
    data = os.urandom(PART + 1000)
    upload = sender.create("lights.safetensors", len(data))
    assert {key: upload[key] for key in ("part_size", "parts")} == {"part_size": PART, "parts": 2}

    parts = sender.send_parts(upload, data)
    answer = sender.complete(upload["id"], parts)

    assert answer.status_code == 202
    assert answer.json()["state"] == "complete"
    assert answer.json()["inspection"] == {"state": "waiting", "step": "", "bytes_read": 0, "size": len(data)}
    assert answer.json()["verdict"] == "pending"
    with blob_store().open(Upload.objects.get().key) as stream:
        assert stream.read() == data


def test_any_client_sees_which_parts_are_there_and_sends_only_the_others(sender):
    data = os.urandom(2 * PART + 10)
    upload = sender.create(size=len(data))
    first = sender.put(upload["id"], 2, data[PART : 2 * PART])

    seen = sender.get(f"/{upload['id']}").json()

    assert seen["state"] == "receiving"
    assert seen["received"] == [{"number": 2, "size": PART, "etag": first.headers["ETag"]}]


def test_parts_may_come_in_any_order_and_etags_with_or_without_quotes(sender):
    data = os.urandom(PART + 5)
    upload = sender.create(size=len(data))
    second = sender.put(upload["id"], 2, data[PART:]).headers["ETag"]
    first = sender.put(upload["id"], 1, data[:PART]).headers["ETag"]

    answer = sender.complete(
        upload["id"], [{"number": 2, "etag": second.strip('"')}, {"number": 1, "etag": f"W/{first}"}]
    )

    assert (first[0], answer.status_code) == ('"', 202)


def test_completing_twice_gives_the_same_answer(sender):
    upload = sender.create(size=4)
    parts = sender.send_parts(upload, b"four")

    first, second = sender.complete(upload["id"], parts), sender.complete(upload["id"], parts)

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == second.json()


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json", "text/plain", "%%%"],
)
def test_a_part_is_taken_whatever_its_content_type_says(sender, content_type):
    body = b"a=1&b={"
    upload = sender.create(size=len(body))

    answer = sender.put(upload["id"], 1, body, content_type)

    assert answer.status_code == 200
    with blob_store().open(Upload.objects.get().key) as stream:
        assert stream.read() == body


def test_a_part_address_needs_neither_cookie_nor_token_and_reads_none(sender):
    upload = sender.create(size=4)
    (target,) = sender.targets(upload["id"], [1])

    answer = put(target["url"], b"four", client=Client(enforce_csrf_checks=True), Authorization="Bearer nonsense")

    assert answer.status_code == 200
    assert not answer.cookies


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"size": 5}, "name"),
        ({"name": "a.bin"}, "size"),
        ({"name": "", "size": 5}, "name"),
        ({"name": 5, "size": 5}, "name"),
        ({"name": ["a"], "size": 5}, "name"),
        ({"name": "x" * 10_000, "size": 5}, "name"),
        ({"name": "é" * 200, "size": 5}, "name"),
        ({"name": "../../etc/passwd", "size": 5}, "name"),
        ({"name": "a\\b.bin", "size": 5}, "name"),
        ({"name": ".hidden", "size": 5}, "name"),
        ({"name": "a\nb", "size": 5}, "name"),
        ({"name": "a\0b", "size": 5}, "name"),
        ({"name": "model\u202exat.bin", "size": 5}, "name"),
        ({"name": "a.bin", "size": 0}, "size"),
        ({"name": "a.bin", "size": -1}, "size"),
        ({"name": "a.bin", "size": "5"}, "size"),
        ({"name": "a.bin", "size": 5.5}, "size"),
        ({"name": "a.bin", "size": True}, "size"),
        ({"name": "a.bin", "size": None}, "size"),
        ({"name": "a.bin", "size": 10**30}, "size"),
        ({"name": "a.bin", "size": 201 * 10**9}, "size"),
        ({"name": "a.bin", "size": 5, "sha256": "abc"}, "sha256"),
        ({"name": "a.bin", "size": 5, "sha256": "g" * 64}, "sha256"),
        ({"name": "a.bin", "size": 5, "sha256": 5}, "sha256"),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, dict) else None,
)
def test_what_cannot_be_begun_names_the_field(sender, body, field):
    status, _code, named = problem(sender.post("", **body))

    assert (status, named) == (400, field)
    assert not Upload.objects.exists()


@pytest.mark.parametrize(
    ("numbers", "status"),
    [
        ([], 400),
        ([0], 400),
        ([3], 400),
        ([-1], 400),
        (["1"], 400),
        ("1", 400),
        (None, 400),
        ([1] * 1001, 400),
        ([1.5], 400),
    ],
    ids=str,
)
def test_part_numbers_that_make_no_sense_are_refused(sender, numbers, status):
    upload = sender.create(size=PART + 1)

    assert problem(sender.post(f"/{upload['id']}/parts", numbers=numbers))[0] == status


GOOD = {1: "right", 2: "right"}


@pytest.mark.parametrize(
    ("given", "code", "part"),
    [
        ([], "part_missing", 1),
        ([(1, "right")], "part_missing", 2),
        ([(1, "right"), (2, "wrong")], "part_wrong", 2),
        ([(1, "right"), (1, "right"), (2, "right")], "part_twice", 1),
        ([(1, "right"), (2, "right"), (3, "right")], "part_unknown", 3),
        ([(0, "right"), (1, "right"), (2, "right")], "part_unknown", 0),
    ],
    ids=["none listed", "one not listed", "another etag", "listed twice", "past the end", "part zero"],
)
def test_a_wrong_list_of_parts_is_refused_and_names_the_part(sender, given, code, part):
    upload = sender.create(size=PART + 4)
    etags = {each["number"]: each["etag"] for each in sender.send_parts(upload, bytes(PART + 4))}
    listed = [{"number": n, "etag": etags.get(n, '"0"') if word == "right" else '"0"'} for n, word in given]

    answer = sender.complete(upload["id"], listed)

    assert problem(answer) == (409, code, "parts")
    assert answer.json()["part"] == part
    assert sender.get(f"/{upload['id']}").json()["state"] == "receiving"


def test_a_part_that_never_arrived_is_named(sender):
    upload = sender.create(size=PART + 4)
    sender.put(upload["id"], 2, b"four")

    answer = sender.complete(upload["id"], [{"number": 1, "etag": "x"}, {"number": 2, "etag": "x"}])

    assert (answer.status_code, answer.json()["part"], answer.json()["code"]) == (409, 1, "part_missing")


@pytest.mark.parametrize(
    "body",
    [{}, {"parts": 5}, {"parts": [5]}, {"parts": [{"number": 1}]}, {"parts": [{"number": 1, "etag": 5}]}],
    ids=str,
)
def test_a_list_of_parts_of_another_shape_is_refused(sender, body):
    upload = sender.create(size=4)

    status, _code, field = problem(sender.post(f"/{upload['id']}/complete", **body))

    assert (status, field.partition(".")[0]) == (400, "parts")


@pytest.mark.parametrize("length", [3, 5, 1000], ids=["short", "long", "much longer"])
def test_a_part_of_another_size_than_it_must_have_is_refused(sender, length):
    upload = sender.create(size=4)

    answer = sender.put(upload["id"], 1, b"x" * length)

    assert problem(answer) == (400, "bad_part_size", "part")
    assert sender.get(f"/{upload['id']}").json()["received"] == []


@pytest.mark.parametrize("length", ["", "-1", "four", "+4", "4.0", "9" * 20, "٤"])
def test_a_part_of_unknown_length_is_refused(sender, length):
    upload = sender.create(size=4)
    (target,) = sender.targets(upload["id"], [1])
    path, _, query = target["url"].partition("?")

    answer = Client().generic("PUT", path, b"", QUERY_STRING=query, CONTENT_LENGTH=length)

    assert problem(answer) == (411, "length_needed", "part")


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.replace("/parts/1", "/parts/2"),
        lambda url: url.replace("until=", "until=9"),
        lambda url: url[:-1] + ("a" if url[-1] != "a" else "b"),
        lambda url: url.partition("?")[0],
        lambda url: url.partition("&")[0],
        lambda url: url.replace("until=", "until=x"),
    ],
    ids=["another part", "a longer time", "another signature", "unsigned", "no signature", "no number"],
)
def test_an_address_that_was_not_given_out_is_refused(sender, change):
    upload = sender.create(size=PART + 4)
    (target,) = sender.targets(upload["id"], [1])

    answer = put(change(target["url"]), b"four")

    assert problem(answer)[:2] == (403, "address_ended")


def test_an_address_ends_after_an_hour(sender):
    upload = sender.create(size=4)
    (target,) = sender.targets(upload["id"], [1])

    with time_machine.travel(timezone.now() + timedelta(minutes=61), tick=False):
        answer = put(target["url"], b"four")

    assert problem(answer)[:2] == (403, "address_ended")


def test_a_completion_that_died_before_its_row_was_written_is_completed_by_the_next(sender):
    upload = sender.create(size=4)
    parts = sender.send_parts(upload, b"four")
    row = Upload.objects.get()
    blob_store().complete(row.incoming, blob_store().list_parts(row.incoming))

    answer = sender.complete(upload["id"], parts)

    assert (answer.status_code, answer.json()["state"]) == (202, "complete")
