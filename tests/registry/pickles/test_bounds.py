"""Bombs: every one is judged within seconds and little memory, and none is safe."""

import io
import struct
import subprocess
import sys
import time
import zlib

import pytest

from registry.pickles.machine import MAX_USES, Budget
from registry.pickles.scan import scan
from tests.data.pickles.containers import Entry, zip_of
from tests.data.pickles.writing import STOP, payload, proto
from tests.registry.pickles.virtual import Repeated

SIZE = 4 << 30
MEMORY = 300 << 20
SECONDS = 10

BOMBS = {
    "nested marks": b"(",
    "lists": b"]",
    "strings": b"\x8c\x14" + b"a" * 20,
    "remembered lists": b"]\x940",
    "nested tuples": b"\x85",
    "calls of calls": b")R",
    "imports": b"cnumpy\ndtype\n",
    "dropped values": b"N0",
    "sparse memo": b"".join(b"r" + (7 * n + 5).to_bytes(4, "little") for n in range(500_000)),
    "many names": b"".join(b"cm%d\nx\n0" % n for n in range(60_000)),
}


def _measure(name: str) -> str:
    """Scans one bomb in a process of its own; prints verdict and peak memory.

    The peak is the process's own VmHWM: what `getrusage` tells begins with the memory of whoever forked it.
    """
    return f"""
from pathlib import Path
from registry.pickles.scan import scan
from tests.registry.pickles.test_bounds import BOMBS, SIZE
from tests.registry.pickles.virtual import Repeated
report = scan(Repeated(BOMBS[{name!r}], SIZE, bytes([0x80, 4]) + b"N"), SIZE)
print(report.verdict, Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


@pytest.mark.parametrize("name", BOMBS)
def test_four_gigabytes_of_opcodes_are_judged_in_little_memory(name):
    done = subprocess.run([sys.executable, "-c", _measure(name)], capture_output=True, text=True, check=True)

    verdict, kilobytes = done.stdout.split()
    assert verdict in ("blocked", "unreadable")
    assert int(kilobytes) * 1024 < MEMORY


def test_a_payload_behind_many_opcodes_is_found():
    data = proto(4) + b"N0" * 2_000_000 + payload(4) + STOP

    assert scan(io.BytesIO(data), len(data)).verdict == "blocked"


def test_a_hundred_thousand_pickles_in_a_row_are_all_read():
    data = b"N." * 100_000 + payload() + STOP
    started = time.process_time()

    report = scan(io.BytesIO(data), len(data), name="x.pkl")

    assert report.verdict == "blocked"
    assert time.process_time() - started < SECONDS


def test_a_zip_that_claims_ten_terabytes_is_a_bomb():
    entries = [Entry(f"a/{number}", b"x", size=(1 << 32) - 2) for number in range(2_500)]
    data = zip_of(entries)

    report = scan(io.BytesIO(data), len(data))

    assert report.verdict == "blocked"
    assert "zip_bomb" in {finding.rule for finding in report.findings}


def test_a_gigabyte_of_zeros_is_not_unpacked():
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = b"".join(packer.compress(bytes(1 << 20)) for _ in range(1024)) + packer.flush()
    started = time.process_time()

    report = scan(io.BytesIO(data), len(data))

    assert report.verdict == "blocked"
    assert "decompression_bomb" in {finding.rule for finding in report.findings}
    assert report.skipped
    assert time.process_time() - started < 2


def test_sixty_six_thousand_members_are_not_all_looked_at():
    data = zip_of(Entry(f"d/{number}", b"") for number in range(65_535))
    started = time.process_time()

    report = scan(io.BytesIO(data), len(data))

    assert report.verdict != "safe"
    assert "zip_too_many_members" in {finding.rule for finding in report.findings}
    assert time.process_time() - started < SECONDS


def test_archives_nested_too_deep_are_said_to_be_so():
    data = zip_of([Entry("x.pkl", proto(2) + payload() + STOP)])
    for _level in range(6):
        data = zip_of([Entry("x.zip", data)])

    report = scan(io.BytesIO(data), len(data))

    assert report.verdict != "safe"
    assert "nested_too_deep" in {finding.rule for finding in report.findings}


def test_time_that_runs_out_is_said_and_never_safe():
    data = zip_of([Entry("a/data.pkl", b"N."), Entry("b.pkl", b"N.")])

    report = scan(io.BytesIO(data), len(data), budget=Budget(seconds=-1))

    assert report.verdict == "unreadable"
    assert report.skipped


def test_evidence_beyond_its_limit_is_said_to_be_cut():
    names = b"".join(b"cm%d\nx\n0" % number for number in range(MAX_USES // 2 + 10))
    data = proto(2) + names + b"N."

    report = scan(io.BytesIO(data), len(data))

    assert report.evidence_cut
    assert len(report.evidence) == 10_000
    assert len(report.findings) == 200
    assert report.more_findings > 0


def test_a_length_past_the_end_allocates_nothing():
    for opcode, form in ((b"\x8d", "<Q"), (b"\x8e", "<Q"), (b"X", "<I"), (b"B", "<I"), (b"\x96", "<Q")):
        data = proto(5) + opcode + struct.pack(form, 0xFFFFFFF0) + b"abc"
        report = scan(io.BytesIO(data), len(data))
        assert "length_past_end" in {finding.rule for finding in report.findings}


def test_a_large_file_is_read_in_little_pieces():
    stream = Repeated(b"C\x20" + b"x" * 32 + b"0", 64 << 20, proto(4) + b"N")
    longest = 0
    plain = stream.read

    def read(count: int = -1) -> bytes:
        nonlocal longest
        longest = max(longest, count)
        return plain(count)

    stream.read = read
    scan(stream, 64 << 20)

    assert 0 < longest <= 1 << 17
