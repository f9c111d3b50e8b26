"""A PostgreSQL cluster whose site database has every table, kept under pytest's cache until a migration changes.

Making one takes longer than most folders of tests. Whoever needs one gets a copy: the run's own server, whose database
is the template of the workers' databases, and sites whose first start is not what is tested.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import django

from config import locations
from config.up import postgres
from config.up.spawn import Account, spawn

_KEPT = "SAFELIGHT_TEST_CLUSTER"  # in the environment, for the workers of a run
_UNUSED_SECONDS = 86400
_ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def running(home: Path, account: Account) -> Iterator[subprocess.Popen[bytes]]:
    """A server on the cluster in `home`."""
    command = postgres.command(home, *postgres.THROWAWAY)
    server = spawn(command, log=home / "servers.log", account=account, death=signal.SIGQUIT)
    try:
        address = f"host={locations.sockets(home)} user={locations.EMBEDDED_NAME} dbname=postgres"
        postgres.wait(address, seconds=60, alive=lambda: server.poll() is None)
        yield server
    finally:
        server.send_signal(postgres.STOP_SIGNAL)
        server.wait(20)


def provide(home: Path, account: Account, cache: Path, apps: Sequence[str]) -> None:
    """Put a cluster into `home`, and name the kept one for `copy_to`. Runs side by side make only one."""
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = cache / _state(apps)
        if not kept.exists():
            _make(home, account)
            _copy(home / "postgres", kept, outlives=True)
            shutil.rmtree(home / "postgres")
        os.utime(kept)
        _forget_unused(cache)
        os.environ[_KEPT] = str(kept)
        copy_to(home)


def copy_to(home: Path) -> None:
    """The cluster of an `up` that has run before, into a data folder."""
    _copy(Path(os.environ[_KEPT]), home / "postgres")


def _copy(source: Path, target: Path, *, outlives: bool = False) -> None:
    """With the owners, who need not be us. A copy that outlives the run is on the disk before it has its name."""
    draft = target.with_suffix(".new")
    shutil.rmtree(draft, ignore_errors=True)
    subprocess.run(["cp", "-a", "--reflink=auto", str(source), str(draft)], check=True)
    if outlives:
        os.sync()
    draft.rename(target)


def _make(home: Path, account: Account) -> None:
    postgres.make_cluster(home, account)
    with running(home, account):
        postgres.make_database(home)
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": locations.database_url(home),
        }
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"]
        subprocess.run(command, cwd=_ROOT, env=environment, check=True)


def _state(apps: Sequence[str]) -> str:
    """A digest of everything that decides what the cluster holds."""
    digest = hashlib.sha256(f"{django.__version__} {postgres.binaries()} {postgres.MAJOR}".encode())
    for app in apps:
        found = importlib.util.find_spec(app)
        assert found is not None
        assert found.origin is not None
        for file in sorted((Path(found.origin).parent / "migrations").glob("*.py")):
            digest.update(f"\0{app} {file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:32]


def _forget_unused(cache: Path) -> None:
    limit = time.time() - _UNUSED_SECONDS
    for each in cache.iterdir():
        if each.is_dir() and each.stat().st_mtime < limit:
            shutil.rmtree(each)
