"""Pictures of the corpus changed at random from a fixed seed, and all that may be asked of a reading of one."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict

from gallery.imagemeta.generation import MAX_PROMPT, MAX_RESOURCES, MAX_SEED
from gallery.imagemeta.private import find_private
from gallery.imagemeta.read import read_generation
from gallery.imagemeta.stealth import read_stealth
from gallery.imagemeta.stripping import strip
from registry.formats.errors import MalformedFile
from tests.data.imagemeta import carriers
from tests.data.imagemeta.make import all_cases

SNIPPETS = (
    '"', '\\"', "{", "}", "[", "]", ":", ",", "\n", "\\ud800", "\0", "é", "夕", "NaN", "-Infinity", "1e999", "-1",
    "null", "true", "18446744073709551616", "\nSteps: ", "\nNegative prompt: ", ", Seed: ", "Hashes: {", "<lora:x:",
    ">", '["3", 0]', "embedding:", "-10", "-20", '"mode": 2', '"mode": 4', '{"class_type": "KSampler", "inputs": {}}',
    "C:\\Users\\ada", "hf_" + "a" * 34, "<exif:UserComment>", "&#x110000;", "0x", "(", ")", "é" * 9,
)  # fmt: skip


def check(data: bytes) -> None:
    """Read, look through and strip one input. Raises what none of them may raise, AssertionError for a wrong answer."""
    with suppress(MalformedFile):
        found = read_generation(data)
        if found is not None:
            json.dumps(asdict(found) | {"raw": None}, allow_nan=False, ensure_ascii=False).encode("utf-8")
            assert found.seed is None or 0 <= found.seed <= MAX_SEED
            assert max(len(found.prompt), len(found.negative)) <= MAX_PROMPT
            assert len(found.resources) <= MAX_RESOURCES
    with suppress(MalformedFile):
        find_private(data, data[:4000].decode("latin-1"))
    for keep in (False, True):
        with suppress(MalformedFile):
            assert find_private(strip(data, keep_generation=keep)) == ()
    read_stealth(data[:1200], 20, 20, 3)


def inputs(seed: int, count: int) -> Iterator[bytes]:
    """Files with changed bytes, and whole files around changed texts, by turns."""
    random_ = random.Random(seed)
    cases = [case for case in all_cases() if len(case.data) < 20_000]
    files = [case.data for case in cases]
    texts = [(place.partition(":")[2], text) for case in cases for place, text in case.blocks.items()]
    for number in range(count):
        if number % 2:
            yield _changed_file(random_, files)
        else:
            key, text = random_.choice(texts)
            changed = _changed_text(random_, text, texts)
            with_key = random_.choice((key or "parameters", "parameters", "prompt", "workflow", "XML:com.adobe.xmp"))
            yield carriers.png(carriers.text_chunk(with_key, changed.encode("utf-8", "replace").decode("utf-8")))


def _changed_text(random_: random.Random, text: str, texts: list[tuple[str, str]]) -> str:
    for _change in range(random_.choice((1, 1, 2, 4))):
        place, length = random_.randrange(len(text) + 1), random_.randrange(1, 30)
        kind = random_.randrange(5)
        if kind == 0:
            text = text[:place] + text[place + length :]
        elif kind == 1:
            text = text[:place] + text[place : place + length] * random_.randrange(2, 5) + text[place + length :]
        elif kind == 2:
            other = random_.choice(texts)[1]
            start = random_.randrange(len(other) + 1)
            text = text[:place] + other[start : start + length * 3] + text[place:]
        else:
            text = text[:place] + random_.choice(SNIPPETS) + text[place + random_.choice((0, 1, length)) :]
    return text


def _changed_file(random_: random.Random, files: list[bytes]) -> bytes:
    data = bytearray(random_.choice(files))
    for _change in range(random_.choice((1, 1, 2, 3, 6))):
        place = random_.randrange(len(data) + 1)
        kind = random_.randrange(5)
        if kind == 0:
            data[place : place + 1] = bytes([random_.randrange(256)])
        elif kind == 1:
            del data[place : place + random_.randrange(1, 9)]
        elif kind == 2:
            data[place : place + 4] = random_.choice((b"\xff\xff\xff\xff", bytes(4), b"\0\0\0\1", b"\x7f\xff\xff\xff"))
        elif kind == 3:
            other = random_.choice(files)
            start = random_.randrange(len(other) + 1)
            data[place:place] = other[start : start + random_.randrange(1, 60)]
        else:
            data[place:place] = data[place : place + random_.randrange(1, 40)]
    return bytes(data)
