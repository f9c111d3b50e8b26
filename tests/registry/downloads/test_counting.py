"""How often files were downloaded."""

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.test import RequestFactory
from django.utils import timezone

from registry.models import DownloadBatch, ModelFile, ModelSearch
from registry.services import downloads
from registry.services.downloads import count_download, fold_downloads
from tests.factories import ModelFileFactory, UserFactory
from tests.registry.downloads.stored import body_of, download_path, stored_file
from tests.registry.search.rows import public_model

pytestmark = pytest.mark.django_db


def _taken(client, file, **more):
    return body_of(client.get(download_path(file), **more))


def _counts(file):
    file.refresh_from_db()
    return (file.download_count, file.version.download_count, file.version.model.download_count)


def _file():
    return ModelFile.objects.select_related("version__model").get(
        pk=public_model("Harbor").versions.get().files.get().pk
    )


def _folded(file):
    fold_downloads()
    return _counts(ModelFile.objects.select_related("version__model").get(pk=file.pk))


def test_a_download_counts_once_per_person_file_and_day(client):
    file, other = stored_file(b"one"), stored_file(b"two")
    client.force_login(UserFactory())

    for _ in range(3):
        _taken(client, file)
    _taken(client, other)

    assert _folded(file) == _folded(other) == (1, 1, 1)


def test_another_person_address_or_day_counts_again(client):
    file = stored_file()
    _taken(client, file)
    _taken(client, file, REMOTE_ADDR="192.0.2.7")
    client.force_login(UserFactory())
    _taken(client, file)
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        _taken(client, file)

    assert _folded(file) == (4, 4, 4)


@pytest.mark.parametrize(
    ("method", "header", "counted"),
    [
        ("get", "", 1),
        ("get", "bytes=0-99", 1),
        ("get", "bytes=100-", 0),
        ("get", "bytes=9999999999-", 0),
        ("head", "", 0),
    ],
)
def test_the_first_byte_counts(client, method, header, counted):
    file = stored_file()

    body_of(getattr(client, method)(download_path(file), headers={"Range": header}))

    assert _folded(file)[0] == counted


def test_a_drafts_downloads_do_not_count(client):
    file = stored_file(published=False)
    client.force_login(file.version.model.owner)

    _taken(client, file)

    assert _folded(file)[0] == 0


def test_counts_reach_every_row_that_shows_them():
    file = _file()
    second = ModelFileFactory(version=file.version)
    for number in range(3):
        count_download(RequestFactory(REMOTE_ADDR=f"192.0.2.{number}").get("/"), file)
    count_download(RequestFactory().get("/"), second)

    assert _folded(file) == (3, 4, 4)
    assert ModelSearch.objects.get().downloads == 4


def test_folding_twice_adds_once():
    file = _file()
    count_download(RequestFactory().get("/"), file)

    fold_downloads()

    assert _folded(file) == (1, 1, 1)


def test_a_fold_that_died_after_adding_adds_nothing_again(monkeypatch):
    file = _file()
    count_download(RequestFactory().get("/"), file)

    with monkeypatch.context() as patch:
        patch.setattr(downloads, "_forget", _die)
        with pytest.raises(SystemExit):
            fold_downloads()

    count_download(RequestFactory(REMOTE_ADDR="192.0.2.9").get("/"), file)
    assert _folded(file) == (1, 1, 1)
    assert _folded(file) == (2, 2, 2)


def _die(*_):
    raise SystemExit


def test_a_fold_that_died_before_adding_adds_later(monkeypatch):
    file = _file()
    count_download(RequestFactory().get("/"), file)

    with monkeypatch.context() as patch:
        patch.setattr(downloads, "_add_once", _die)
        with pytest.raises(SystemExit):
            fold_downloads()

    assert _folded(file) == (1, 1, 1)


def test_a_file_that_is_gone_holds_nothing_up():
    gone, file = _file(), stored_file()
    for counted in (gone, file):
        count_download(RequestFactory().get("/"), counted)
    ModelFile.objects.filter(pk=gone.pk).delete()

    assert _folded(file) == (1, 1, 1)


def test_batches_are_forgotten_after_some_days():
    with time_machine.travel(timezone.now() - timedelta(days=5)):
        DownloadBatch.objects.create(pk=uuid.uuid4())
    count_download(RequestFactory().get("/"), _file())

    fold_downloads()

    assert DownloadBatch.objects.count() == 1


@pytest.fixture
def valkey_away(monkeypatch):
    """Leave through this and the server is back."""
    monkeypatch.setattr(downloads, "_tally", downloads.Tally())
    with monkeypatch.context() as patch:
        patch.setattr(downloads, "_server", lambda: downloads._connected("unix:///nonexistent/valkey.sock"))
        yield patch


def test_what_valkey_missed_is_counted_when_it_is_back(client, valkey_away):
    file = stored_file(b"bytes")
    valkey_away.setattr(downloads, "_REST_SECONDS", 0)
    for number in range(3):
        assert _taken(client, file, REMOTE_ADDR=f"192.0.2.{number}") == b"bytes"

    valkey_away.undo()
    _taken(client, file, REMOTE_ADDR="192.0.2.99")

    assert _folded(file)[0] == 4


def test_a_server_that_does_not_answer_is_left_alone_for_a_moment(client, valkey_away, caplog):
    file = stored_file(b"bytes")
    valkey_away.setattr(downloads, "_REST_SECONDS", 60)

    for number in range(3):
        assert _taken(client, file, REMOTE_ADDR=f"192.0.2.{number}") == b"bytes"

    assert caplog.text.count("Valkey does not answer") == 1


def test_whom_a_download_was_for_is_not_kept():
    server = downloads._server()
    user = UserFactory(username="mira")
    request = RequestFactory(REMOTE_ADDR="192.0.2.77").get("/")
    request.user = user

    count_download(request, _file())

    (key,) = server.scan_iter("safelight:downloads:seen:*")
    assert b"mira" not in key
    assert f"user:{user.pk}".encode() not in key
    assert 0 < server.ttl(key) <= 26 * 3600
