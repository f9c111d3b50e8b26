"""What is committed beside the code and made from it: migrations and compiled translations."""

from pathlib import Path

import polib
import pytest
from django.core.management import call_command

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.django_db
def test_no_model_has_changed_without_a_migration(capsys):
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=1)

    assert "No changes detected" in capsys.readouterr().out


def test_compiled_translations_are_those_of_their_sources():
    sources = sorted((ROOT / "locale").rglob("*.po"))

    stale = [
        source.relative_to(ROOT).as_posix()
        for source in sources
        if source.with_suffix(".mo").read_bytes() != polib.pofile(str(source)).to_binary()
    ]

    assert stale == [], "run make messages"
