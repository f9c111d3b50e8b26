"""What a picture gives away, and the same picture without it."""

from __future__ import annotations

import io
import json
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from gallery.imagemeta.blocks import read_blocks
from gallery.imagemeta.private import find_private
from gallery.imagemeta.read import read_generation
from gallery.imagemeta.stripping import strip
from registry.formats.errors import MalformedFile
from registry.imaging.containers import read_header
from registry.imaging.errors import PictureRefused
from tests.data.imagemeta import carriers
from tests.data.imagemeta.make import all_cases
from tests.gallery.pictures import png

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PARAMETERS = "a pond\nNegative prompt: duck\nSteps: 9, Sampler: Euler, CFG scale: 4, Seed: 5, Size: 64x64"
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description exif:GPSLatitude="48,12.5N" aux:SerialNumber="SN-77">'
    b"<dc:creator><rdf:Seq><rdf:li>Ada Byron</rdf:li></rdf:Seq></dc:creator></rdf:Description></x:xmpmeta>"
)
KEY = "hf_" + "aB3dE5gH7j" * 4


def _camera(orientation: int = 6, comment: str = PARAMETERS) -> bytes:
    """Exif as a camera writes it, with a place, a serial number, a name, and a tool's comment."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Maker"
    exif[0x013B] = "Ada Byron"
    exif.get_ifd(0x8769)[0xA431] = "BODY-1234"
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + comment.encode("utf-16-be")
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 12.0, 30.0), 3: "E", 4: (16.0, 22.0, 12.0)})
    return exif.tobytes()


def _drawn(mode: str = "RGB", step: int = 0) -> Image.Image:
    image = Image.new(mode, (24, 16))
    image.putdata(
        [tuple((x * 9 + step, y * 13, x * y % 256, 255 - y)[: len(mode)]) for y in range(16) for x in range(24)]
    )
    return image


def _saved(image: Image.Image, format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def _jpeg_with(*segments: tuple[int, bytes], **options: object) -> bytes:
    plain = _saved(_drawn(), "JPEG", exif=_camera(), icc_profile=PROFILE, **options)
    put = b"".join(bytes((0xFF, kind)) + struct.pack(">H", len(body) + 2) + body for kind, body in segments)
    return plain[:2] + put + plain[2:]


IPTC = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x14\x1c\x02\x50\0\x09Ada Byron\x1c\x02\x5a\0\x04Vien"
GIF_XMP = b"\x21\xff\x0bXMP DataXMP" + XMP + b"\x01" + bytes(range(255, -1, -1)) + b"\0"


def _gif() -> bytes:
    frames = [_drawn(step=step).quantize(16) for step in (0, 40, 80)]
    plain = _saved(
        frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50, loop=0, comment=b"/home/ada/x"
    )
    at = plain.index(b"\x21\xfe")
    return plain[:at] + GIF_XMP + plain[at:]


def _animated_png() -> bytes:
    frames = [_drawn("RGBA", step) for step in (0, 40)]
    return _saved(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=50, exif=_camera())


def _texts_in_png() -> bytes:
    chunks = [
        carriers.text_chunk("parameters", PARAMETERS),
        carriers.text_chunk(
            "prompt", json.dumps({"1": {"class_type": "LoadImage", "inputs": {"image": r"C:\Users\ada\x"}}})
        ),
        carriers.text_chunk("XML:com.adobe.xmp", XMP.decode(), "iTXt"),
        carriers.chunk(b"tIME", bytes(7)),
        carriers.chunk(b"caBX", b"claims"),
    ]
    plain = _saved(_drawn("RGBA"), "PNG", exif=_camera(), icc_profile=PROFILE, dpi=(72, 72))
    return plain[:33] + b"".join(chunks) + plain[33:]


def _animated_webp() -> bytes:
    frames = [_drawn("RGBA", step) for step in (0, 40)]
    options = {"append_images": frames[1:], "lossless": True, "exif": _camera(), "xmp": XMP}
    return _saved(frames[0], "WEBP", save_all=True, **options)


PICTURES = {
    "PNG": _texts_in_png(),
    "PNG with a palette": _saved(_drawn().quantize(16), "PNG", transparency=3, exif=_camera()),
    "animated PNG": _animated_png(),
    "JPEG": _jpeg_with((0xE1, carriers.XMP_HEAD + XMP), (0xED, IPTC), (0xFE, b"/home/ada/pictures"), (0xEF, b"own")),
    "JPEG in many scans": _jpeg_with((0xED, IPTC), progressive=True, quality=90),
    "JPEG with another behind": _jpeg_with() + _jpeg_with(),
    "CMYK JPEG": _saved(_drawn("CMYK"), "JPEG", exif=_camera()),
    "lossless WebP": _saved(_drawn("RGBA"), "WEBP", lossless=True, exif=_camera(), xmp=XMP, icc_profile=PROFILE),
    "lossy WebP": _saved(_drawn(), "WEBP", quality=60, exif=_camera(), xmp=XMP),
    "animated WebP": _animated_webp(),
    "animated GIF": _gif(),
    "AVIF": _saved(_drawn("RGBA"), "AVIF", exif=_camera(), xmp=XMP, icc_profile=PROFILE),
}


def _shown(data: bytes) -> list[object]:
    """All that decides how a picture looks: every frame's pixels and time, profile, transparency, resolution, turn."""
    image = Image.open(io.BytesIO(data))
    frames = []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        frames.append((image.mode, image.size, image.convert("RGBA").tobytes(), image.info.get("duration")))
    # Pillow makes a resolution up where Exif stands without one; PNG's own is the picture's.
    names = ["icc_profile", "transparency", "gamma", "loop", *(["dpi"] if image.format == "PNG" else [])]
    kept = {name: image.info.get(name) for name in names}
    return [frames, kept, image.getexif().get(0x0112, 1)]


@pytest.mark.parametrize("data", PICTURES.values(), ids=PICTURES.keys())
def test_a_stripped_picture_is_the_same_picture_and_says_nothing(data):
    assert find_private(data)

    stripped = strip(data)

    assert _shown(stripped) == _shown(data)
    assert {block.text.strip() for block in read_blocks(stripped)} <= {""}
    assert find_private(stripped) == ()
    for word in (b"Ada Byron", b"BODY-1234", b"SN-77", b"/home/ada", b"Maker"):
        assert word not in stripped
    assert strip(stripped) == stripped


@pytest.mark.parametrize("name", ["PNG", "JPEG", "lossless WebP", "lossy WebP", "animated PNG", "AVIF"])
def test_only_what_is_private_is_taken_out_when_generation_data_is_kept(name):
    data = PICTURES[name]

    stripped = strip(data, keep_generation=True)

    assert _shown(stripped) == _shown(data)
    assert find_private(stripped) == ()
    assert read_generation(stripped).seed == 5
    assert b"Maker" in stripped
    for word in (b"Ada Byron", b"BODY-1234", b"SN-77", b"/home/ada", b"C:\\\\Users"):
        assert word not in stripped


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "AVIF"])
def test_generation_data_that_holds_a_key_goes_with_it(format):
    data = _saved(_drawn(), format, exif=_camera(comment=f"{PARAMETERS}, Token: {KEY}"))

    stripped = strip(data, keep_generation=True)

    assert [finding.kind for finding in find_private(data)].count("api_key") == 1
    assert read_generation(data).seed == 5
    assert read_generation(stripped) is None
    assert _shown(stripped) == _shown(data)


@pytest.mark.parametrize(
    "case", [case for case in all_cases() if "cut-file" not in case.file], ids=lambda case: case.file
)
def test_pictures_of_the_corpus_hold_nothing_private_and_keep_their_data(case):
    assert find_private(case.data, case.hidden) == ()
    assert read_generation(strip(case.data, keep_generation=True)) == read_generation(case.data)
    assert {block.text.strip() for block in read_blocks(strip(case.data))} <= {""}
    assert _shown(strip(case.data)) == _shown(case.data)


def test_every_kind_of_exif_field_is_named_with_its_place():
    found = {(finding.kind, finding.place, finding.excerpt) for finding in find_private(_jpeg_with())}

    assert found == {
        ("gps", "exif:Latitude", "48.21°"),
        ("gps", "exif:Longitude", "16.37°"),
        ("camera_serial", "exif:BodySerialNumber", "BODY-1234"),
        ("owner_name", "exif:Artist", "Ada Byron"),
    }


NOTE = b"Nikon\0\2\x10\0\0MM\0*SCRAMBLED-SERIAL" * 20


def _with_note(note: bytes, tag: int = 0x927C) -> bytes:
    """Exif with a maker's note, and beside it a tool's comment."""
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769).update({tag: note, 0x9286: b"UNICODE\0" + PARAMETERS.encode("utf-16-be")})
    return exif.tobytes()


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "AVIF"])
def test_a_makers_note_is_told_and_taken_out(format):
    data = _saved(_drawn(), format, exif=_with_note(NOTE))

    found = [(finding.kind, finding.place, finding.excerpt) for finding in find_private(data)]
    clean, bare = strip(data, keep_generation=True), strip(data)

    assert found == [("maker_note", "exif:MakerNote", f"Nikon, {len(NOTE)} bytes")]
    assert read_generation(clean).seed == 5
    assert b"Maker" in clean
    for stripped in (clean, bare):
        assert b"SCRAMBLED-SERIAL" not in stripped
        assert find_private(stripped) == ()
        assert _shown(stripped) == _shown(data)


NOTES = {
    "no letters": (b"\x07\x01" * 40, ["80 bytes"]),
    "of zeros": (bytes(400), []),
    "empty": (b"", []),
    "inside the entry": (b"SN7", ["3 bytes"]),
}


@pytest.mark.parametrize("name", NOTES)
def test_a_makers_note_counts_where_anything_is_in_it(name):
    note, told = NOTES[name]

    found = find_private(_saved(_drawn(), "JPEG", exif=_with_note(note)))

    assert [finding.excerpt for finding in found if finding.kind == "maker_note"] == told


def test_a_makers_note_that_runs_over_the_end_of_its_block_is_told_and_taken_out():
    exif = _with_note(NOTE)
    size = struct.pack(">I", len(NOTE))
    at = exif.index(b"\x92\x7c") + 4
    assert exif[at : at + 4] == size
    broken = exif[:at] + struct.pack(">I", 1 << 20) + exif[at + 4 :]
    data = _saved(_drawn(), "JPEG", exif=broken)

    assert [finding.kind for finding in find_private(data)] == ["maker_note"]
    assert b"SCRAMBLED-SERIAL" not in strip(data, keep_generation=True)


def test_xmp_and_iptc_fields_are_named():
    found = [(finding.kind, finding.place) for finding in find_private(PICTURES["JPEG"])]

    assert {("gps", "xmp"), ("camera_serial", "xmp"), ("owner_name", "xmp")} <= set(found)
    assert {("owner_name", "iptc"), ("gps", "iptc"), ("local_path", "jpeg:comment")} <= set(found)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        pytest.param(carriers.png(carriers.chunk(b"caBX", b"\0made by /home/ada\xff")), "png:caBX", id="PNG"),
        pytest.param(_jpeg_with((0xEB, b"JP\0\1made by /home/ada\xff")), "jpeg:APP11", id="JPEG"),
        pytest.param(
            _jpeg_with((0xE1, b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 40 + b" in /home/ada")),
            "jpeg:APP1",
            id="the rest of a long XMP packet",
        ),
    ],
)
def test_parts_that_nobody_here_reads_are_looked_through_and_taken_out(data, place):
    found = [(finding.kind, finding.place) for finding in find_private(data)]

    assert ("local_path", place) in found
    assert b"/home/ada" not in strip(data, keep_generation=True)


@pytest.mark.parametrize(
    ("kind", "text", "excerpt"),
    [
        pytest.param("local_path", r"see C:\Users\ada\loras\reed.safetensors", r"C:\Users\ada", id="Windows"),
        pytest.param("local_path", json.dumps({"a": r"C:\Users\ada b\x"}), r"C:\\Users\\ada b", id="Windows in JSON"),
        pytest.param("local_path", json.dumps(json.dumps(r"C:\Users\ada\x")), r"C:\\\\Users\\\\ada", id="JSON in JSON"),
        pytest.param("local_path", "D:/Users/ada/x.png", "D:/Users/ada", id="Windows with slashes"),
        pytest.param("local_path", r"E:\StableDiffusion\models", "E:\\StableDiffusion\\", id="a drive"),
        pytest.param("local_path", "Init image: /home/ada/x.png", "/home/ada", id="Linux"),
        pytest.param("local_path", "/Users/ada/x.png", "/Users/ada", id="macOS"),
        pytest.param("local_path", "file:///home/ada/x", "/home/ada", id="a file's address"),
        pytest.param("local_path", "/mnt/c/Users/ada/x", "/mnt/c/Users/ada", id="WSL"),
        pytest.param("api_key", f"token {KEY}", "hf_aB3dE…", id="Hugging Face"),
        pytest.param("api_key", "sk-proj-" + "Ab1_" * 12, "sk-proj-…", id="OpenAI"),
        pytest.param("api_key", "ghp_" + "a1B2" * 9, "ghp_a1B2…", id="GitHub"),
        pytest.param("api_key", "AKIA" + "ABCD" * 4, "AKIAABCD…", id="Amazon"),
        pytest.param("api_key", "AIza" + "b" * 35, "AIzabbbb…", id="Google"),
        pytest.param("api_key", "r8_" + "c3" * 18, "r8_c3c3c…", id="Replicate"),
        pytest.param("api_key", "slt_" + "d4" * 20, "slt_d4d4…", id="this site"),
        pytest.param("api_key", "https://x.example/api/download/1?token=" + "0f" * 16, "token=0f…", id="a link"),
        pytest.param("api_key", '{"api_key": "' + "0f" * 16 + '"}', "0f0f…", id="a field"),
        pytest.param("api_key", json.dumps('{"civitai_token": "' + "0f" * 16 + '"}'), "0f0f…", id="a field in JSON"),
        pytest.param(
            "api_key", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghijk", "eyJhbGci…", id="a signed token"
        ),
    ],
)
def test_paths_and_keys_are_found_in_any_text(kind, text, excerpt):
    found = find_private(png(comment=text))

    assert [(finding.kind, finding.place, finding.excerpt) for finding in found] == [(kind, "png:comment", excerpt)]


@pytest.mark.parametrize(
    "text",
    [
        "a:\\(b\\), (cat:1.2), c:\\\\ d",
        "https://example.org/home/page and https://example.org/Users/list",
        "and/or, 1/home, mask-" + "a" * 40,
        "the password is short, the token: none, api_key: null",
        '{"seed": 12345678901234567890, "hash": "' + "ab" * 32 + '"}',
        "~/Pictures",
    ],
)
def test_ordinary_words_are_nothing_private(text):
    assert find_private(png(comment=text)) == ()


def test_text_hidden_in_pixels_is_looked_through():
    (finding,) = find_private(png(), f"a pond, {KEY}")

    assert (finding.kind, finding.place) == ("api_key", "pixels")


@pytest.mark.parametrize("data", [b"", b"GIF89a", PICTURES["PNG"][:-5], PICTURES["JPEG"][:700], b"no picture at all"])
def test_what_is_no_whole_picture_is_not_stripped(data):
    with pytest.raises(MalformedFile) as refused:
        strip(data)

    assert refused.value.reason == "cannot_strip"


@given(
    st.sampled_from(list(PICTURES.values())), st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=8)
)
def test_damaged_pictures_are_stripped_clean_or_refused(data, changes):
    damaged = bytearray(data)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    for keep in (False, True):
        with suppress(MalformedFile):
            stripped = strip(bytes(damaged), keep_generation=keep)
            assert find_private(stripped) == ()
            with suppress(PictureRefused):
                assert read_header(stripped).format == read_header(bytes(damaged)).format
