"""What keeps `manage.py up` from starting: one clear sentence and an exit code."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.site.running import ROOT, clean_environment, free_port

pytestmark = pytest.mark.site


def run_up(*arguments: str, before: tuple[str, ...] = (), **environment: str) -> tuple[int, str]:
    """Exit code and what was said on standard error."""
    done = subprocess.run(
        [*before, sys.executable, "manage.py", "up", *arguments], cwd=ROOT, env=clean_environment(**environment),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stderr


def is_one_sentence(text: str) -> bool:
    return text.startswith("Safelight cannot run: ") and len(text.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["--bind", "0.0.0.0:8461"], {}, "set SITE_URL"),
        (["--bind", "nonsense"], {}, "--bind needs HOST:PORT"),
        (["--bind", "127.0.0.1:99999"], {}, "--bind needs HOST:PORT"),
        (["--bind", "192.0.2.7:8461"], {"SITE_URL": "https://models.example.org"}, "is not an address of this machine"),
        ([], {"SIGNUP": "ajar"}, "The setting SIGNUP must be one of open, invite, closed"),
        ([], {"SITE_URL": "models.example.org"}, "The setting SITE_URL must be an address"),
        ([], {"DATABASE_URL": "postgresql://127.0.0.1:1/safelight"}, "The database does not answer"),
        ([], {"REDIS_URL": "http://127.0.0.1"}, "The setting REDIS_URL must begin with"),
        ([], {"EMAIL_URL": "pigeon://roof"}, "The setting EMAIL_URL must be"),
    ],
    ids=[
        "beyond this machine without SITE_URL", "no address", "no such port", "an address of another machine",
        "a word that is no choice", "an address without scheme", "no database there", "no Valkey there",
        "no mail server",
    ],
)  # fmt: skip
def test_a_setting_that_cannot_work_is_named(tmp_path: Path, arguments, environment, said):
    code, text = run_up("--data", str(tmp_path / "d"), "--bind", f"127.0.0.1:{free_port()}", *arguments, **environment)

    assert code == 1
    assert is_one_sentence(text), text
    assert said in text


def test_a_taken_port_is_named(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        code, text = run_up("--data", str(tmp_path / "d"), "--bind", f"127.0.0.1:{port}")

    assert code == 1
    assert is_one_sentence(text)
    assert f"Port {port} of 127.0.0.1 is taken" in text


def test_a_file_in_the_place_of_the_data_folder_is_named(tmp_path: Path):
    (tmp_path / "d").write_text("something else")

    code, text = run_up("--data", str(tmp_path / "d"))

    assert code == 1
    assert is_one_sentence(text)
    assert "is not a folder" in text


def test_a_place_where_no_folder_can_be_made_is_named():
    code, text = run_up("--data", "/proc/safelight")

    assert code == 1
    assert is_one_sentence(text)
    assert "/proc/safelight cannot be made" in text


def test_a_full_disk_is_named(tmp_path: Path):
    """On a file system of a few megabytes, which only this process sees."""
    as_root = () if os.geteuid() == 0 else ("--map-root-user",)
    mount = f'mount -t tmpfs -o size=4m none "{tmp_path}" && exec "$@"'

    code, text = run_up("--data", str(tmp_path / "d"), before=("unshare", *as_root, "--mount", "sh", "-c", mount, "sh"))

    assert code == 1
    assert is_one_sentence(text)
    assert "is full" in text


def test_data_of_a_newer_version_is_refused(start_site):
    running = start_site().ready()
    forged = "INSERT INTO django_migrations (app, name, applied) VALUES ('registry', '9999_from_the_future', now())"
    running.manage("shell", "-c", f"from django.db import connection; connection.cursor().execute({forged!r})")
    running.stop()

    code, text = run_up("--data", str(running.data), "--bind", f"127.0.0.1:{free_port()}")

    assert code == 1
    assert is_one_sentence(text)
    assert "registry.9999_from_the_future" in text


def test_a_cluster_of_another_postgresql_is_refused(tmp_path: Path):
    cluster = tmp_path / "d" / "postgres"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("15\n")

    code, text = run_up("--data", str(tmp_path / "d"), "--bind", f"127.0.0.1:{free_port()}")

    assert code == 1
    assert is_one_sentence(text)
    assert "written by PostgreSQL 15" in text
