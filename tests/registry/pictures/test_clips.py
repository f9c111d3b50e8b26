"""Clips in the jailed child: what is kept of them, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from tempfile import mkdtemp

import pytest
from PIL import Image

from registry.imaging.containers.clips import clip_format, name_of_clip
from registry.imaging.errors import PictureRefused
from registry.imaging.reading import PictureFacts, examine_picture
from tests.registry.pictures.clips import box, claiming_sides, clip, emptied, sound, turned, without_streams
from tests.registry.pictures.hostile import AVIF, PNG

MP4 = clip()


def examined(tmp_path: Path, data: bytes, **options: object) -> PictureFacts:
    source = tmp_path / "clip"
    source.write_bytes(data)
    with source.open("rb") as stream:
        return examine_picture(stream, Path(mkdtemp(dir=tmp_path)), **options)


@pytest.mark.parametrize(
    ("format", "codec"),
    [("mp4", "libx264"), ("mp4", "libx265"), ("mp4", "libsvtav1"), ("webm", "libvpx"), ("webm", "libvpx-vp9")],
)
def test_a_clip_is_known_by_its_content_and_shows_its_first_picture_that_is_not_black(tmp_path, format, codec):
    facts = examined(tmp_path, clip(format, codec, size=(96, 64), dark=3))

    assert (facts.mime, facts.width, facts.height, facts.frames) == (f"video/{format}", 96, 64, 12)
    assert facts.is_animated
    (copy,) = facts.renditions
    with Image.open(copy.path) as image:
        red, green, blue = image.convert("RGB").getpixel((48, 32))
    assert green > 120 > max(red, blue)
    assert int(facts.color[3:5], 16) > 120


def test_a_clip_that_is_black_throughout_shows_its_first_picture(tmp_path):
    facts = examined(tmp_path, clip(dark=12))

    assert facts.color == "#000000"


def test_copies_are_made_in_avif_too(tmp_path):
    (copy,) = examined(tmp_path, MP4, format="avif").renditions

    assert (copy.format, copy.width, copy.height) == ("avif", 64, 48)


PACES = {
    "mp4": (clip(frames=12, rate=8), 1.5, 8),
    "webm": (clip("webm", "libvpx", frames=12, rate=8), 1.5, 8),
    "of broadcasting": (clip(frames=30, rate=Fraction(30_000, 1_001)), 1.001, 29.97),
    "in pieces": (clip(frames=12, rate=8, movflags="frag_keyframe+empty_moov"), 1.5, 8),
    "one picture": (clip(frames=1, rate=8), 0.125, 8),
}


@pytest.mark.parametrize("name", PACES)
def test_a_clip_says_how_long_it_is_and_how_fast(tmp_path, name):
    data, seconds, rate = PACES[name]

    facts = examined(tmp_path, data)

    assert (facts.seconds, facts.rate) == (seconds, rate)


def test_a_clip_of_one_picture_still_moves(tmp_path):
    assert examined(tmp_path, clip(frames=1)).is_animated


@pytest.mark.parametrize(
    ("data", "sides"),
    [
        pytest.param(turned(clip()), (48, 64), id="turned"),
        pytest.param(clip(aspect=Fraction(2, 1)), (128, 48), id="wide pixels"),
        pytest.param(clip(aspect=Fraction(1, 2)), (64, 96), id="high pixels"),
        pytest.param(clip(movflags="frag_keyframe+empty_moov"), (64, 48), id="in fragments"),
    ],
)
def test_width_and_height_are_those_a_browser_shows(tmp_path, data, sides):
    facts = examined(tmp_path, data)

    assert (facts.width, facts.height) == sides
    assert (facts.renditions[0].width, facts.renditions[0].height) == sides


LONG = clip(frames=61, rate=1)
REFUSED = {
    "61 seconds": (LONG, "clip_too_long"),
    "61 seconds without a length": (clip(frames=61, rate=1, movflags="frag_keyframe+empty_moov"), "clip_too_long"),
    "61 seconds of webm": (clip("webm", "libvpx", frames=61, rate=1), "clip_too_long"),
    "no streams": (without_streams(), "clip_without_video"),
    "sound alone": (sound(), "clip_without_video"),
    "sound alone in webm": (sound("webm", "libopus"), "clip_without_video"),
    "a codec that no browser plays": (clip(codec="mpeg4"), "clip_codec"),
    "cut": (MP4[:-100], "truncated"),
    "cut webm": (clip("webm", "libvpx")[:-100], "truncated"),
    "more than 4096 × 2160": (clip(size=(4096, 2304), frames=1), "clip_too_large"),
    "sides beyond measure": (claiming_sides(clip("webm", "libvpx"), 16_383, 16_383), "clip_unreadable"),
    "an archive behind it": (MP4 + b"PK\x03\x04" + bytes(40), "polyglot"),
    "a page behind it": (clip("webm", "libvpx") + b"<html><script>", "polyglot"),
    "mp4 in name alone": (box(b"ftyp", b"isom\0\0\2\0isommp41") + box(b"mdat", b"#EXTM3U\nfile:///etc/passwd"), None),
    "webm that is an mp4 inside": (clip("webm", "libvpx")[:48] + MP4, None),
    "a box without end": (box(b"ftyp", b"isom\0\0\2\0isommp41") + b"\0\0\0\4moov" + bytes(8), "damaged"),
    "pixels overwritten": (emptied(MP4), None),
    "a table overwritten": (MP4[:-400] + b"\xff" * 400, None),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_clip_that_cannot_be_shown_is_refused_with_the_reason(tmp_path, name):
    data, code = REFUSED[name]

    with pytest.raises(PictureRefused) as refusal:
        examined(tmp_path, data)

    known = {"clip_unreadable", "clip_without_video", "clip_codec", "damaged", "truncated", "clip_too_large"}
    assert refusal.value.code == code if code else refusal.value.code in known


def test_a_refused_length_is_told_in_whole_seconds(tmp_path):
    with pytest.raises(PictureRefused) as refusal:
        examined(tmp_path, LONG)

    assert refusal.value.params == {"seconds": 61, "most": 60}


@pytest.mark.parametrize(
    ("start", "format"),
    [
        (MP4, "mp4"),
        (clip("webm", "libvpx"), "webm"),
        (clip("matroska", "libvpx"), None),
        (clip("mov", "libx264"), None),
        (PNG, None),
        (AVIF, None),
        (b"", None),
    ],
    ids=["mp4", "webm", "matroska", "quicktime", "png", "avif", "nothing"],
)
def test_what_begins_as_a_clip(start, format):
    assert clip_format(start[:1024]) == format


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("a.mp4", None),
        ("a.M4V", None),
        ("a", None),
        ("a.bin", None),
        ("a.webm", "clip_misnamed"),
        ("a.png", "clip_misnamed"),
    ],
)
def test_a_clips_name_may_not_claim_another_kind(name, code):
    refusal = name_of_clip(name, "mp4")

    assert (refusal and refusal.code) == code


def test_the_decoders_of_films_are_loaded_by_nothing_but_the_child_that_looks_at_one():
    modules = "registry.imaging.reading, registry.imaging.decode, gallery.services.reading_child"
    asks = f"import sys; import {modules}; sys.exit('av' in sys.modules)"

    child = subprocess.run([sys.executable, "-c", asks], env={**os.environ, "OMP_NUM_THREADS": "1"}, check=False)

    assert child.returncode == 0
