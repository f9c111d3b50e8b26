"""Brushes: gradients, glows, ridges, grain. Everything is drawn twice as large and made smaller at the end."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter

Color = tuple[int, int, int]

SCALE: Final = 2


def color(text: str) -> Color:
    """`#rrggbb` as three numbers."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def mix(one: Color, other: Color, share: float) -> Color:
    """Between two colors: 0 is the first, 1 the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def ramp(stops: Sequence[Color], share: float) -> Color:
    """The color at a place from 0 to 1 on a scale of colors."""
    place = min(max(share, 0.0), 1.0) * (len(stops) - 1)
    lower = min(int(place), len(stops) - 2)
    return mix(stops[lower], stops[lower + 1], place - lower)


class Sheet:
    """A picture being drawn, `width` by `height` in the end. Places are in shares of its sides, from 0 to 1."""

    def __init__(self, width: int, height: int, seed: str) -> None:
        self.size = (width, height)
        self.width, self.height = width * SCALE, height * SCALE
        self.image = Image.new("RGB", (self.width, self.height))
        self.random = random.Random(seed)  # noqa: S311 - not a secret

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A place in pixels."""
        return x * self.width, y * self.height

    def sky(self, *stops: Color) -> None:
        """Fill from top to bottom."""
        column = Image.new("RGB", (1, self.height))
        for y in range(self.height):
            column.putpixel((0, y), ramp(stops, y / self.height))
        self.image.paste(column.resize(self.image.size))

    def polygon(self, points: Sequence[tuple[float, float]], fill: Color) -> None:
        """A filled shape."""
        ImageDraw.Draw(self.image).polygon([self.at(*point) for point in points], fill=fill)

    def disc(self, x: float, y: float, radius: float, fill: Color) -> None:
        """A filled circle; the radius is a share of the width."""
        ImageDraw.Draw(self.image).ellipse(self._box(x, y, radius), fill=fill)

    def line(self, points: Sequence[tuple[float, float]], fill: Color, width: float) -> None:
        """A stroke with round joints; the width is a share of the sheet's."""
        ImageDraw.Draw(self.image).line(
            [self.at(*point) for point in points], fill=fill, width=max(1, round(width * self.width)), joint="curve"
        )

    def glow(self, x: float, y: float, radius: float, light: Color, strength: float = 1.0) -> None:
        """Light around a place, added to what is there."""
        reach = max(2, round(radius * self.width))
        # The gradient is 255 in its corners and about 181 where its sides are nearest.
        fall = Image.radial_gradient("L").point(lambda value: round(max(0.0, 1 - value / 178) ** 1.9 * 255))
        spot = fall.resize((2 * reach, 2 * reach)).point(lambda value: round(value * strength))
        left, top = round(x * self.width) - reach, round(y * self.height) - reach
        layer = Image.new("RGB", self.image.size)
        layer.paste(Image.new("RGB", spot.size, light), (left, top), spot)
        self.image = ImageChops.screen(self.image, layer)

    def ridge(self, base: float, rough: float, fill: Color, *, waves: int = 5) -> None:
        """Hills from one side to the other, filled down to the bottom edge."""
        parts = [
            (self.random.uniform(0.6, 1.4) * 2**number, self.random.uniform(0, math.tau), rough / 1.8**number)
            for number in range(waves)
        ]

        def height(x: float) -> float:
            return base - sum(size * math.sin(math.tau * beat * x + phase) for beat, phase, size in parts) / 2

        top = [(step / 240, height(step / 240)) for step in range(241)]
        self.polygon([*top, (1, 1), (0, 1)], fill)

    def mist(self, y: float, depth: float, light: Color, strength: float) -> None:
        """A veil that is thickest at `y`."""
        column = Image.new("L", (1, self.height))
        for row in range(self.height):
            column.putpixel((0, row), round(255 * strength * max(0.0, 1 - abs(row / self.height - y) / depth)))
        self.image.paste(Image.new("RGB", self.image.size, light), (0, 0), column.resize(self.image.size))

    def stars(self, count: int, lowest: float, light: Color) -> None:
        """Points of differing brightness above a height."""
        draw = ImageDraw.Draw(self.image)
        for _ in range(count):
            x, y = self.at(self.random.random(), self.random.random() ** 1.4 * lowest)
            size = self.random.choice((1, 1, 1, 2, 3))
            ground = self.image.getpixel((int(x), int(y)))
            shade = mix(ground, light, self.random.uniform(0.35, 1.0))  # type: ignore[arg-type]
            draw.ellipse((x, y, x + size, y + size), fill=shade)

    def soften(self, radius: float) -> None:
        """Blur all that is there."""
        self.image = self.image.filter(ImageFilter.GaussianBlur(radius * SCALE))

    def mirror_below(self, y: float, tint: Color, strength: float) -> None:
        """Water from `y` down: what is above, upside down, darker and broken into ripples."""
        edge = round(y * self.height)
        depth = self.height - edge
        above = self.image.crop((0, max(0, edge - depth), self.width, edge)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        water = Image.blend(above.resize((self.width, depth)), Image.new("RGB", (self.width, depth), tint), strength)
        rippled = Image.new("RGB", water.size)
        for row in range(0, depth, 4):
            swing = round(math.sin(row / 9) * row / depth * 14 + self.random.uniform(-2, 2))
            rippled.paste(ImageChops.offset(water.crop((0, row, self.width, row + 4)), swing, 0), (0, row))
        self.image.paste(rippled, (0, edge))

    def _box(self, x: float, y: float, radius: float) -> tuple[float, float, float, float]:
        center_x, center_y = self.at(x, y)
        reach = radius * self.width
        return center_x - reach, center_y - reach, center_x + reach, center_y + reach

    def finished(self, *, grain: float = 6, contrast: float = 1.0) -> Image.Image:
        """The picture at its own size, with a little grain so that slow gradients show no steps."""
        image = self.image.resize(self.size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        noise = _noise(self.size, grain, self.random)
        image = ImageChops.add(image, noise, 1, -128)
        return ImageEnhance.Contrast(image).enhance(contrast) if contrast != 1.0 else image


def _noise(size: tuple[int, int], grain: float, source: random.Random) -> Image.Image:
    """Gray noise around the middle, the same for the same source: a tile of it, repeated."""
    tile = Image.frombytes("L", (256, 256), source.randbytes(256 * 256))
    tile = tile.point(lambda value: round(128 + (value - 127.5) / 127.5 * grain))
    noise = Image.new("L", size)
    for left in range(0, size[0], 256):
        for top in range(0, size[1], 256):
            noise.paste(tile, (left, top))
    return Image.merge("RGB", (noise, noise, noise))


def curve(start: tuple[float, float], bend: tuple[float, float], end: tuple[float, float]) -> list[tuple[float, float]]:
    """Points of a bent line between two places, drawn towards a third."""
    points = []
    for step in range(33):
        share = step / 32
        first, middle, last = (1 - share) ** 2, 2 * share * (1 - share), share**2
        points.append(
            (
                first * start[0] + middle * bend[0] + last * end[0],
                first * start[1] + middle * bend[1] + last * end[1],
            )
        )
    return points


def leaf(x: float, y: float, length: float, angle: float, width: float) -> list[tuple[float, float]]:
    """The outline of a pointed leaf that begins at a place and grows in a direction (radians, 0 is to the right)."""
    along = (math.cos(angle), math.sin(angle))
    side: Callable[[float], float] = lambda share: width * math.sin(math.pi * share) ** 0.8 * (1 - share * 0.3)  # noqa: E731
    steps = [step / 24 for step in range(25)]
    right = [_offset(x, y, along, length * share, side(share)) for share in steps]
    left = [_offset(x, y, along, length * share, -side(share)) for share in reversed(steps)]
    return right + left


def _offset(x: float, y: float, along: tuple[float, float], far: float, aside: float) -> tuple[float, float]:
    return x + along[0] * far - along[1] * aside, y + (along[1] * far + along[0] * aside) * 0.68
