"""Mutated inputs from a fixed seed, and the question whether our machine saw every import that CPython would make."""

import io
import json
import random
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from registry.formats.sources import Window
from registry.pickles import evidence as ev
from registry.pickles import handlers as _handlers  # noqa: F401 - importing them fills the machine's table
from registry.pickles.evidence import Evidence
from registry.pickles.machine import Machine

DISPUTED = {"opcode_straddles_frame", "frame_inside_frame", "stop_inside_frame"}
SNIPPETS = [
    b"cos\nsystem\n",
    b"\x8c\x02os\x8c\x06system\x93",
    b"X\x02\x00\x00\x00osX\x06\x00\x00\x00system\x93",
    b"(ios\nsystem\n",
    b"S'os'\n",
    b"Vsystem\n",
    b"\x93",
    b"R",
    b"b",
    b"o",
    b"\x81",
    b"\x92",
    b"(",
    b"0",
    b"1",
    b"2",
    b"t",
    b"d",
    b"l",
    b"\x85",
    b"\x86",
    b"\x94",
    b"q\x00",
    b"h\x00",
    b"h\x01",
    b"p0\n",
    b"g0\n",
    b"g 0\n",
    b"I 1\n",
    b"I01\n",
    b"L1L\n",
    b"F1.0\n",
    b"}",
    b"]",
    b")",
    b"N",
    b"K\x01",
    b"a",
    b"e",
    b"s",
    b"u",
    b"\x90",
    b"\x91",
    b"\x95\x05\x00\x00\x00\x00\x00\x00\x00",
    b"\x80\x04",
    b"\x80\x02",
    b"Q",
    b"Px\n",
    b"C\x02ab",
    b"U\x02ab",
    b"\x8a\x01\x01",
    b"\x8b\x01\x00\x00\x00\x01",
    b"\x96\x01\x00\x00\x00\x00\x00\x00\x00a",
    b"\x98",
    b"\x97",
    b"\x82\x01",
    b".",
]


def mutate(random_: random.Random, seeds: list[bytes]) -> bytes:
    """One input: a seed with a few bytes changed, cut, doubled, spliced, or with opcodes put in."""
    data = bytearray(random_.choice(seeds)[:4096])
    for _change in range(random_.choice((1, 1, 2, 3, 6))):
        place = random_.randrange(len(data) + 1)
        kind = random_.randrange(7)
        if kind == 0 and data:
            data[place % len(data)] = random_.randrange(256)
        elif kind == 1:
            del data[place : place + random_.randrange(1, 9)]
        elif kind == 2:
            data[place:place] = random_.choice(SNIPPETS)
        elif kind == 3:
            other = random_.choice(seeds)[:4096]
            start = random_.randrange(len(other) + 1)
            data[place:place] = other[start : start + random_.randrange(1, 40)]
        elif kind == 4 and data:
            data[place % len(data)] ^= 1 << random_.randrange(8)
        elif kind == 5:
            data[place:place] = data[place : place + random_.randrange(1, 20)]
        else:
            data[place:place] = b"".join(random_.choice(SNIPPETS) for _ in range(random_.randrange(1, 5)))
    return bytes(data)


def inputs(seed: int, count: int, seeds: list[bytes]) -> Iterator[bytes]:
    random_ = random.Random(seed)
    for _number in range(count):
        yield mutate(random_, seeds)


def names_seen(data: bytes) -> set[tuple[str, str]] | None:
    """The imports that our machine sees in the first pickle of some bytes.

    None where a frame's end is crossed: the two readers of CPython then take different bytes for what follows, so no
    reading is right and the machine blocks.
    """
    heard: list[Evidence] = []
    Machine(Window(io.BytesIO(data), 0, len(data)), heard.append).run()
    if any(evidence.name in DISPUTED for evidence in heard if evidence.use == ev.FACT):
        return None
    return {(evidence.module, evidence.name) for evidence in heard if evidence.use == ev.IMPORT}


class Oracle:
    """The child process. It is started again when an input kills it, which answers with None."""

    def __init__(self) -> None:
        self.child: subprocess.Popen[bytes] | None = None

    def ask(self, data: bytes) -> set[tuple[str, str]] | None:
        if self.child is None:
            script = Path(__file__).with_name("oracle.py")
            self.child = subprocess.Popen(
                [sys.executable, "-I", "-W", "ignore", str(script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        assert self.child.stdin
        assert self.child.stdout
        try:
            self.child.stdin.write(struct.pack("<I", len(data)) + data)
            self.child.stdin.flush()
            answer = self.child.stdout.readline()
        except BrokenPipeError:
            answer = b""
        if not answer:
            self.close()
            return None
        return {(module, name) for module, name in json.loads(answer)}

    def close(self) -> None:
        if self.child is not None:
            for pipe in (self.child.stdin, self.child.stdout):
                if pipe is not None:
                    try:
                        pipe.close()
                    except BrokenPipeError:
                        continue
            self.child.kill()
            self.child.wait()
            self.child = None
