"""The public corpus: every picture reads as its expected result says, and nothing of its texts is lost."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import asdict

import pytest
from PIL import Image

from gallery.imagemeta.read import blocks_of, read_generation
from gallery.imagemeta.stealth import read_stealth
from tests.data.imagemeta.make import FOLDER, all_cases

FILES = sorted(path for path in FOLDER.iterdir() if path.suffix != ".json")


def _hidden_text(data: bytes) -> str | None:
    """What a worker that decodes the pixels would find in them."""
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except OSError:
        return None
    if image.mode != "RGBA":
        return None
    found = read_stealth(image.getchannel("A").tobytes(), *image.size, 1)
    return found or read_stealth(image.convert("RGB").tobytes(), *image.size, 3)


def _as_written(found):
    if found is None:
        return None
    told = {name: value for name, value in asdict(found).items() if name != "raw"}
    told["seed"] = None if found.seed is None else str(found.seed)
    told["resources"] = [[one.kind, one.name, one.weight, one.hash] for one in found.resources]
    return json.loads(json.dumps(told))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_picture_of_the_corpus_reads_as_expected(path):
    data = path.read_bytes()
    expected = json.loads(path.with_name(f"{path.name}.json").read_text(encoding="utf-8"))

    hidden = _hidden_text(data)
    found = read_generation(data, hidden)

    assert hidden == expected["hidden"]
    assert _as_written(found) == expected["generation"]
    blocks = {block.place: block.text for block in blocks_of(data)}
    assert blocks == expected["blocks"]
    if found:
        assert found.raw == blocks | ({"pixels": hidden} if found.from_pixels else {})


def test_the_files_are_those_of_the_script():
    """Encoders change with their versions, so pictures are compared by what they say, not by every byte."""
    written = {path.name for path in FOLDER.iterdir()}
    cases = all_cases()

    assert written == {case.file for case in cases} | {f"{case.file}.json" for case in cases}
    for case in cases:
        assert (FOLDER / f"{case.file}.json").read_text(encoding="utf-8") == case.expected()
        assert blocks_of((FOLDER / case.file).read_bytes()) == blocks_of(case.data)


def test_every_dialect_has_five_pictures():
    counts = Counter(path.name.partition("-")[0] for path in FILES)

    assert min(counts.values()) >= 5
