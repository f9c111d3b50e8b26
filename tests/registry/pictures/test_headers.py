"""What a picture's header tells, before anything is decoded."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.imaging.containers import name_of, read_header, sniff
from registry.imaging.errors import PictureRefused
from tests.registry.pictures.build import chunk, exif, insert_chunk, moving, saved, scene, segment
from tests.registry.pictures.hostile import AVIF, GIF, HOSTILE, JPEG, PNG, WEBP

# Only decoding finds these: the parts of the file are in order.
FOUND_BY_DECODING = {"png-data-missing-inside", "png-wrong-checksum"}


def header_or_none(data: bytes):
    """The header, or None where it is refused; anything else that is raised is a fault."""
    try:
        return read_header(data)
    except PictureRefused:
        return None


GOOD = {"png": PNG, "jpeg": JPEG, "webp": WEBP, "avif": AVIF, "gif": GIF}


@pytest.mark.parametrize("format", GOOD)
def test_format_and_size_are_read_from_the_bytes(format):
    header = read_header(GOOD[format])

    assert (header.format, header.width, header.height) == (format, 96, 64)
    assert (header.frames, header.animated, header.end) == (1, False, len(GOOD[format]))
    assert header.mime == f"image/{format}"


@pytest.mark.parametrize("hostile", [row for row in HOSTILE if row.id not in FOUND_BY_DECODING], ids=lambda row: row.id)
def test_hostile_picture_is_refused_by_its_header(hostile):
    with pytest.raises(PictureRefused) as refusal:
        read_header(hostile.make())

    assert refusal.value.code == hostile.code


@pytest.mark.parametrize(
    ("data", "frames"),
    [
        pytest.param(moving("PNG"), 2, id="apng"),
        pytest.param(moving("PNG", 1, default_image=True), 1, id="apng-one-frame-beside-its-default"),
        pytest.param(moving("PNG", 2, default_image=True), 1, id="apng-default-and-one-frame"),
        pytest.param(moving("GIF", 3), 3, id="gif"),
        pytest.param(moving("WEBP", 4), 4, id="webp"),
        pytest.param(moving("AVIF", 3), 3, id="avif"),
    ],
)
def test_only_what_moves_counts_as_frames(data, frames):
    assert read_header(data).frames == frames


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    "turned",
    [
        pytest.param(lambda n: saved(scene(), "JPEG", exif=b"Exif\0\0" + exif(n)), id="jpeg"),
        pytest.param(lambda n: insert_chunk(PNG, chunk(b"eXIf", exif(n))), id="png"),
    ],
)
def test_orientation_is_read_from_exif(turned, orientation):
    assert read_header(turned(orientation)).orientation == orientation


@pytest.mark.parametrize(
    "block",
    [b"", b"MM\0*", b"II*\0\xff\xff\xff\xff", exif(9), exif(0), b"MM\0*\0\0\0\x08\xff\xff", b"XX" + bytes(40)],
    ids=["empty", "short", "directory-outside", "nine", "zero", "directory-cut", "no-tiff"],
)
def test_broken_exif_asks_for_no_turn(block):
    assert read_header(insert_chunk(PNG, chunk(b"eXIf", block))).orientation == 1


def test_what_decoding_does_not_need_is_left_out():
    note = b"parameters\0" + b"x" * 200_000
    png = insert_chunk(PNG, chunk(b"tEXt", note), chunk(b"zTXt", b"a\0\0" + bytes(1000)))
    thumbnail = segment(0xE1, b"Exif\0\0" + exif(1) + bytes(60_000))
    jpeg = JPEG[:2] + thumbnail * 170 + JPEG[2:]  # ten megabytes of EXIF

    kept = [sum(end - start for start, end in read_header(data).still) for data in (png, jpeg)]

    assert kept == [len(PNG), len(JPEG)]
    assert len(jpeg) > 10_000_000


@pytest.mark.parametrize(
    "tail",
    [b"\0" * 4096, saved(scene(), "JPEG"), b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 100, b"PK", b"MZ"[:1] + b"x"],
    ids=["padding", "second-picture", "film", "two-letters", "letters"],
)
def test_harmless_tail_is_let_be(tail):
    header = read_header(JPEG + tail)

    assert header.end == len(JPEG)


@pytest.mark.parametrize(
    ("name", "format", "code"),
    [
        ("a.png", "png", None),
        ("a.JPG", "jpeg", None),
        ("a.jfif", "jpeg", None),
        ("a", "png", None),
        (".png", "jpeg", None),
        ("weights.bin", "png", None),
        ("a.png", "jpeg", "wrong_extension"),
        ("a.gif", "webp", "wrong_extension"),
        ("page.png", None, "disguised"),
        ("page.html", None, None),
    ],
)
def test_an_extension_may_not_lie(name, format, code):
    refusal = name_of(name, format)

    assert (refusal.code if refusal else None) == code


@given(st.binary(max_size=400), st.sampled_from(sorted(GOOD)), st.integers(0, 300), st.integers(0, 300))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_read_or_refused(noise, format, start, length):
    good = GOOD[format]
    start = min(start, len(good))

    for data in (noise, good[:start] + noise + good[start + length :]):
        header = header_or_none(data)
        if header:
            assert 0 < header.end <= len(data)
            assert all(0 <= a < b <= len(data) for a, b in header.still)


def test_a_short_start_names_the_format():
    assert sniff(WEBP[:16]) == "webp"
