"""`manage.py up`: starting, staying up, stopping."""

import signal
import stat

import psycopg
import pytest
from django.contrib.auth.hashers import check_password

from config import locations
from tests.site.running import PARTS, eventually, is_alive, kill

pytestmark = pytest.mark.site


def test_the_data_folder_is_laid_out_and_closed_to_others(site):
    modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in site.data.iterdir()}

    folders = {"postgres", "valkey", "blobs", "uploads", "mail", "log", "run", "cache"}
    assert modes == {**dict.fromkeys(folders, 0o700), "secret_key": 0o600, "lock": 0o600}
    assert stat.S_IMODE(site.data.stat().st_mode) == 0o700
    sockets = [entry for entry in (site.data / "run").iterdir() if entry.is_socket()]
    assert {stat.S_IMODE(entry.stat().st_mode) for entry in sockets} == {0o700}


def test_the_owner_asked_for_exists_and_the_password_was_shown_once(site, settings):
    shown = [line for line in site.output.read_text().splitlines() if "Password" in line]

    assert len(shown) == 1
    query = "SELECT password, role FROM community_user WHERE username = 'admin'"
    with psycopg.connect(locations.database_url(site.data)) as connection:
        stored, role = connection.execute(query).fetchone()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    assert role == "operator"
    assert check_password(shown[0].rpartition(" ")[2], stored)


def test_without_a_terminal_the_status_is_plain_lines(site):
    # The site answers before `up` has looked again and said so.
    eventually(lambda: f"Safelight is ready at {site.url}/" in site.output.read_text().splitlines(), "up says so", 20)

    lines = site.output.read_text().splitlines()
    assert "\x1b" not in site.output.read_text()
    for part in PARTS:
        assert lines.count(f"{part}: ready") >= 1


def test_another_command_finds_the_servers_of_the_folder(site):
    answer = site.manage("shell", "-c", "from community.models import User; print(User.objects.count())")

    assert answer.split()[-1] == "1"


def test_a_second_site_on_the_same_folder_is_refused(site, start_site):
    second = start_site(data=site.data)

    second.process.wait(20)

    assert second.process.returncode == 1
    assert "is in use by another" in second.output.read_text()
    assert site.health()[0] == 200


@pytest.mark.parametrize("part", PARTS)
def test_a_killed_part_is_noticed_and_comes_back(site, part):
    killed = site.pid(part)

    kill(killed)

    eventually(lambda: site.health()[0] != 200, f"healthz notices that {part} is down", 20)
    eventually(lambda: site.health()[0] == 200, f"healthz is ready again after {part} was killed", 60)
    assert site.pid(part) != killed
    assert f"{part}: ended, by SIGKILL" in site.output.read_text()


@pytest.mark.parametrize(
    ("number", "group"),
    [(signal.SIGTERM, True), (signal.SIGINT, True), (signal.SIGTERM, False)],
    ids=["SIGTERM to its group", "Ctrl-C", "SIGTERM to it alone"],
)
def test_an_idle_site_stops_in_order_and_leaves_nothing(start_site, number, group):
    running = start_site().ready()
    pids = running.everything()

    seconds = running.stop(number, group=group)

    assert running.process.returncode == 0
    assert seconds < 20
    assert not any(map(is_alive, pids))
    stopped = [line.split(":")[0] for line in running.output.read_text().splitlines() if line.endswith(": stopped")]
    assert set(stopped) == set(PARTS)
    assert stopped[-2:] == ["valkey", "postgres"]
    assert not (running.data / "postgres" / "postmaster.pid").exists()


def test_after_kill_9_of_everything_the_next_start_recovers(start_site):
    first = start_site("--admin", "owner").ready()
    first.kill_everything()
    assert (first.data / "postgres" / "postmaster.pid").exists()

    second = start_site("--admin", "owner", data=first.data).ready()

    assert second.health()[1]["owner"] == "ready"
    assert "created" not in second.output.read_text().split("postgres: starting")[-1]


def test_after_kill_9_of_up_alone_its_parts_end_and_the_next_start_takes_over(start_site):
    first = start_site().ready()
    parts = first.everything()[1:]
    kill(first.process.pid)

    second = start_site(data=first.data).ready()

    eventually(lambda: not any(map(is_alive, parts)), "the old parts have ended", 20)
    assert second.health()[0] == 200


def test_an_older_folder_is_migrated_and_a_start_without_changes_skips_the_setup(start_site):
    first = start_site(first=True).ready()
    first.manage("migrate", "sessions", "zero", "-v", "0")
    first.stop()

    second = start_site(data=first.data).ready()

    with psycopg.connect(locations.database_url(second.data)) as connection:
        connection.execute("SELECT count(*) FROM django_session")
    second.stop()
    third = start_site(data=first.data).ready()
    assert third.output.read_text().count("setup: working") == 2
