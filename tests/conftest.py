"""What every test stands on: a PostgreSQL and a Valkey of the run's own, and a network that ends at this machine."""

import gc
import ipaddress
import os
import shutil
import signal
import socket
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import hypothesis
import pytest
from django.core.cache import cache
from django.db.backends.postgresql.operations import DatabaseOperations
from django.utils import translation

from config import locations
from config.up import postgres, valkey
from config.up.spawn import spawn
from tests import cluster
from tests.settings import INSTALLED_APPS, SERVERS

# Timings belong in bench/: a busy machine fails no test.
hypothesis.settings.register_profile("safelight", deadline=None)
hypothesis.settings.load_profile("safelight")

_servers = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers, in the one process that starts the others."""
    gc.disable()  # until all tests are collected: what they are made of stays to the end
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    _servers.callback(shutil.rmtree, SERVERS, ignore_errors=True)
    (SERVERS / "valkey").mkdir()
    (SERVERS / "run").mkdir()
    account = postgres.server_account()
    if account.is_other_user:
        SERVERS.chmod(0o711)
        os.chown(SERVERS / "run", account.popen["user"], account.popen["group"])
    cluster.provide(SERVERS, account, config.cache.mkdir("clusters"), INSTALLED_APPS)
    _servers.enter_context(cluster.running(SERVERS, account))
    command = valkey.command(SERVERS, "--databases", "64", "--appendonly", "no")
    queue = spawn(command, log=SERVERS / "servers.log")
    _servers.callback(queue.wait, 20)
    _servers.callback(queue.send_signal, signal.SIGTERM)
    valkey.wait(locations.redis_url(SERVERS), seconds=20, alive=lambda: queue.poll() is None)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole sites first: with a file a worker the run would wait for the slowest of them at its end."""
    items.sort(key=lambda item: item.get_closest_marker("site") is None)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Look for garbage only among what the tests themselves leave, and not at every turn."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def pytest_unconfigure(config: pytest.Config) -> None:
    _servers.close()


@pytest.fixture(autouse=True, scope="session")
def _closed_network() -> Iterator[None]:
    """A test that would reach another machine fails at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _loopback_only(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", _loopback_only(socket.socket.connect_ex))
        yield


def _loopback_only(connect):
    def checked(self: socket.socket, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
            raise RuntimeError(f"a test tried to reach {address[0]}")
        return connect(self, address)

    return checked


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture(autouse=True, scope="session")
def _quick_flush() -> Iterator[None]:
    """After a test with transactions of its own the few rows are deleted; to truncate every table takes far longer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", _delete_rows)
        yield


def _delete_rows(of: DatabaseOperations, _style: object, tables: Iterable[str], **_more: bool) -> list[str]:
    """In the place of Django's `sql_flush`. Without triggers the order does not matter: all of it goes."""
    names = {table: of.quote_name(table) for table in tables}
    questions = [f"SELECT '{table}' WHERE EXISTS (SELECT FROM {name})" for table, name in names.items()]  # noqa: S608
    with of.connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(questions))
        deletions = [f"DELETE FROM {names[table]}" for (table,) in cursor.fetchall()]  # noqa: S608 (our own names)
    return ["SET LOCAL session_replication_role = replica", *deletions]


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path: Path) -> None:
    """Each test has a data folder of its own: no file of one test is seen by another."""
    settings.DATA = tmp_path / "data"
    settings.CACHE_FOLDER = settings.DATA / "cache"
    settings.MAIL_FOLDER = settings.DATA / "mail"
    for folder in ("blobs", "uploads", "mail", "cache"):
        (settings.DATA / folder).mkdir(parents=True)


@pytest.fixture(autouse=True)
def _own_language() -> None:
    """A page that one test asked for in another language leaves nothing of it to the next."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Rate limits and other counters of one test do not reach the next."""
    yield
    cache.clear()
