"""Our machine against CPython's own unpicklers, on mutated pickles from a fixed seed."""

import io
import time

import pytest

from registry.pickles.rules import current_rules
from registry.pickles.scan import scan
from tests.data.pickles.build import all_cases
from tests.registry.pickles.mutations import Oracle, inputs, names_seen

COUNT = 20_000
SEEDS = [case.data for case in all_cases() if not case.data.startswith(b"PK") and len(case.data) < 5000]

# Inputs on which an earlier state of the machine missed an import.
REGRESSIONS = {
    "INST imports before it looks for its mark": b"(S'x'\niposi?\nsle'\niposix\nsystem\n.",
    "a line cut by the end loses its last byte": b"(icollections\nOrderedDict",
    "a huge memo index does not stop pickle.py": b"\x80\x02Nrposi\x8c\x02os\x8c\x06system\x93.",
    "a line across a frame's end": b"\x95\x05\x00\x00\x00\x00\x00\x00\x00cos\nsystem\n",
    "a string across a frame's end": (
        b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00\x8c\x08abcdX\x02\x00\x00\x00osX\x06\x00\x00\x00system\x93efgh."
    ),
}


@pytest.fixture
def oracle():
    child = Oracle()
    yield child
    child.close()


def test_no_import_that_cpython_would_make_is_missed(oracle):
    missed = []
    with_imports = 0
    for data in inputs(7, COUNT, SEEDS):
        wanted, seen = oracle.ask(data), names_seen(data)
        if wanted is None or seen is None:
            continue
        with_imports += bool(wanted)
        if not wanted <= seen:
            missed.append((data, wanted - seen))

    assert not missed[:3]
    assert with_imports > COUNT // 5


@pytest.mark.parametrize("data", REGRESSIONS.values(), ids=REGRESSIONS)
def test_an_import_once_missed_is_seen_or_the_file_blocked(oracle, data):
    wanted, seen = oracle.ask(data), names_seen(data)

    assert wanted
    assert seen is None or wanted <= seen
    assert scan(io.BytesIO(data), len(data), name="x.pkl").verdict != "safe"


def test_what_imports_a_name_off_the_list_is_never_safe(oracle):
    rules = current_rules()
    wrong = []
    for data in inputs(8, 2_000, SEEDS):
        wanted = oracle.ask(data) or set()
        verdict = scan(io.BytesIO(data), len(data), name="x.pkl").verdict
        if verdict == "safe" and any(rules.rule_on(*name).level != "safe" for name in wanted):
            wrong.append(data)

    assert not wrong[:3]


def test_no_mutated_file_raises_or_takes_long():
    seeds = [case.data for case in all_cases() if len(case.data) < 6000]
    for data in inputs(9, COUNT, seeds):
        started = time.process_time()
        report = scan(io.BytesIO(data), len(data), name="x.pt")
        assert time.process_time() - started < 2
        assert report.verdict in ("safe", "check", "blocked", "unreadable")
