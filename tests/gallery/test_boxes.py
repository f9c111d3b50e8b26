"""Where metadata lies in AVIF files: honest ones, and ones that lie about it."""

from __future__ import annotations

import struct

import pytest

from gallery.imagemeta.blocks import read_blocks
from gallery.imagemeta.boxes import metadata_spans
from gallery.imagemeta.private import find_private
from gallery.imagemeta.stripping import strip
from registry.formats.errors import MalformedFile
from tests.data.imagemeta import carriers

COMMENT = "a pond\nSteps: 9, Sampler: Euler, Seed: 5"
EXIF = bytes(4) + carriers.user_comment("MM", b"ASCII\0\0\0" + COMMENT.encode())[6:]


def _box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def _file(iloc: bytes, pool: bytes = EXIF, entry: bytes = b"\2\0\0\0\0\1\0\0Exif\0") -> bytes:
    iinf = _box(b"iinf", b"\0\0\0\0\0\1", _box(b"infe", entry))
    meta = _box(b"meta", bytes(4), iinf, _box(b"iloc", iloc), _box(b"idat", pool))
    return _box(b"ftyp", b"avif\0\0\0\0avif") + meta


def _locations(method: int, offset: int, length: int, extents: int = 1) -> bytes:
    """Version 1, one item with number 1."""
    head = struct.pack(">B3xBBHHHHH", 1, 0x44, 0x00, 1, 1, method, 0, extents)
    return head + struct.pack(">II", offset, length) * extents


def test_an_item_in_the_pool_of_the_meta_box_is_read():
    data = _file(_locations(1, 0, len(EXIF)))

    assert [(block.place, block.text) for block in read_blocks(data)] == [("exif:UserComment", COMMENT)]


def test_an_item_of_large_numbers_is_read():
    """Version 2 of the tables has numbers of 32 bits."""
    iloc = struct.pack(">B3xBBIIHHHII", 2, 0x44, 0x00, 1, 1, 1, 0, 1, 0, len(EXIF))
    data = _file(iloc, entry=b"\3\0\0\0\0\0\0\1\0\0Exif\0")

    assert [block.text for block in read_blocks(data)] == [COMMENT]


@pytest.mark.parametrize(
    ("iloc", "reason"),
    [
        pytest.param(_locations(1, 0, len(EXIF) + 1), "metadata_outside", id="longer than the pool"),
        pytest.param(_locations(0, 1 << 31, 9), "metadata_outside", id="behind the file"),
        pytest.param(_locations(2, 0, 4), "metadata_outside", id="made from other items"),
        pytest.param(_locations(1, 0, 4, extents=2), "scattered_metadata", id="in two pieces"),
        pytest.param(b"\1\0\0\0\0\0\0\1\0\1\0\0\0\0\xff\xff", "scattered_metadata", id="65,535 pieces of no size"),
        pytest.param(b"\1\0\0\0\x44\0", "scattered_metadata", id="a table that breaks off"),
    ],
)
def test_metadata_that_cannot_be_found_is_refused_by_name(iloc, reason):
    with pytest.raises(MalformedFile) as refused:
        metadata_spans(_file(iloc))

    assert refused.value.reason == reason


def test_boxes_without_end_are_refused():
    with pytest.raises(MalformedFile, match="more than 50000 boxes"):
        metadata_spans(_box(b"ftyp", b"avif") + _box(b"moov") * 60_000)


def test_boxes_in_one_another_are_followed_a_few_steps():
    assert metadata_spans(_box(b"ftyp", b"avif") + b"\0\0\0\0meta\0\0\0\0" * 60_000) == ()


def test_boxes_that_may_hold_anything_are_searched_and_emptied():
    picture = carriers.framed("AVIF")
    data = picture + _box(b"uuid", bytes(16), b"from /home/ada") + _box(b"free", b"\0" * 9)

    (finding,) = find_private(data)
    stripped = strip(data)

    assert (finding.kind, finding.excerpt) == ("local_path", "/home/ada")
    assert len(stripped) == len(data)
    assert b"/home/ada" not in stripped
    assert stripped.startswith(picture)
