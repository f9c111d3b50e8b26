"""Settings from the environment: what is understood, and what stops the start."""

import stat
from pathlib import Path

import pytest

from config import env


@pytest.mark.parametrize(
    ("written", "meant"),
    [("", False), ("yes", True), ("1", True), ("TRUE", True), ("off", False), ("0", False), (" no ", False)],
)
def test_a_flag_is_read_in_the_usual_spellings(monkeypatch, written, meant):
    monkeypatch.setenv("LOGIN_TO_LOOK", written)

    assert env.flag("LOGIN_TO_LOOK") is meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [("100GB", 100 * 10**9), ("2 tb", 2 * 10**12), ("512", 512), ("5M", 5 * 10**6), ("7B", 7)],
)
def test_a_size_is_read_in_decimal_units(monkeypatch, written, meant):
    monkeypatch.setenv("QUOTA_BYTES", written)

    assert env.size("QUOTA_BYTES", "1GB") == meant


@pytest.mark.parametrize(("written", "meant"), [("5/s", (5, 1)), ("30/10m", (30, 600)), ("20 / h", (20, 3600))])
def test_a_rate_is_so_many_per_period(monkeypatch, written, meant):
    monkeypatch.setenv("RATE_POLL", written)

    assert env.rate("RATE_POLL", "1/s") == meant


@pytest.mark.parametrize(
    ("reader", "written"),
    [
        (lambda: env.flag("X"), "maybe"),
        (lambda: env.number("X", 1), "-3"),
        (lambda: env.number("X", 1, least=1), "0"),
        (lambda: env.number("X", 1), "9" * 30),
        (lambda: env.size("X", "1GB"), "big"),
        (lambda: env.rate("X", "5/s"), "0/s"),
        (lambda: env.rate("X", "5/s"), "5/0s"),
        (lambda: env.rate("X", "5/s"), "5 a second"),
        (lambda: env.choice("X", ("open", "closed"), "open"), "ajar"),
        (lambda: env.web_address("X"), "models.example.org"),
        (lambda: env.web_address("X"), "https://models.example.org/site"),
    ],
)
def test_a_value_without_sense_stops_the_start_and_is_named(monkeypatch, reader, written):
    monkeypatch.setenv("X", written)

    with pytest.raises(env.BadSetting, match="The setting X must be"):
        reader()


def test_the_secret_key_is_made_once_and_only_its_owner_reads_it(monkeypatch, tmp_path: Path):
    monkeypatch.delenv("SECRET_KEY")
    file = tmp_path / "new" / "secret_key"

    first = env.secret("SECRET_KEY", file)

    assert len(first) >= 50
    assert env.secret("SECRET_KEY", file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [entry.name for entry in file.parent.iterdir()] == ["secret_key"]
