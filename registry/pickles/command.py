"""The scanner as a command: which files, what is printed, which exit code."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TextIO

from registry.pickles.evidence import fact
from registry.pickles.judging import judge
from registry.pickles.levels import Verdict
from registry.pickles.messages import SUMMARIES
from registry.pickles.scan import Report, scan
from registry.pickles.values import clean

EXIT_CODES = {Verdict.SAFE: 0, Verdict.CHECK: 1, Verdict.BLOCKED: 2, Verdict.UNREADABLE: 3}
LARGE = 256 << 20  # bytes; smaller files are done before a bar could be read
COPY = 1 << 20


def main(arguments: list[str], out: TextIO | None = None, err: TextIO | None = None) -> int:
    """Scan what the arguments name and print a line each. Returns the exit code."""
    out, err = out or sys.stdout, err or sys.stderr
    options = _parse(arguments)
    verdicts = []
    for path in _expand(options.files):
        started = time.perf_counter()
        report, size = _scan_path(path, err)
        seconds = time.perf_counter() - started
        verdicts.append(report.verdict)
        _print(out, path, report, size, seconds, human=options.human)
    return EXIT_CODES[max(verdicts, key=_urgency)] if verdicts else EXIT_CODES[Verdict.UNREADABLE]


def _urgency(verdict: Verdict) -> int:
    return verdict.gravity


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m registry.pickles",
        description="Judge model files without loading them.",
        epilog="Exit code: 0 safe, 1 check, 2 blocked, 3 unreadable; of several files the first of 2, 1, 3, 0.",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a file, a folder, or - for the standard input")
    parser.add_argument("--human", action="store_true", help="print sentences instead of JSON")
    return parser.parse_args(arguments)


def _expand(names: list[str]) -> Iterator[str]:
    """Files in the order given; a folder's files by name, links to folders not followed."""
    for name in names:
        if name != "-" and Path(name).is_dir():
            for folder, inner, files in os.walk(name):
                inner.sort()
                for file in sorted(files):
                    yield str(Path(folder) / file)
        else:
            yield name


def _scan_path(path: str, err: TextIO) -> tuple[Report, int]:
    """The report and the size. A file that cannot be read is a verdict, so that the others still get theirs."""
    try:
        if path == "-":
            with _standard_input() as stream:
                return _scan_stream(stream, "", err)
        if not Path(path).is_file():
            return _unreadable(FileNotFoundError(2, "there is no such file")), 0
        with Path(path).open("rb", buffering=0) as stream:
            return _scan_stream(stream, path, err)
    except OSError as error:
        return _unreadable(error), 0


def _scan_stream(stream: BinaryIO, path: str, err: TextIO) -> tuple[Report, int]:
    size = stream.seek(0, io.SEEK_END)
    progress = _progress_bar(err, size) if size >= LARGE and err.isatty() else None
    report = scan(stream, size, name=Path(path).name, on_progress=progress)
    if progress is not None:
        err.write("\r\x1b[K")
    return report, size


def _standard_input() -> BinaryIO:
    """The standard input as something that can be read twice: itself, or a copy on disk where it is a pipe."""
    source = sys.stdin.buffer
    if source.seekable():
        return source
    import tempfile  # noqa: PLC0415 - slow to load, and only pipes need it

    copy = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    while data := source.read(COPY):
        copy.write(data)
    return copy


def _unreadable(error: OSError) -> Report:
    evidence = (fact("read_failed", {"what": error.strerror or str(error)}),)
    judgement = judge(evidence)
    return Report(judgement.verdict, "unknown", judgement.findings, evidence, ("all of it",), judgement.rules_version)


def _progress_bar(err: TextIO, size: int) -> Callable[[int], None]:
    shown = -1

    def progress(position: int) -> None:
        nonlocal shown
        percent = min(100, position * 100 // size)
        if percent != shown:
            shown = percent
            err.write(f"\r[{'#' * (percent // 4):<25}] {percent:3d} %")
            err.flush()

    return progress


def _print(out: TextIO, path: str, report: Report, size: int, seconds: float, *, human: bool) -> None:
    if human:
        out.write(_sentences(path, report))
    else:
        line = {"file": path, **report.as_dict(), "bytes": size, "seconds": round(seconds, 4)}
        out.write(json.dumps(line) + "\n")
    out.flush()


def _sentences(path: str, report: Report) -> str:
    lines = [f"{clean(path)}: {report.verdict.upper()} ({report.format})", f"  {SUMMARIES[report.verdict]}"]
    for finding in report.findings[:20]:
        places = [finding.member] if finding.member else []
        if finding.offset is not None:
            places.append(f"byte {finding.offset}")
        if finding.opcode:
            places.append(finding.opcode)
        place = f" [{', '.join(places)}]" if places else ""
        lines.append(f"  {finding.level}: {finding.message}{place}")
    hidden = len(report.findings) - 20 + report.more_findings
    if hidden > 0:
        lines.append(f"  … and {hidden} more")
    lines += [f"  not looked at: {what}" for what in report.skipped[:10]]
    return "\n".join(lines) + "\n"
