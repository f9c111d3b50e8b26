"""What the last setup saw, so that the next start can skip it: most starts have nothing to migrate or collect.

The stamp names the code (migrations and static files) and the state of the database; when either has changed since,
a setup runs. It is asked without Django, which takes longer to import than both answers take.
"""

import hashlib
import importlib.util
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

_APPLIED = "SELECT count(*), max(id), max(applied) FROM django_migrations"


@dataclass(frozen=True)
class Stamp:
    """`owners` are the names of the site's operators, in lower case."""

    code: str
    database: str
    owners: tuple[str, ...] = ()


def code_state(settings: Any) -> str:
    """A digest of the names of all migrations, of every static file's size and time, and of the addresses of the
    store and of the site: the one must let browsers of the other in."""
    digest = hashlib.sha256(f"{settings.STORAGE_URL}\0{settings.SITE_URL}\0".encode())
    for folder in [*_app_folders(settings.INSTALLED_APPS), *settings.STATICFILES_DIRS]:
        for file in sorted(_watched(folder)):
            found = file.stat()
            digest.update(f"{file}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _app_folders(apps: list[str]) -> Iterator[Path]:
    for app in apps:
        spec = importlib.util.find_spec(app)
        if spec and spec.origin:
            yield Path(spec.origin).parent


def _watched(folder: Path) -> Iterator[Path]:
    if (folder / "__init__.py").exists():
        yield from (folder / "migrations").glob("[0-9]*.py")
        folder = folder / "static"
    yield from (file for file in folder.rglob("*") if file.is_file())


def database_state(address: str) -> str:
    """What has been migrated, and when; empty for a database without tables. Raises `psycopg.OperationalError`."""
    with psycopg.connect(address, connect_timeout=10) as connection:
        try:
            row = connection.execute(_APPLIED).fetchone()
        except psycopg.errors.UndefinedTable:
            return ""
    return " ".join(map(str, row or ()))


def read(file: Path) -> Stamp | None:
    """The last stamp; nothing when there is none, or when it cannot be read."""
    try:
        found = json.loads(file.read_text())
        return Stamp(found["code"], found["database"], tuple(found["owners"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def write(file: Path, stamp: Stamp) -> None:
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps({"code": stamp.code, "database": stamp.database, "owners": stamp.owners}))
    draft.replace(file)
