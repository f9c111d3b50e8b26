"""Rows and files that many tests look at and each finds as they were made: what takes long is made once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.test import override_settings

Made = TypeVar("Made")


@contextmanager
def lasting(make: Callable[[], Made], blocker: Any, folder: Path) -> Iterator[Made]:
    """What `make` made, for a fixture of a scope wider than a test's; undone at the end of the scope.

    Tests that are marked `django_db` run inside of this transaction, each in one of its own that is rolled back.
    `blocker` is pytest-django's, `folder` is where the data folder is while `make` runs: `lay_out` copies it.
    """
    around = transaction.atomic()
    around._from_testcase = True  # as of Django's own test cases: code may still ask for an outermost transaction
    with blocker.unblock(), override_settings(DATA=folder):
        around.__enter__()
        try:
            made = make()
        except BaseException:
            transaction.set_rollback(True)
            around.__exit__(None, None, None)
            raise
        finally:
            cache.clear()
    yield made
    with blocker.unblock():
        transaction.set_rollback(True)
        around.__exit__(None, None, None)


def lay_out(folder: Path) -> None:
    """Give a test the files that belong to the lasting rows."""
    shutil.copytree(folder, settings.DATA, dirs_exist_ok=True)
