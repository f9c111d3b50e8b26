"""Send a large file to a running site and watch the memory of its web and `io` worker process trees.

    python -m bench.big_upload --site http://127.0.0.1:8000 --token slt_… --up-pid PID [--size 2000000000]

`--up-pid` is the process id of `manage.py up`. Memory is proportional set size (PSS: shared pages divided among those
who share them), summed over a tree every 100 ms. Prints idle and peak of both trees beside the limit of 300 MB, and
the seconds that sending and inspecting took.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "docs" / "examples"))
from publish import Site, send_part

LIMIT = 300 * 10**6
BLOCK = 4 << 20


def children_of(pid: int) -> list[int]:
    """Every process below `pid`, itself first."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(child) for child in _text(task).split()]
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""  # it ended meanwhile


def pss(pids: list[int]) -> int:
    """Proportional set size of these processes together, in bytes."""
    total = 0
    for pid in pids:
        for line in _text(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def trees(up_pid: int) -> dict[str, int]:
    """The roots of the web and the io worker trees below `manage.py up`."""
    roots = {}
    for pid in children_of(up_pid)[1:]:
        command = _text(Path(f"/proc/{pid}/cmdline")).replace("\0", " ")
        name = "web" if "gunicorn" in command else "io" if " -Q io" in command or "--queues io" in command else ""
        if name and name not in roots:
            roots[name] = pid
    return roots


class Watch:
    """Peaks of the trees, sampled until told to stop."""

    def __init__(self, roots: dict[str, int]) -> None:
        self.roots = roots
        self.peaks = dict.fromkeys(roots, 0)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(0.1):
            for name, root in self.roots.items():
                self.peaks[name] = max(self.peaks[name], pss(children_of(root)))


def make_file(path: Path, size: int) -> None:
    """A real safetensors file of about `size` bytes: one large tensor of bytes that do not compress."""
    count = (size - 4096) // 4
    header = json.dumps({"weight": {"dtype": "F32", "shape": [count], "data_offsets": [0, count * 4]}}).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        block, left = os.urandom(BLOCK), count * 4
        while left:
            file.write(block[: min(left, BLOCK)])
            left -= min(left, BLOCK)


def send(site: Site, path: Path) -> str:
    """Send the file in four parallel streams. Returns the upload's id."""
    upload = site.ask("POST", "uploads", {"name": path.name, "size": path.stat().st_size})
    numbers = list(range(1, upload["parts"] + 1))
    done: list[tuple[int, str]] = []
    for start in range(0, len(numbers), 8):
        signed = site.ask("POST", f"uploads/{upload['id']}/parts", {"numbers": numbers[start : start + 8]})["parts"]
        with ThreadPoolExecutor(4) as pool:
            done += pool.map(lambda part: send_part(path, upload["part_size"], part), signed)
    parts = [{"number": number, "etag": etag} for number, etag in done]
    site.ask("POST", f"uploads/{upload['id']}/complete", {"parts": parts})
    return upload["id"]


def wait(site: Site, upload: str) -> dict[str, object]:
    """Wait for the inspection to end."""
    while True:
        answer = site.ask("GET", f"uploads/{upload}")
        if answer["state"] not in ("complete", "inspecting"):
            return answer
        time.sleep(0.5)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--site", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--up-pid", type=int, required=True)
    parser.add_argument("--size", type=int, default=2_000_000_000)
    options = parser.parse_args()
    site, roots = Site(options.site, options.token), trees(options.up_pid)
    idle = {name: pss(children_of(root)) for name, root in roots.items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.safetensors"
        make_file(path, options.size)
        with Watch(roots) as watch:
            began = time.monotonic()
            upload = send(site, path)
            sent = time.monotonic()
            answer = wait(site, upload)
            judged = time.monotonic()
    print(f"{options.size} bytes: sent in {sent - began:.1f} s, inspected in {judged - sent:.1f} s: {answer['state']}")
    for name, peak in watch.peaks.items():
        print(f"{name}: idle {idle[name] / 1e6:.0f} MB, peak {peak / 1e6:.0f} MB = {peak / LIMIT:.2f} × the limit")
    return 0 if answer["state"] == "done" and max(watch.peaks.values()) < LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
