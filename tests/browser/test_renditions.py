"""Renditions beside their originals, as a browser draws both."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest
from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import Browser, Page

from registry.imaging.reading import examine_picture
from tests.registry.pictures.build import (
    chunk,
    cmyk_profile,
    exif,
    insert_chunk,
    moving,
    saved,
    scene,
    swapped_profile,
)

pytestmark = pytest.mark.browser

# Draws a picture and answers its pixels as the screen would have them, as a PNG without a profile.
DRAW = """async ([type, data]) => {
  const image = new Image();
  image.src = `data:${type};base64,${data}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
  const context = canvas.getContext("2d", {colorSpace: "srgb"});
  context.fillStyle = "white"; context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0);
  return canvas.toDataURL("image/png").split(",")[1];
}"""


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    page = chromium.new_page()
    yield page
    page.close()


def drawn(page: Page, data: bytes, mime: str) -> Image.Image:
    answer = page.evaluate(DRAW, [mime, base64.b64encode(data).decode()])
    return Image.open(io.BytesIO(base64.b64decode(answer))).convert("RGB")


def press(inks: tuple[int, int, int, int]) -> tuple[float, float, float]:
    cyan, magenta, yellow, black = inks
    return (
        95 - 30 * cyan - 35 * magenta - 8 * yellow - 60 * black * (1 - (cyan + magenta + yellow) / 4),
        (40 * magenta - 25 * cyan),
        45 * yellow - 30 * cyan - 5 * magenta,
    )


def with_gamma(value: int) -> bytes:
    return insert_chunk(saved(scene(), "PNG"), chunk(b"gAMA", value.to_bytes(4, "big")))


PICTURES = {
    "plain": lambda: saved(scene(), "PNG"),
    **{f"turned-{n}": lambda n=n: saved(scene(120, 40), "JPEG", exif=b"Exif\0\0" + exif(n)) for n in range(2, 9)},
    "webp-turned": lambda: saved(scene(120, 40), "WEBP", exif=exif(6)),
    "avif-turned": lambda: saved(scene(120, 40), "AVIF", exif=exif(6)),
    "png-turned": lambda: insert_chunk(saved(scene(120, 40), "PNG"), chunk(b"eXIf", exif(6))),
    "swapped-profile": lambda: saved(Image.new("RGB", (64, 64), (230, 20, 20)), "PNG", icc_profile=swapped_profile()),
    "inks": lambda: saved(scene(mode="CMYK"), "JPEG", quality=95, subsampling=0),
    "pure-cyan": lambda: saved(Image.new("CMYK", (64, 64), (255, 0, 0, 0)), "JPEG"),
    "inks-with-profile": lambda: saved(
        scene(mode="CMYK"), "JPEG", quality=95, subsampling=0, icc_profile=cmyk_profile(press)
    ),
    "gamma-1": lambda: with_gamma(100_000),
    "gamma-usual": lambda: with_gamma(45_455),
    "sixteen-bits": lambda: saved(scene(mode="L").point(lambda value: value * 257, "I").convert("I;16"), "PNG"),
    "apng": lambda: moving("PNG"),
    "gif": lambda: moving("GIF"),
    "transparent": lambda: saved(scene(mode="RGBA").rotate(20), "PNG"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_copy_looks_like_its_original(page, tmp_path, name):
    data = PICTURES[name]()
    original = tmp_path / "original"
    original.write_bytes(data)
    with original.open("rb") as stream:
        facts = examine_picture(stream, Path(mkdtemp(dir=tmp_path)))

    shown = drawn(page, data, facts.mime)
    copy = drawn(page, facts.renditions[-1].path.read_bytes(), "image/webp")

    assert (facts.width, facts.height) == shown.size == copy.size
    assert max(ImageStat.Stat(ImageChops.difference(shown, copy)).mean) < 8
