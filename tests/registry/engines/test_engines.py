"""Second opinions: what is asked of other engines, and that no failure passes for a clean answer."""

from __future__ import annotations

import io
import pickle

import pytest

from registry.engines.clamav import ask_clamav
from registry.engines.opinion import Outcome, shown
from registry.engines.picklescan_engine import ask_picklescan
from tests.registry.engines.clamd import daemon


class _System:
    def __reduce__(self):
        import os

        return (os.system, ("true",))


@pytest.mark.parametrize(
    ("data", "outcome", "details"),
    [
        pytest.param(b"weights" * 500_000, Outcome.CLEAN, (), id="clean, over several blocks"),
        pytest.param(b"EICAR", Outcome.HIT, ("Eicar-Test-Signature",), id="hit"),
        pytest.param(
            b"a" * 10_000_001, Outcome.FAILED, ("INSTREAM size limit exceeded. ERROR",), id="too large for it"
        ),
    ],
)
def test_clamav_is_asked_over_its_socket(tmp_path, data, outcome, details):
    with daemon(tmp_path / "clamd") as address:
        opinion = ask_clamav(io.BytesIO(data), address, timeout=10)

    assert (opinion.outcome, opinion.details) == (outcome, details)
    assert opinion.version == "ClamAV 1.4.3/27800/Mon"


@pytest.mark.parametrize("address", ["unix:/nonexistent/clamd", "127.0.0.1:1"])
def test_a_daemon_that_is_not_there_is_a_failed_opinion(address):
    opinion = ask_clamav(io.BytesIO(b"weights"), address, timeout=2)

    assert opinion.outcome is Outcome.FAILED
    assert opinion.details


@pytest.mark.parametrize(
    ("value", "outcome", "details"),
    [
        pytest.param({"a": 1}, Outcome.CLEAN, (), id="plain values"),
        pytest.param(_System(), Outcome.HIT, ("posix.system",), id="a known gadget"),
    ],
)
def test_picklescan_is_asked_in_a_child(tmp_path, value, outcome, details):
    path = tmp_path / "file"
    path.write_bytes(pickle.dumps(value))

    with path.open("rb") as source:
        opinion = ask_picklescan(source, "pickle")

    assert (opinion.engine, opinion.outcome, opinion.details) == ("picklescan", outcome, details)
    assert opinion.version


def test_picklescan_that_cannot_read_is_a_failed_opinion(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"not an array")

    with path.open("rb") as source:
        opinion = ask_picklescan(source, "npy")

    assert opinion.outcome is Outcome.FAILED
    assert opinion.details


def test_details_are_cut_to_what_a_page_shows():
    details = shown(["a\x1b[31m" + "b" * 500] * 25)

    assert len(details) == 21
    assert details[0].startswith("a�[31m")
    assert len(details[0]) == 300
    assert details[-1] == "+5"
