"""From one address to what each library wants of it."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import locations


def test_a_database_is_read_as_libpq_reads_it():
    found = locations.database("postgresql://u:p%40ss@db.example:5433/name?sslmode=require", pool=8)

    assert (found["NAME"], found["USER"], found["PASSWORD"], found["HOST"], found["PORT"]) == (
        "name", "u", "p@ss", "db.example", "5433",
    )  # fmt: skip
    assert found["OPTIONS"]["sslmode"] == "require"
    assert found["OPTIONS"]["pool"]["max_size"] == 8


def test_the_embedded_database_is_found_by_its_socket(tmp_path: Path):
    found = locations.database(locations.database_url(tmp_path), pool=0)

    assert found["HOST"] == str(tmp_path / "run")
    assert found["NAME"] == found["USER"] == "safelight"
    assert "pool" not in found["OPTIONS"]


@pytest.mark.parametrize(
    ("url", "broker", "cache"),
    [
        ("redis://h:6379", "redis://h:6379/0", "redis://h:6379/1"),
        ("rediss://:pw@h:6380/5", "rediss://:pw@h:6380/0", "rediss://:pw@h:6380/1"),
        ("unix:///d/valkey.sock", "redis+socket:///d/valkey.sock?virtual_host=0", "unix:///d/valkey.sock?db=1"),
    ],
)
def test_queue_and_cache_use_different_databases_of_one_server(url, broker, cache):
    assert locations.broker_url(url) == broker
    assert locations.redis_database(url, 1) == cache


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("", ""),
        ("s3://b/p?endpoint=http://127.0.0.1:9000&region=x", "http://127.0.0.1:9000"),
        ("s3://b?endpoint=http://store:9000&public_endpoint=https://files.example.org", "https://files.example.org"),
        ("s3://b?region=eu-central-1", "https://s3.eu-central-1.amazonaws.com"),
    ],
)
def test_pages_may_reach_the_store_and_no_other_host(url, origin):
    assert locations.storage_origin(url) == origin


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://u:p%3A@mail.example", {"EMAIL_PORT": 587, "EMAIL_USE_TLS": True, "EMAIL_HOST_PASSWORD": "p:"}),
        ("smtps://mail.example", {"EMAIL_PORT": 465, "EMAIL_USE_SSL": True, "EMAIL_USE_TLS": False}),
        ("smtp://localhost:25", {"EMAIL_PORT": 25, "EMAIL_USE_TLS": False}),
        ("smtp://localhost:2525?tls=no", {"EMAIL_PORT": 2525, "EMAIL_USE_TLS": False}),
        ("", {"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend"}),
    ],
)
def test_mail_goes_to_the_server_named_or_into_the_folder(tmp_path: Path, url, expected):
    found = locations.mail(url, tmp_path)

    assert expected.items() <= found.items()


@pytest.mark.parametrize(
    "read",
    [
        lambda: locations.database("postgresql://h:notaport:1/x y=", pool=0),
        lambda: locations.redis_database("amqp://h", 1),
        lambda: locations.redis_database("unix://", 1),
        lambda: locations.mail("http://mail.example", Path()),
        lambda: locations.mail("smtp://", Path()),
    ],
    ids=["database", "not Valkey", "no socket", "not mail", "no mail host"],
)
def test_an_address_that_cannot_be_used_names_its_setting(read):
    with pytest.raises(ImproperlyConfigured, match=r"The setting (DATABASE_URL|REDIS_URL|EMAIL_URL)"):
        read()
