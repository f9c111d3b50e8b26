"""A file's bytes: whole, in part, by another's hand, or not at all."""

import os
from io import FileIO
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.urls import reverse

from registry.models import ModelVersion, RegisteredModel, Waiver
from registry.services.sending import FileSlice, Span, Unsatisfiable, disposition_of, read_range
from tests.factories import ModeratorFactory, UserFactory
from tests.registry.downloads.stored import CONTENT, body_of, download_path, stored_file

pytestmark = pytest.mark.django_db

SIZE = len(CONTENT)
API, PAGE = "api", "page"


@pytest.fixture(params=[API, PAGE])
def address(request):
    """Where a file is had: both doors answer alike."""
    if request.param == API:
        return download_path
    return lambda file: reverse("registry:download", args=[file.pk, file.name])


RANGES = [
    pytest.param(f"bytes={SIZE}-", 416, None, id="a: from the very end"),
    pytest.param(f"bytes={SIZE - 1}-", 206, (SIZE - 1, SIZE), id="b: the last byte"),
    pytest.param("bytes=0-0", 206, (0, 1), id="c: the first byte"),
    pytest.param("bytes=-5", 206, (SIZE - 5, SIZE), id="d: the last five"),
    pytest.param("bytes=5-2", 200, None, id="e: backwards"),
    pytest.param("bytes=abc-", 200, None, id="f: no number"),
    pytest.param("bytes=0-9,20-29", 200, None, id="g: two ranges"),
    pytest.param("bytes=0-18446744073709551615", 206, (0, SIZE), id="h: far beyond the end"),
    pytest.param("bytes=100-", 206, (100, SIZE), id="an open end"),
    pytest.param(" Bytes = 10 - 19 ", 206, (10, 20), id="blanks and capitals"),
    pytest.param(f"bytes=-{SIZE * 2}", 206, (0, SIZE), id="more than there is"),
    pytest.param("bytes=-0", 416, None, id="the last none"),
    pytest.param("bytes=-", 200, None, id="nothing said"),
    pytest.param("bytes=" + "9" * 5000 + "-", 200, None, id="five thousand digits"),
    pytest.param("bytes=٣-", 200, None, id="digits of another script"),
    pytest.param("items=0-1", 200, None, id="another unit"),
]


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize(("header", "status", "span"), RANGES)
def test_ranges_at_and_beyond_the_edge(client, address, header, status, span, method):
    file = stored_file()

    response = getattr(client, method)(address(file), headers={"Range": header})

    assert response.status_code == status
    body = body_of(response)
    assert response["Accept-Ranges"] == "bytes"
    assert response["ETag"] == f'"{file.blob.sha256}"'
    if status == 416:
        assert response["Content-Range"] == f"bytes */{SIZE}"
        assert body == b""
        return
    start, stop = span or (0, SIZE)
    assert response["Content-Length"] == str(stop - start)
    assert response.get("Content-Range") == (f"bytes {start}-{stop - 1}/{SIZE}" if span else None)
    assert body == (b"" if method == "head" else CONTENT[start:stop])


def test_a_range_of_nothing_is_never_a_hang():
    with pytest.raises(Unsatisfiable):
        read_range("bytes=0-", 0)
    with pytest.raises(Unsatisfiable):
        read_range("bytes=-1", 0)


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        pytest.param("SAME", 206, id="the bytes that the caller has a part of"),
        pytest.param('"other"', 200, id="other bytes"),
        pytest.param("W/SAME", 200, id="a weak validator"),
        pytest.param("Wed, 25 Nov 2026 00:00:00 GMT", 200, id="a date, which we never gave"),
    ],
)
def test_a_part_is_sent_only_of_the_same_bytes(client, condition, status):
    file = stored_file()
    condition = condition.replace("SAME", f'"{file.blob.sha256}"')

    response = client.get(download_path(file), headers={"Range": "bytes=1-2", "If-Range": condition})

    assert response.status_code == status
    assert len(body_of(response)) == (2 if status == 206 else SIZE)


@pytest.mark.parametrize("condition", ['"{0}"', 'W/"{0}"', '"old", "{0}"', "*"])
def test_who_has_the_bytes_already_gets_none(client, condition):
    file = stored_file()

    response = client.get(download_path(file), headers={"If-None-Match": condition.format(file.blob.sha256)})

    assert (response.status_code, response.content) == (304, b"")


@pytest.mark.parametrize("condition", ['"old"', "", '"', "W/", ",,", "old"])
def test_who_has_other_bytes_gets_these(client, condition):
    response = client.get(download_path(stored_file()), headers={"If-None-Match": condition})

    assert response.status_code == 200
    assert body_of(response) == CONTENT


@pytest.mark.parametrize(
    "name",
    [
        "tidewater.safetensors",
        "海辺の灯台 é.safetensors",
        "100% wool.safetensors",
        "quote_semi;colon.safetensors",
        "🦢.safetensors",
        "CON.safetensors",
        "x" * 243 + ".safetensors",
    ],
)
def test_the_saved_name_is_the_one_that_was_given(client, name):
    file = stored_file(b"x", name=name)

    for response in (client.get(download_path(file)), client.head(download_path(file))):
        body_of(response)
        header = response["Content-Disposition"]
        assert header.count("filename") == 1
        assert header.encode("latin-1").decode() == f'attachment; filename="{name}"'


def test_a_store_writes_other_letters_in_the_form_for_headers():
    assert disposition_of("é 1.bin", ascii_only=True) == "attachment; filename*=UTF-8''%C3%A9%201.bin"
    assert disposition_of("a b.bin", ascii_only=True) == 'attachment; filename="a b.bin"'


def test_what_everybody_may_have_is_kept_by_caches_that_ask_each_time(client):
    file = stored_file()

    response = client.head(download_path(file))

    assert response["Cache-Control"] == "public, no-cache"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Type"] == "application/octet-stream"


def test_a_drafts_bytes_are_kept_by_nobody(client):
    file = stored_file(published=False)
    client.force_login(file.version.model.owner)

    response = client.get(download_path(file), headers={"If-None-Match": f'"{file.blob.sha256}"'})

    assert (response.status_code, response["Cache-Control"]) == (200, "private, no-store")
    assert body_of(response) == CONTENT


@pytest.mark.parametrize("verdict", ["pending", "check", "blocked", "unreadable"])
@pytest.mark.parametrize("published", [True, False])
def test_nothing_without_a_passing_verdict_goes_to_anyone(client, address, verdict, published):
    file = stored_file(b"secret bytes", verdict=verdict, published=published)
    owner = file.version.model.owner

    for person in (None, UserFactory(), owner, ModeratorFactory()):
        client.logout()
        if person:
            client.force_login(person)
        for method in (client.get, client.head):
            response = method(address(file), {"confirm": "check"})
            hidden = (
                not published
                and (person is None or person.pk not in (owner.pk,))
                and not getattr(person, "is_moderator", False)
            )
            assert response.status_code == (404 if hidden else 403)
            assert b"secret bytes" not in response.content


def test_a_refusal_says_why_to_programs(client):
    file = stored_file(b"x", verdict="blocked")

    problem = client.get(download_path(file)).json()

    assert (problem["code"], problem["reason"]) == ("not_servable", "blocked")


def test_a_waived_file_is_sent_once_the_caller_says_yes(client):
    file = stored_file(verdict="check")
    Waiver.objects.create(file=file, granted_by=ModeratorFactory(), reason="Read it.")

    unasked = client.get(download_path(file))
    confirmed = client.get(download_path(file), {"confirm": "check"})

    assert (unasked.status_code, unasked.json()["code"]) == (403, "needs_confirmation")
    assert body_of(confirmed) == CONTENT
    assert confirmed["Cache-Control"] == "private, no-store"


def test_a_waiver_opens_no_draft(client):
    file = stored_file(b"x", verdict="check", published=False)
    Waiver.objects.create(file=file, granted_by=ModeratorFactory(), reason="Read it.")
    client.force_login(file.version.model.owner)

    assert client.get(download_path(file), {"confirm": "check"}).status_code == 403


def test_what_was_taken_down_goes_to_nobody(client, address):
    file = stored_file()
    RegisteredModel.objects.filter(pk=file.version.model.pk).update(taken_down_at=file.created_at)
    people = {None: 404, UserFactory(): 404, file.version.model.owner: 403, ModeratorFactory(): 403}

    for person, status in people.items():
        client.logout()
        if person:
            client.force_login(person)
        assert client.get(address(file)).status_code == status


def test_a_withdrawn_version_is_served_to_its_owner_alone(client):
    file = stored_file()
    ModelVersion.objects.filter(pk=file.version.pk).update(state="withdrawn")
    assert client.get(download_path(file)).status_code == 404

    client.force_login(file.version.model.owner)
    response = client.get(download_path(file))

    assert body_of(response) == CONTENT
    assert response["Cache-Control"] == "private, no-store"


def test_a_blob_that_turns_bad_stops_being_served_at_once(client):
    file = stored_file()
    etag = client.head(download_path(file))["ETag"]

    file.blob.verdict = "blocked"
    file.blob.save()

    assert client.get(download_path(file), headers={"If-None-Match": etag}).status_code == 403


@pytest.mark.parametrize("trouble", ["gone", "cut short"])
@pytest.mark.parametrize("header", ["", "bytes=5-9"])
def test_trouble_of_the_store_is_said_to_be_one(client, settings, trouble, header):
    file = stored_file()
    path = settings.DATA / file.blob.key
    if trouble == "gone":
        path.unlink()
    else:
        os.truncate(path, 10)

    response = client.get(download_path(file), headers={"Range": header})

    assert (response.status_code, response.json()["code"]) == (503, "bytes_missing")


def test_nginx_is_asked_to_send_where_it_stands_before_the_site(client, settings):
    settings.ACCEL_PREFIX = "/bytes/"
    file = stored_file()

    response = client.get(download_path(file), headers={"Range": "bytes=0-9"})

    assert (response.status_code, response.content) == (200, b"")
    assert response["X-Accel-Redirect"] == f"/bytes/{file.blob.key}"
    assert response["ETag"] == f'"{file.blob.sha256}"'


def test_an_s3_store_sends_the_bytes_itself(client, settings, monkeypatch):
    file = stored_file(name="é.safetensors")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "only-for-tests")
    settings.STORAGE_URL = "s3://bucket/prefix?endpoint=http://127.0.0.1:9"

    response = client.get(download_path(file))
    head = client.head(download_path(file), headers={"Range": "bytes=-5"})

    there = urlsplit(response["Location"])
    asked = parse_qs(there.query)
    assert (response.status_code, response["Cache-Control"]) == (302, "private, no-store")
    assert there.path == f"/bucket/prefix/{file.blob.key}"
    assert asked["response-content-disposition"] == ["attachment; filename*=UTF-8''%C3%A9.safetensors"]
    assert int(asked["X-Amz-Expires"][0]) <= 600
    assert (head.status_code, head["Content-Length"]) == (206, "5")


def test_a_wrong_name_in_the_address_leads_to_the_right_one(client):
    file = stored_file()

    response = client.get(reverse("registry:download", args=[file.pk, "other.bin"]))

    assert response["Location"].endswith(f"/{file.name}")


def test_a_slice_behaves_like_the_whole_of_a_file(tmp_path):
    path = tmp_path / "ten"
    path.write_bytes(b"0123456789")
    stream = FileIO(path)

    with FileSlice(stream, Span(2, 7)) as part:
        assert os.lseek(part.fileno(), 0, os.SEEK_CUR) == 2  # where sendfile begins
        assert part.seek(0, os.SEEK_END) == part.tell() == 5
        assert part.seek(-2, os.SEEK_CUR) == 3
        assert part.read(10) == b"56"
        assert part.seek(0) == 0
        assert [part.read(2), part.read(), part.read(1)] == [b"23", b"456", b""]
        assert part.seek(-99) == 0

    assert stream.closed


@pytest.mark.django_db(transaction=True)
def test_a_download_gives_its_connection_back_before_the_first_byte(client):
    file = stored_file()
    owner = file.version.model.owner
    client.force_login(owner)

    response = client.get(download_path(file))

    assert connection.connection is None
    assert body_of(response) == CONTENT
