"""How near to this machine's limit a safetensors file is inspected.

    python bench/inspect.py [--size BYTES] [--folder DIR] [--rounds N]

The limit is the seconds of the four digests (SHA-256 whole, SHA-256 behind the header, BLAKE3, CRC32), each timed alone
while reading the warm file in blocks of 4 MB, summed and divided by the cores, and never less than the SHA-256 alone.
Prints each figure and the ratio inspection / limit; exits with 1 when the ratio is above 1.25.
"""

import sys

sys.path.pop(0)  # the folder of this file, in which the standard library would find this file for its own `inspect`

import argparse
import hashlib
import json
import os
import struct
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import blake3

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from registry.formats.architecture import recognize
from registry.formats.hashes import BLOCK_BYTES, Hashes, hash_stream
from registry.formats.safetensors import read_header

ALLOWED = 1.25


def write_model(path: Path, size: int) -> None:
    """A safetensors file of exactly `size` bytes with an SD 1.x checkpoint's kind of keys and real, unlike blocks."""
    width, data_room = 768, size - 200_000
    shapes = {"model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": [320, width]}
    shapes["model.diffusion_model.input_blocks.0.0.weight"] = [320, 4, 3, 3]
    used = sum(2 * _product(shape) for shape in shapes.values())
    shapes["model.diffusion_model.rest"] = [(data_room - used) // 2]
    entries, offset = {}, 0
    for name, shape in shapes.items():
        end = offset + 2 * _product(shape)
        entries[name] = {"dtype": "F16", "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(entries).encode().ljust(size - 8 - offset)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        left = offset
        while left:
            left -= file.write(os.urandom(min(left, BLOCK_BYTES)))
        file.flush()
        os.fsync(file.fileno())  # writing back must not run beside the timing


def _product(shape: list[int]) -> int:
    total = 1
    for length in shape:
        total *= length
    return total


def warm(path: Path) -> None:
    with path.open("rb", buffering=0) as file:
        while file.read(BLOCK_BYTES):
            continue


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the clock, and of the processor."""
    start, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - used


def digest_alone(path: Path, update: Callable[[bytes], object], skip: int = 0) -> None:
    with path.open("rb", buffering=0) as file:
        file.seek(skip)
        while block := file.read(BLOCK_BYTES):
            update(block)


def crc32_alone(path: Path) -> None:
    value = 0

    def update(block: bytes) -> None:
        nonlocal value
        value = zlib.crc32(block, value)

    digest_alone(path, update)


def inspect(path: Path) -> Hashes:
    size = path.stat().st_size
    with path.open("rb", buffering=0) as file:
        header = read_header(file, size)
        recognize(header.tensors, header.metadata)
        file.seek(0)
        return hash_stream(file, size, data_offset=header.data_offset)


def measure(path: Path, rounds: int) -> float:
    with path.open("rb") as file:
        skip = read_header(file, path.stat().st_size).data_offset
    works: dict[str, Callable[[], object]] = {
        "SHA-256 whole": lambda: digest_alone(path, hashlib.sha256().update),
        "SHA-256 behind header": lambda: digest_alone(path, hashlib.sha256().update, skip),
        "BLAKE3": lambda: digest_alone(path, blake3.blake3(max_threads=1).update),
        "CRC32": lambda: crc32_alone(path),
        "inspection": lambda: inspect(path),
    }
    clock = dict.fromkeys(works, float("inf"))
    processor = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):  # in turn, so that a busy moment of the machine does not fall on one of them alone
        for name, work in works.items():
            took, used = seconds(work)
            clock[name], processor[name] = min(clock[name], took), min(processor[name], used)
    for name, took in clock.items():
        print(f"{name:24} {took:8.3f} s {path.stat().st_size / took / 1e9:8.2f} GB/s")
    taken, used = clock.pop("inspection"), processor.pop("inspection")
    cores = len(os.sched_getaffinity(0))
    limit = max(sum(clock.values()) / cores, clock["SHA-256 whole"])
    print(f"{f'limit on {cores} cores':24} {limit:8.3f} s")
    # Tells a busy machine from a slow inspection: this ratio hardly depends on who else computes.
    print(f"{'processor time':24} {used / sum(processor.values()):8.3f}   of the four digests'")
    print(f"{'load average':24} {os.getloadavg()[0]:8.2f}   (idle: near 0; above, the ratio says little)")
    return taken / limit


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=2_000_000_000, help="bytes of the file (default: 2 GB)")
    parser.add_argument(
        "--folder", type=Path, default=None, help="where the file is made (default: the temporary folder)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="times that each figure is taken; the best counts")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        path = Path(folder) / "model.safetensors"
        write_model(path, args.size)
        warm(path)
        ratio = measure(path, args.rounds)
    print(f"{'ratio':24} {ratio:8.3f}   (allowed: {ALLOWED})")
    return 0 if ratio <= ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
