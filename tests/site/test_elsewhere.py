"""Sites whose servers are not the embedded ones, or run as somebody else, or lie deep down."""

import os
import shutil
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config import locations
from config.up import postgres, valkey
from config.up.spawn import MYSELF, spawn
from tests.site.running import children, command_line, free_port

pytestmark = pytest.mark.site


@pytest.fixture
def own_servers(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A PostgreSQL and a Valkey that listen on ports, as somebody else's would. Their two addresses."""
    home = tmp_path / "servers"
    for folder in ("run", "valkey"):
        (home / folder).mkdir(parents=True)
    account = postgres.server_account()
    if account.is_other_user:
        os.chown(home / "run", account.popen["user"], account.popen["group"])
    database_port, queue_port = free_port(), free_port()
    postgres.make_cluster(home, account)
    listen = ("listen_addresses=127.0.0.1", f"port={database_port}", *postgres.THROWAWAY)
    log = home / "log"
    database = spawn(postgres.command(home, *listen), log=log, account=account, death=signal.SIGQUIT)
    queue = spawn(valkey.command(home, "--port", str(queue_port), "--bind", "127.0.0.1"), log=log)
    name = locations.EMBEDDED_NAME
    try:
        admin = f"postgresql://{name}@127.0.0.1:{database_port}/postgres"
        postgres.wait(admin, seconds=60, alive=lambda: database.poll() is None)
        valkey.wait(f"redis://127.0.0.1:{queue_port}", seconds=20, alive=lambda: queue.poll() is None)
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("CREATE DATABASE elsewhere")
        yield f"postgresql://{name}@127.0.0.1:{database_port}/elsewhere", f"redis://127.0.0.1:{queue_port}"
    finally:
        database.send_signal(postgres.STOP_SIGNAL)
        queue.terminate()
        database.wait(20)
        queue.wait(20)


def test_a_site_runs_on_servers_named_by_settings(start_site, own_servers):
    database, queue = own_servers

    running = start_site("--admin", "owner", first=True, DATABASE_URL=database, REDIS_URL=queue).ready()

    started = " ".join(map(command_line, children(running.process.pid)))
    assert "bin/postgres" not in started
    assert "valkey-server" not in started
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT username FROM community_user").fetchall() == [("owner",)]
    assert running.stop() < 20


def test_where_root_may_not_make_namespaces_postgresql_runs_as_nobody(start_site, open_folder, monkeypatch):
    """A path without `unshare` stands for a container that forbids it."""
    programs = open_folder / "programs"
    programs.mkdir()
    if os.geteuid():
        assert postgres.server_account() == MYSELF  # nobody to change from
        return
    running = start_site(data=open_folder / "site", first=True, PATH=str(programs))

    postgres_can_be_reached = os.access(postgres.binaries(), os.X_OK) and _others_may_enter(postgres.binaries())
    if not postgres_can_be_reached:
        running.process.wait(60)
        assert "the user nobody may not enter" in running.output.read_text()
        return
    running.ready()
    assert stat.S_IMODE(running.data.stat().st_mode) == 0o711
    owners = {entry.name: entry.stat().st_uid for entry in running.data.iterdir()}
    assert {name for name, owner in owners.items() if owner != os.geteuid()} == {"postgres", "run"}
    sockets = [entry for entry in (running.data / "run").iterdir() if entry.is_socket()]
    assert {stat.S_IMODE(entry.stat().st_mode) for entry in sockets} == {0o700}
    assert running.stop() < 20


def _others_may_enter(folder: Path) -> bool:
    return all(stat.S_IMODE(part.stat().st_mode) & stat.S_IXOTH for part in (folder, *folder.parents))


def test_a_folder_whose_path_is_too_long_for_a_socket_works(start_site, tmp_path: Path):
    deep = tmp_path / ("a-long-name-" * 8) / "data"
    deep.parent.mkdir()

    running = start_site(data=deep, first=True).ready()

    short = (deep / "run").resolve()
    assert len(str(short)) < 60
    assert running.manage("shell", "-c", "from community.models import User; print(User.objects.count())").endswith(
        "0\n"
    )
    running.stop()
    shutil.rmtree(short)
