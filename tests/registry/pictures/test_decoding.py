"""Pictures as they come out of the jail."""

import io
import time
import zlib
from pathlib import Path
from tempfile import mkdtemp

import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat

from registry.imaging.errors import PictureRefused
from registry.imaging.reading import PictureFacts, examine_picture
from tests.registry.pictures.build import (
    chunk,
    cmyk_profile,
    exif,
    ihdr,
    insert_chunk,
    moving,
    saved,
    scene,
    segment,
    swapped_profile,
)
from tests.registry.pictures.hostile import HOSTILE, JPEG, PNG

RED, GREEN, BLUE, WHITE = (220, 30, 20), (30, 200, 40), (20, 30, 220), (255, 255, 255)
CYAN_LAB = (62.0, -31.0, -48.0)


@pytest.fixture
def examine(tmp_path):
    """Examine bytes; answers the facts and the largest rendition."""

    def run(data: bytes, **options) -> tuple[PictureFacts, Image.Image]:
        source = tmp_path / "original"
        source.write_bytes(data)
        folder = Path(mkdtemp(dir=tmp_path))
        with source.open("rb") as stream:
            facts = examine_picture(stream, folder, **options)
        return facts, Image.open(io.BytesIO(facts.renditions[-1].path.read_bytes()))

    return run


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    """The four colors, a little inside the corners, row by row."""
    plain = image.convert("RGB")
    right, bottom = image.width - 4, image.height - 4
    return [plain.getpixel(place) for place in ((3, 3), (right, 3), (3, bottom), (right, bottom))]


def is_near(seen: tuple[int, ...], wanted: tuple[int, ...], within: int = 14) -> bool:
    return all(abs(a - b) <= within for a, b in zip(seen, wanted, strict=True))


def assert_corners(image: Image.Image, *wanted: tuple[int, int, int], within: int = 14) -> None:
    seen = corners(image)
    assert all(is_near(a, b, within) for a, b in zip(seen, wanted, strict=True)), seen


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda row: row.id)
def test_hostile_picture_is_refused_with_its_reason(examine, hostile):
    data = hostile.make()
    began = time.monotonic()

    with pytest.raises(PictureRefused) as refusal:
        examine(data)

    assert refusal.value.code == hostile.code
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("copy", ["webp", "avif"])
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "AVIF", "GIF"])
def test_every_format_is_shown(examine, format, copy):
    facts, shown = examine(saved(scene(), format), format=copy)

    assert (facts.mime, facts.width, facts.height, facts.frames) == (f"image/{format.lower()}", 96, 64, 1)
    assert [(row.format, row.width, row.height) for row in facts.renditions] == [(copy, 96, 64)]
    assert shown.format == copy.upper()
    assert_corners(shown, RED, GREEN, BLUE, WHITE, within=24)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_is_shown(examine, mode):
    image = (
        scene(mode="L").point(lambda value: value * 257, "I").convert("I;16") if mode == "I;16" else scene(mode=mode)
    )

    _, shown = examine(saved(image, "PNG"))

    wanted = scene(mode="1" if mode == "1" else "L" if mode in {"L", "LA", "I;16"} else "RGB").convert("RGB")
    assert_corners(shown, *corners(wanted), within=20)


def test_renditions_come_in_three_widths_and_are_never_larger_than_the_original(examine):
    large, _ = examine(saved(scene(2000, 1000), "JPEG"))
    middle, _ = examine(saved(scene(1000, 500), "JPEG"))
    small, _ = examine(saved(scene(100, 50), "JPEG"))

    sizes = [[(row.width, row.height) for row in facts.renditions] for facts in (large, middle, small)]

    assert sizes == [
        [(320, 160), (640, 320), (1280, 640)],
        [(320, 160), (640, 320), (1000, 500)],
        [(100, 50)],
    ]


def test_copies_carry_no_metadata(examine):
    info = {"exif": b"Exif\0\0" + exif(1), "icc_profile": swapped_profile(), "comment": b"seed 1"}

    for copy in ("webp", "avif"):
        _, shown = examine(saved(scene(), "JPEG", **info), format=copy)
        assert not {"exif", "icc_profile", "xmp", "comment"} & shown.info.keys()


@pytest.mark.parametrize("format", ["JPEG", "AVIF"])
@pytest.mark.parametrize(
    ("orientation", "wanted"),
    [
        (2, (GREEN, RED, WHITE, BLUE)),
        (3, (WHITE, BLUE, GREEN, RED)),
        (4, (BLUE, WHITE, RED, GREEN)),
        (5, (RED, BLUE, GREEN, WHITE)),
        (6, (BLUE, RED, WHITE, GREEN)),
        (7, (WHITE, GREEN, BLUE, RED)),
        (8, (GREEN, WHITE, RED, BLUE)),
    ],
)
def test_a_turned_picture_is_shown_upright(examine, format, orientation, wanted):
    prefix = b"" if format == "AVIF" else b"Exif\0\0"
    facts, shown = examine(saved(scene(120, 40), format, exif=prefix + exif(orientation)))

    size = (40, 120) if orientation >= 5 else (120, 40)
    assert (facts.width, facts.height) == shown.size == size
    assert_corners(shown, *wanted, within=24)


def test_a_profile_is_applied(examine):
    image = Image.new("RGB", (64, 64), (230, 20, 20))

    _, shown = examine(saved(image, "PNG", icc_profile=swapped_profile()))

    red, green, _ = ImageStat.Stat(shown.convert("RGB")).mean
    assert green > 150 > 90 > red


def test_a_profile_keeps_transparency(examine):
    image = Image.new("RGBA", (64, 64), (230, 20, 20, 128))

    _, shown = examine(saved(image, "PNG", icc_profile=swapped_profile()))

    assert is_near(shown.getpixel((30, 30))[3:], (128,))


@pytest.mark.parametrize(
    "profile",
    [
        b"no profile",
        cmyk_profile(lambda inks: (50, 0, 0)),
        ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
    ],
    ids=["garbage", "of-a-press", "of-lab"],
)
def test_a_profile_that_does_not_fit_is_passed_over(examine, profile):
    _, shown = examine(saved(scene(), "PNG", icc_profile=profile))

    assert_corners(shown, RED, GREEN, BLUE, WHITE)


def test_inks_without_a_profile_become_their_screen_color(examine):
    _, shown = examine(saved(Image.new("CMYK", (64, 64), (255, 0, 0, 0)), "JPEG", quality=95))

    assert is_near(shown.convert("RGB").getpixel((30, 30)), (0, 255, 255))


def test_inks_with_a_profile_look_as_the_press_prints_them(examine):
    profile = cmyk_profile(lambda inks: CYAN_LAB if inks == (1, 0, 0, 0) else (95.0 - 20 * sum(inks), 0.0, 0.0))
    image = Image.new("CMYK", (64, 64), (255, 0, 0, 0))

    _, shown = examine(saved(image, "JPEG", quality=95, icc_profile=profile))

    # L*a*b* 62 -31 -48 is beyond sRGB's red; green and blue by the CIE's formulas.
    red, green, blue = shown.convert("RGB").getpixel((30, 30))
    assert red < 30
    assert is_near((green, blue), (164, 235), within=12)


def test_gamma_alone_is_honored(examine):
    gray = Image.new("RGB", (64, 64), (128, 128, 128))
    linear = insert_chunk(saved(gray, "PNG"), chunk(b"gAMA", (100_000).to_bytes(4, "big")))
    usual = insert_chunk(saved(gray, "PNG"), chunk(b"gAMA", (45_455).to_bytes(4, "big")))

    values = [examine(data)[1].convert("RGB").getpixel((9, 9))[0] for data in (linear, usual)]

    assert is_near(tuple(values), (188, 128), within=3)


def test_sixteen_bits_keep_their_upper_half(examine):
    rows = b"".join(b"\0" + b"\x80\x00\x40\x00\xff\xff" * 8 for _ in range(8))
    data = ihdr(8, 8, depth=16) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND")

    _, shown = examine(data)

    assert is_near(shown.convert("RGB").getpixel((4, 4)), (128, 64, 255), within=6)


@pytest.mark.parametrize("format", ["PNG", "GIF", "WEBP", "AVIF"])
def test_an_animation_is_shown_still_by_its_first_frame(examine, format):
    facts, shown = examine(moving(format, 3))

    assert facts.frames == 3
    assert getattr(shown, "n_frames", 1) == 1
    assert_corners(shown, RED, GREEN, BLUE, WHITE, within=40)


def test_transparency_is_kept(examine):
    image = scene(mode="RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    image.paste((255, 0, 0, 255), (0, 0, 40, 64))

    for data in (saved(image, "PNG"), saved(image, "WEBP"), saved(image, "GIF")):
        _, shown = examine(data)
        assert shown.mode == "RGBA"
        assert (shown.getpixel((5, 5))[3], shown.getpixel((90, 5))[3]) == (255, 0)


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [(1, 5_000, (1, 5_000)), (5_000, 1, (1280, 1)), (1, 16_384, (1, 8_192)), (16_384, 1, (1280, 1)), (1, 1, (1, 1))],
)
def test_a_sliver_is_shown(examine, width, height, size):
    facts, shown = examine(saved(Image.new("RGB", (width, height), RED), "PNG"))

    assert (facts.width, facts.height) == (width, height)
    assert shown.size == size


def test_ten_megabytes_of_exif_cost_nothing(examine):
    block = segment(0xE1, b"Exif\0\0" + exif(6) + bytes(60_000))

    facts, _ = examine(JPEG[:2] + block * 170 + JPEG[2:])

    assert (facts.width, facts.height) == (64, 96)


def test_a_text_that_unpacks_to_a_gigabyte_is_not_unpacked(examine):
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()

    facts, _ = examine(insert_chunk(PNG, chunk(b"zTXt", b"parameters\0\0" + packed)))

    assert facts.width == 96


def test_average_and_difference_hash_tell_pictures_apart(examine):
    one, _ = examine(saved(scene(400, 300), "PNG"))
    again, _ = examine(saved(scene(800, 600), "JPEG", quality=60))
    other, _ = examine(saved(scene(400, 300).rotate(180), "PNG"))

    def differing(a: PictureFacts, b: PictureFacts) -> int:
        return ((a.dhash ^ b.dhash) & (2**64 - 1)).bit_count()

    assert differing(one, again) <= 4 < 12 < differing(one, other)
    assert one.color == "#838186"


def test_the_largest_picture_fits_into_the_bounds(examine, tmp_path):
    """64 megapixels with transparency, in the formats that keep the most of it in memory at once."""
    image = Image.new("RGBA", (8000, 8000), (200, 30, 20, 255))

    for format, options in (("PNG", {"compress_level": 1}), ("WEBP", {"lossless": True, "method": 0})):
        facts, shown = examine(saved(image, format, **options))
        assert (facts.width, shown.width) == (8000, 1280)


def test_the_original_is_not_touched(examine, tmp_path):
    examine(PNG)

    assert (tmp_path / "original").read_bytes() == PNG


def test_a_copy_is_near_the_original(examine):
    image = Image.radial_gradient("L").resize((600, 600)).convert("RGB")

    _, shown = examine(saved(image, "PNG"))

    difference = ImageStat.Stat(ImageChops.difference(shown.convert("RGB"), image)).mean
    assert max(difference) < 3
