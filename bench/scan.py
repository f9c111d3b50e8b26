"""Compare our scanner with picklescan, modelscan, fickling and modelaudit on a corpus and on two large files.

    python bench/scan.py --peers VENV [--peers VENV]... [--corpus FOLDER] [--large FOLDER] [--out FILE]

The peers are programs of their own, installed in environments of their own, for example
`python -m venv /tmp/peers && /tmp/peers/bin/pip install picklescan modelscan fickling typing_extensions modelaudit`.
One that is missing is left out. The corpus is a folder with a `manifest.json` of `file` and `accept`; by default the
samples of the tests. Every scan is a whole process: its exit code is the outcome, its time and peak memory are those of
the operating system. Prints one table in Markdown.
"""

import sys

sys.path.insert(0, sys.path.pop(0).removesuffix("/bench"))  # the repository, not the folder of this file

import argparse
import io
import json
import os
import struct
import subprocess
import tempfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from tests.data.pickles.build import FOLDER
from tests.data.pickles.writing import dump, dump_with_storages, tensor

TENSORS = 1000
TENSOR_BYTES = 2_100_000
TIME_LIMIT = 120
NO_TELEMETRY = {"NO_ANALYTICS": "1", "PROMPTFOO_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}


@dataclass
class Scanner:
    """How a scanner is called, and which exit codes say that a file is bad or clean; all others are errors."""

    name: str
    command: list[str]
    bad: tuple[int, ...] = (1,)
    version: str = ""
    stopped: int = 0
    errors: int = 0
    passed: int = 0
    clean: int = 0
    seconds: float = 0.0
    peak: int = 0
    large: dict[str, str] = field(default_factory=dict)


@dataclass
class Run:
    code: int
    seconds: float
    peak: int


# A child's peak memory counts what its parent held when it was started, so a bare interpreter starts it.
LAUNCHER = """
import os, sys, time
limit, command = float(sys.argv[1]), sys.argv[2:]
quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
started = time.perf_counter()
child = os.posix_spawn(command[0], command, os.environ, file_actions=quiet)
killed = False
while True:
    pid, status, usage = os.wait4(child, os.WNOHANG)
    if pid:
        break
    if time.perf_counter() - started > limit and not killed:
        os.kill(child, 9)
        killed = True
    time.sleep(0.001)
print(os.waitstatus_to_exitcode(status), time.perf_counter() - started, usage.ru_maxrss * 1024)
"""


def run_process(command: list[str]) -> Run:
    """Run to the end, or kill after the limit; exit code, seconds of the wall clock, peak resident bytes."""
    launch = [sys.executable, "-I", "-S", "-c", LAUNCHER, str(TIME_LIMIT), *command]
    done = subprocess.run(launch, env={**os.environ, **NO_TELEMETRY}, capture_output=True, text=True, check=True)
    code, seconds, peak = done.stdout.split()
    return Run(int(code), float(seconds), int(peak))


def find_scanners(peers: list[Path]) -> list[Scanner]:
    scanners = [Scanner("ours", [sys.executable, "-m", "registry.pickles"], bad=(1, 2, 3))]
    known = [
        ("picklescan", ["-p"], (1,)),
        ("modelscan", ["-p"], (1,)),
        ("fickling", ["--check-safety"], (1,)),
        ("modelaudit", ["scan", "-q", "--no-cache"], (1,)),
    ]
    for name, arguments, bad in known:
        program = next((path for peer in peers if (path := peer / "bin" / name).exists()), None)
        if program is None:
            print(f"{name} is not installed in any of the environments given; it is left out", file=sys.stderr)
            continue
        scanners.append(Scanner(name, [str(program), *arguments], bad, _version(program)))
    return scanners


def _version(program: Path) -> str:
    python = program.with_name("python")
    script = f"from importlib.metadata import version; print(version({program.name!r}))"
    return subprocess.run([python, "-c", script], capture_output=True, text=True, check=False).stdout.strip()


def scan_corpus(scanner: Scanner, corpus: Path) -> None:
    for row in json.loads((corpus / "manifest.json").read_text(encoding="utf-8")):
        run = run_process([*scanner.command, str(corpus / row["file"])])
        scanner.seconds += run.seconds
        scanner.peak = max(scanner.peak, run.peak)
        if row["accept"] == ["safe"]:
            scanner.clean += run.code == 0
        elif "safe" not in row["accept"]:
            scanner.stopped += run.code in scanner.bad
            scanner.passed += run.code == 0
            scanner.errors += run.code != 0 and run.code not in scanner.bad


# -- large files --------------------------------------------------------------------------------------------------


def make_large(folder: Path) -> dict[str, Path]:
    """Two checkpoints of some 2 GB, in both layouts of torch, of zeros and so with holes where the disk allows."""
    folder.mkdir(parents=True, exist_ok=True)
    names = {f"model.{n}.weight": tensor(str(n), (TENSOR_BYTES // 2,), "HalfStorage") for n in range(TENSORS)}
    files = {"zip": folder / "zip.ckpt", "legacy": folder / "legacy.ckpt"}
    _write_zip(files["zip"], dump_with_storages({"state_dict": names})[0])
    _write_legacy(files["legacy"], dump_with_storages({"state_dict": names}, legacy=True)[0])
    return files


def _write_zip(path: Path, pickle: bytes) -> None:
    crc = zlib.crc32(bytes(TENSOR_BYTES))
    directory = io.BytesIO()
    small = {"archive/data.pkl": pickle, "archive/byteorder": b"little", "archive/version": b"3\n"}
    members: list[tuple[str, bytes | None, int, int]]
    members = [(name, data, len(data), zlib.crc32(data)) for name, data in small.items()]
    members += [(f"archive/data/{n}", None, TENSOR_BYTES, crc) for n in range(TENSORS)]
    with path.open("wb") as out:
        for name, data, size, checksum in members:
            header = out.tell()
            fields = (0, 0, 0, 0x21, checksum, size, size, len(name))
            out.write(struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, *fields, 0) + name.encode())
            out.seek(size, io.SEEK_CUR) if data is None else out.write(data)
            central = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, *fields, 0, 0, 0, 0, 0, header)
            directory.write(central + name.encode())
        start = out.tell()
        out.write(directory.getvalue())
        count = len(members)
        out.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(directory.getvalue()), start, 0))


def _write_legacy(path: Path, pickle: bytes) -> None:
    keys = [str(n) for n in range(TENSORS)]
    system = {"protocol_version": 1001, "little_endian": True}
    with path.open("wb") as out:
        out.write(dump(0x1950A86A20F9469CFC6C) + dump(1001) + dump(system) + pickle + dump(keys))
        for _key in keys:
            out.write(struct.pack("<q", TENSOR_BYTES // 2))
            out.seek(TENSOR_BYTES, io.SEEK_CUR)
        out.truncate(out.tell())


def scan_large(scanners: list[Scanner], files: dict[str, Path]) -> None:
    """The best of five runs each, in turn, so that no scanner alone meets a busy moment."""
    best: dict[tuple[str, str], Run] = {}
    for _round in range(5):
        for scanner in scanners:
            for layout, path in files.items():
                run = run_process([*scanner.command, str(path)])
                key = (scanner.name, layout)
                if key not in best or run.seconds < best[key].seconds:
                    best[key] = run
    for scanner in scanners:
        for layout in files:
            run = best[scanner.name, layout]
            scanner.large[layout] = f"{run.seconds:.2f} s, {run.peak / 1e6:.0f} MB"


# -- the table ----------------------------------------------------------------------------------------------------


def table(scanners: list[Scanner], corpus: Path) -> str:
    rows = json.loads((corpus / "manifest.json").read_text(encoding="utf-8"))
    honest = sum(row["accept"] == ["safe"] for row in rows)
    harmful = sum("safe" not in row["accept"] for row in rows)
    lines = [
        f"| scanner | stopped of {harmful} harmful | errors / passed | clean of {honest} honest | seconds for all "
        "| peak memory | 2 GB zip .ckpt | 2 GB legacy .ckpt |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for scanner in scanners:
        share = f"{scanner.stopped} ({scanner.stopped / harmful:.0%})"
        name = f"{scanner.name} {scanner.version}".strip()
        lines.append(
            f"| {name} | {share} | {scanner.errors} / {scanner.passed} | {scanner.clean} | {scanner.seconds:.0f} "
            f"| {scanner.peak / 1e6:.0f} MB | {scanner.large.get('zip', '–')} | {scanner.large.get('legacy', '–')} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, action="append", default=[])
    parser.add_argument("--corpus", type=Path, default=FOLDER)
    parser.add_argument("--only", action="append", help="a scanner to measure; by default all that are found")
    parser.add_argument("--large", type=Path, help="where to make the large files; by default a temporary folder")
    parser.add_argument("--out", type=Path, help="write the table here too")
    options = parser.parse_args()
    scanners = [s for s in find_scanners(options.peers) if not options.only or s.name in options.only]
    with tempfile.TemporaryDirectory() as temporary:
        scan_large(scanners, make_large(options.large or Path(temporary)))
    for scanner in scanners:
        scan_corpus(scanner, options.corpus)
        print(f"{scanner.name}: done", file=sys.stderr)
    text = table(scanners, options.corpus)
    print(text)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
