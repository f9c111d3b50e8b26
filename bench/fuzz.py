"""Throw mutated inputs at the kernels that judge files, and write down what came of it.

    python bench/fuzz.py [--inputs N] [--seed N] [--kernel NAME]... [--out FILE]

Kernels: `pickles` compares the machine with CPython's own unpicklers, which run in a child process with limits;
`containers` scans whole files; `safetensors` and `gguf` read headers; `imagemeta` reads, searches and strips pictures.
A kernel fails on an exception other than MalformedFile, on an input that takes longer than two seconds, and `pickles`
on an import that CPython would make and the machine did not see. Failing inputs are written beside the result. Exits
with 1 when anything failed.
"""

import sys

sys.path.insert(0, sys.path.pop(0).removesuffix("/bench"))  # the repository, not the folder of this file

import argparse
import hashlib
import io
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path

from registry.formats import gguf, safetensors
from registry.formats.errors import MalformedFile
from registry.pickles.scan import scan
from tests.data.pickles import containers
from tests.data.pickles.build import all_cases
from tests.gallery import mutations as pictures
from tests.registry.pickles.mutations import Oracle, inputs, names_seen

SLOW = 2.0
MAX_KEPT = 20


class Tally:
    """What one kernel did with its inputs."""

    def __init__(self, kernel: str, folder: Path) -> None:
        self.kernel = kernel
        self.folder = folder
        self.inputs = 0
        self.compared = 0
        self.failures: dict[str, int] = {}
        self.slowest = 0.0
        self.seconds = 0.0

    def fail(self, why: str, data: bytes) -> None:
        self.failures[why] = self.failures.get(why, 0) + 1
        if sum(self.failures.values()) <= MAX_KEPT:
            name = f"{self.kernel}-{hashlib.sha256(data).hexdigest()[:12]}.bin"
            (self.folder / name).write_bytes(data)
            print(f"{self.kernel}: {why}: {name}", flush=True)

    def time(self, work: Callable[[bytes], object], data: bytes) -> None:
        started = time.perf_counter()
        try:
            work(data)
        except MalformedFile:
            pass
        except Exception as error:  # what the kernel must not raise is what this looks for
            self.fail(type(error).__name__, data)
        spent = time.perf_counter() - started
        self.slowest = max(self.slowest, spent)
        self.seconds += spent
        if spent > SLOW:
            self.fail("slow", data)


def run_pickles(tally: Tally, count: int, seed: int) -> None:
    seeds = [case.data for case in all_cases() if not case.data.startswith(b"PK") and len(case.data) < 5000]
    oracle = Oracle()
    for data in inputs(seed, count, seeds):
        tally.inputs += 1
        seen: list[set[tuple[str, str]] | None] = []
        tally.time(lambda data, seen=seen: seen.append(names_seen(data)), data)
        wanted = oracle.ask(data)
        if wanted is not None and seen and seen[0] is not None:
            tally.compared += 1
            if not wanted <= seen[0]:
                tally.fail("missed import", data)
        if tally.inputs % 50_000 == 0:
            print(f"{tally.inputs} of {count}", flush=True)
    oracle.close()


def run_containers(tally: Tally, count: int, seed: int) -> None:
    seeds = [case.data for case in all_cases() if len(case.data) < 6000]
    for data in inputs(seed, count, seeds):
        tally.inputs += 1
        tally.time(lambda data: scan(io.BytesIO(data), len(data), name="x.pt"), data)


def run_safetensors(tally: Tally, count: int, seed: int) -> None:
    entry = {"dtype": "F16", "shape": [2, 3], "data_offsets": [0, 12]}
    seeds = [case.data for case in all_cases() if case.name.endswith(".safetensors")]
    seeds.append(containers.safetensors({"__metadata__": {"ss_epoch": "3", "k": "\\u00e9"}, "w": entry}, bytes(12)))
    for data in inputs(seed, count, seeds):
        tally.inputs += 1
        tally.time(lambda data: safetensors.read_header(io.BytesIO(data), len(data)), data)


def run_gguf(tally: Tally, count: int, seed: int) -> None:
    seeds = [case.data for case in all_cases() if case.name.endswith(".gguf")]
    for data in inputs(seed, count, seeds):
        tally.inputs += 1
        tally.time(lambda data: gguf.read_header(io.BytesIO(data), len(data)), data)


def run_imagemeta(tally: Tally, count: int, seed: int) -> None:
    for data in pictures.inputs(seed, count):
        tally.inputs += 1
        tally.time(pictures.check, data)
        if tally.inputs % 50_000 == 0:
            print(f"{tally.inputs} of {count}", flush=True)


KERNELS = {
    "pickles": run_pickles,
    "containers": run_containers,
    "safetensors": run_safetensors,
    "gguf": run_gguf,
    "imagemeta": run_imagemeta,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=20_000, help="for each kernel")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kernel", action="append", choices=sorted(KERNELS))
    parser.add_argument("--out", type=Path, default=Path("bench/results/fuzz.json"))
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    written = json.loads(options.out.read_text()) if options.out.exists() else {}
    failed = False
    for kernel in options.kernel or KERNELS:
        tally = Tally(kernel, options.out.parent)
        started = time.perf_counter()
        KERNELS[kernel](tally, options.inputs, options.seed)
        written[kernel] = {
            "inputs": tally.inputs,
            "seed": options.seed,
            "compared_with_cpython": tally.compared,
            "failures": tally.failures,
            "slowest_seconds": round(tally.slowest, 4),
            "kernel_seconds": round(tally.seconds, 1),
            "all_seconds": round(time.perf_counter() - started, 1),
            "python": platform.python_version(),
        }
        print(kernel, json.dumps(written[kernel]), flush=True)
        options.out.write_text(json.dumps(written, indent=2, sort_keys=True) + "\n")
        failed = failed or bool(tally.failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
