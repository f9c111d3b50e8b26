"""Measure that reading a picture's metadata takes time in proportion to it, whatever the text is.

    python -m bench.imagemeta [--characters 400000]

Each made-up text is read and searched at one length and at four times that. A reading that grows with the square of its
text takes 16 times as long instead of 4. Exits with 1 where anything took more than 8 times as long and over a second.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from gallery.imagemeta.private import find_private
from gallery.imagemeta.read import read_generation
from registry.formats.errors import MalformedFile
from tests.data.imagemeta import carriers

GROWTH = 4
WORST = 8.0
IGNORED_SECONDS = 1.0


def _repeated(text: str) -> Callable[[int], str]:
    return lambda length: (text * (length // len(text) + 1))[:length]


def _field(name: str, text: str) -> Callable[[int], str]:
    return lambda length: f'x\nSteps: 1, a: 2, {name}: "{_repeated(text)(length)}", b: 3'


def _chain(length: int) -> str:
    """Texts that join the same text twice, level by level."""
    nodes = {
        str(number): {
            "class_type": "Concat",
            "inputs": {side: [str(number + 1), 0] for side in ("string_a", "string_b")},
        }
        for number in range(length // 100)
    }
    start = {"class_type": "KSampler", "inputs": {"positive": ["0", 0], "steps": 1, "cfg": 1, "model": ["0", 0]}}
    return json.dumps({"s": start, **nodes})


def _wide(length: int) -> str:
    """One long text, asked for by very many inputs."""
    inputs = {f"widget{number}": ["v", 0] for number in range(length // 40)}
    return json.dumps(
        {
            "s": {"class_type": "KSampler", "inputs": {"positive": ["t", 0], "steps": 1, "cfg": 1}},
            "t": {"class_type": "CLIPTextEncode", "inputs": {"text": ["u", 0]}},
            "u": {"class_type": "Join", "inputs": inputs},
            "v": {"class_type": "Text", "inputs": {"value": "y" * (length // 2)}},
        }
    )


def _subgraphs(length: int) -> str:
    """Subgraphs of muted nodes in subgraphs."""
    count = length // 200
    outer = {"id": "a", "nodes": [{"id": number, "type": "b"} for number in range(count)], "links": []}
    links = [{"id": number} for number in range(count)]
    inner = {"id": "b", "nodes": [{"id": number, "type": "x", "mode": 2} for number in range(count)], "links": links}
    nodes = [{"id": number, "type": "a"} for number in range(count)]
    return json.dumps({"nodes": nodes, "definitions": {"subgraphs": [outer, inner]}})


TEXTS: dict[str, tuple[str, Callable[[int], str]]] = {
    "brackets that never close": ("parameters", lambda n: "\nSteps: 1, a: {" * 64 + _repeated("x[]")(n)),
    "nested brackets": (
        "parameters",
        lambda n: ("\nSteps: 1, " + ", ".join(f"k{number}: {{" for number in range(31))) * 64 + "x" * n,
    ),
    "quotes": ("parameters", _repeated('\nSteps: 1, a: "b, c: "d')),
    "lines of parameters": ("parameters", _repeated("\nSteps: 1, a: b, c: d")),
    "negative prompts": ("parameters", _repeated("\nNegative prompt: a")),
    "tags": ("parameters", _repeated("<lora:a:")),
    "hashes of spaces": ("parameters", _field("Lora hashes", " ")),
    "hashes of colons": ("parameters", _field("Lora hashes", "a:")),
    "control nets": ("parameters", _field("ControlNet 0", ", Model: , Weight: ")),
    "JSON commas": ("parameters", lambda n: "[" + ", " * (n // 2) + "]"),
    "JSON depth": ("prompt", _repeated('{"a":')),
    "a command line": ("Dream", lambda n: '"' + "[" * n + '" ' + "-s " * (n // 3)),
    "XMP comments": ("XML:com.adobe.xmp", _repeated("<exif:UserComment><rdf:li>")),
    "XMP creators": ("XML:com.adobe.xmp", _repeated("<dc:creator>  <rdf:Seq><rdf:li ")),
    "tokens": ("x", _repeated("eyJaaaaaaaaaa.")),
    "named keys": ("x", _repeated("api_key: ")),
    "drives": ("x", _repeated("C:\\a ")),
    "folders": ("x", _repeated("/home/a/run/media/")),
    "a graph that doubles": ("prompt", _chain),
    "a graph that repeats": ("prompt", _wide),
    "subgraphs": ("workflow", _subgraphs),
}


def seconds(key: str, text: str) -> float:
    """Processor time of reading and searching one picture with this text."""
    data = carriers.png(carriers.text_chunk(key, text))
    started = time.process_time()
    with suppress(MalformedFile):
        read_generation(data)
    with suppress(MalformedFile):
        find_private(data)
    return time.process_time() - started


def main() -> int:
    """Print a line for each text."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--characters", type=int, default=400_000)
    length = parser.parse_args().characters
    failed = False
    for name, (key, make) in TEXTS.items():
        short, long = seconds(key, make(length)), seconds(key, make(length * GROWTH))
        ratio = long / max(short, 1e-6)
        is_worse = ratio > WORST and long > IGNORED_SECONDS
        failed = failed or is_worse
        print(f"{name:26} {short:7.3f} s {long:7.3f} s  x{ratio:5.1f}{'  too much' if is_worse else ''}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
