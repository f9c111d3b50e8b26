"""The demo's pictures. Each function draws one motif; a palette and a seed make it one of many."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from registry.demo.drawing import SCALE, Color, Sheet, color, curve, leaf, mix, ramp
from registry.demo.samples import DATA

SHAPES: Final = {"tall": (832, 1216), "wide": (1216, 832), "square": (1024, 1024)}

RENDERS: Final = (
    "sunglasses", "cat", "tree", "pizza", "sunflower", "penguin",
    "house", "hamburger", "guitar", "octopus", "apple", "heart",
    "ink cat", "ink heart", "ink penguin", "ink penguin 2", "ink face", "ink cat 2",
    "blue cat", "blue house", "blue guitar", "blue sunflower", "blue penguin", "blue face",
    "ember", "ember 2", "ember 3", "sharp house", "sharp face", "sharp guitar",
)  # fmt: skip
TILE: Final = 64


@dataclass(frozen=True)
class Brief:
    """What a picture is to be: the seed of its chance, its colors, its size, and for prints what they show."""

    seed: str
    palette: str
    size: tuple[int, int] = SHAPES["tall"]
    show: tuple[str, ...] = ()

    @property
    def colors(self) -> list[Color]:
        """The palette as numbers."""
        return [color(text) for text in self.palette.split()]

    def sheet(self) -> Sheet:
        """An empty sheet."""
        return Sheet(*self.size, self.seed)


def hills(brief: Brief, sun: tuple[float, float] = (0.62, 0.34)) -> Image.Image:
    """Ridge behind ridge in haze. Palette: sky from above in three, sun, nearest ridge."""
    top, middle, low, light, near = brief.colors
    sheet = brief.sheet()
    sheet.sky(top, middle, low, low)
    sheet.glow(*sun, 0.62, light, 0.55)
    sheet.disc(*sun, 0.075, mix(light, (255, 255, 255), 0.35))
    sheet.glow(*sun, 0.2, light, 0.8)
    for layer in range(7):
        share = layer / 6
        sheet.ridge(0.5 + 0.075 * layer, 0.1 + 0.05 * share, mix(mix(low, middle, 0.35), near, share**1.15))
        sheet.mist(0.62 + 0.075 * layer, 0.09, mix(low, light, 0.3), 0.5 * (1 - share))
    return sheet.finished()


def lanterns(brief: Brief) -> Image.Image:
    """Paper lights over water. Palette: sky from above in three, lantern, hills."""
    top, middle, low, light, dark = brief.colors
    sheet = brief.sheet()
    sheet.sky(top, middle, low)
    sheet.stars(220, 0.5, (255, 244, 220))
    sheet.ridge(0.63, 0.09, mix(dark, middle, 0.35))
    sheet.ridge(0.67, 0.06, dark)
    places = [(sheet.random.uniform(0.05, 0.95), sheet.random.uniform(0.08, 0.6)) for _ in range(20)]
    for x, y in sorted(places, key=lambda place: -place[1]):
        _lantern(sheet, x, y, 0.012 + 0.045 * (0.66 - y) * sheet.random.uniform(0.8, 1.2), light)
    sheet.mirror_below(0.71, mix(top, low, 0.4), 0.35)
    return sheet.finished(contrast=1.08)


def _lantern(sheet: Sheet, x: float, y: float, size: float, light: Color) -> None:
    sheet.glow(x, y, size * 5, light, 0.75)
    tall = size * 1.3 * sheet.width / sheet.height
    warm, edge = mix(light, (255, 250, 225), 0.55), mix(light, (120, 20, 0), 0.4)
    body = [(x - size * 0.72, y - tall), (x + size * 0.72, y - tall), (x + size, y + tall), (x - size, y + tall)]
    sheet.polygon(body, mix(light, (255, 225, 150), 0.3))
    sheet.polygon([(x + (a - x) * 0.66, y + tall * 0.25 + (b - y) * 0.62) for a, b in body], warm)
    sheet.line([(x - size, y + tall), (x + size, y + tall)], edge, 0.003)


def city(brief: Brief) -> Image.Image:
    """Blocks with lit windows in the rain. Palette: sky from above in three, window, nearest block."""
    top, middle, low, light, near = brief.colors
    sheet = brief.sheet()
    sheet.sky(top, middle, low)
    sheet.glow(0.5, 0.72, 0.8, low, 0.7)
    for layer in range(4):
        share = layer / 3
        x = -0.05
        while x < 1.0:
            wide = sheet.random.uniform(0.07, 0.16) * (0.7 + 0.5 * share)
            _block(
                sheet,
                x,
                wide,
                sheet.random.uniform(0.2, 0.55) + 0.12 * layer,
                mix(mix(middle, low, 0.5), near, share),
                light,
            )
            x += wide * sheet.random.uniform(0.85, 1.15)
        sheet.mist(0.85, 0.35, low, 0.38 * (1 - share))
    sheet.mirror_below(0.86, near, 0.25)
    for _ in range(260):
        x, y = sheet.random.random(), sheet.random.random()
        sheet.line([(x, y), (x - 0.006, y + 0.03)], mix(middle, (255, 255, 255), 0.22), 0.0008)
    return sheet.finished(contrast=1.08)


def _block(sheet: Sheet, x: float, wide: float, roof: float, fill: Color, light: Color) -> None:
    sheet.polygon([(x, roof), (x + wide, roof), (x + wide, 1), (x, 1)], fill)
    draw, columns = ImageDraw.Draw(sheet.image), max(2, round(wide / 0.022))
    step = wide / columns
    rows = int((1 - roof) / 0.022)
    for row in range(1, rows):
        for column in range(columns):
            if sheet.random.random() < 0.34:
                left, upper = sheet.at(x + step * (column + 0.25), roof + row * 0.022)
                shade = mix(fill, light, sheet.random.uniform(0.25, 1.0))
                draw.rectangle((left, upper, left + step * 0.5 * sheet.width, upper + 0.011 * sheet.height), fill=shade)


def waves(brief: Brief) -> Image.Image:
    """A sea of paper bands. Palette: sky from above in two, sun, far water, near water, foam."""
    top, low, light, far, near, foam = brief.colors
    sheet = brief.sheet()
    sheet.sky(top, low, low)
    sheet.disc(0.66, 0.27, 0.17, light)
    for layer in range(11):
        share = layer / 10
        base, swing = 0.42 + 0.058 * layer, 0.012 + 0.03 * share
        phase, beat = sheet.random.uniform(0, math.tau), 5.2 - 3.2 * share
        crest = [(x / 200, base - swing * _crest(beat * x / 200 * math.tau + phase)) for x in range(201)]
        for depth, shade in ((0.0, foam), (0.008, mix(far, near, share)), (0.05, mix(far, near, min(1, share + 0.12)))):
            sheet.polygon([*((x, y + depth * (0.4 + share)) for x, y in crest), (1, 1), (0, 1)], shade)
    return sheet.finished(grain=9)


def _crest(angle: float) -> float:
    """A swell that is steeper than it is wide."""
    swell = math.pow((math.sin(angle) + 1) / 2, 1.7)
    return 2 * swell - 1 + 0.18 * math.sin(2 * angle + 0.6)


def botanical(brief: Brief) -> Image.Image:
    """Pressed leaves on paper. Palette: paper, dark green, light green, flower, heart of the flower."""
    paper, dark, pale, petal, heart = brief.colors
    sheet = brief.sheet()
    sheet.sky(mix(paper, (255, 255, 255), 0.4), paper, mix(paper, (90, 60, 30), 0.1))
    for stem in range(7):
        start = (0.5 + 0.03 * (stem - 3), 1.02)
        tip = (0.1 + 0.8 * stem / 6, 0.14 + 0.32 * abs(stem - 3) / 3 + sheet.random.uniform(-0.04, 0.04))
        points = curve(start, ((start[0] + tip[0]) / 2, tip[1] + 0.1), tip)
        sheet.line(points, mix(dark, pale, 0.3), 0.004)
        for index in range(8, 31, 3):
            _twig(sheet, points, index, dark, pale)
        _flower(sheet, *tip, 0.05 + 0.02 * sheet.random.random(), petal, heart)
    return sheet.finished(grain=10)


def _twig(sheet: Sheet, points: list[tuple[float, float]], index: int, dark: Color, pale: Color) -> None:
    (x, y), (ahead_x, ahead_y) = points[index], points[index + 1]
    direction = math.atan2(ahead_y - y, ahead_x - x)
    for turn in (-0.85, 0.85):
        outline = leaf(x, y, 0.16 - 0.0035 * index, direction + turn, 0.021)
        sheet.polygon(outline, mix(dark, pale, sheet.random.random()))
        sheet.line([outline[0], outline[24]], mix(pale, (255, 255, 255), 0.25), 0.0012)


def _flower(sheet: Sheet, x: float, y: float, size: float, petal: Color, heart: Color) -> None:
    for ring, reach in ((0, 1.0), (1, 0.72)):
        for number in range(9):
            angle = math.tau * number / 9 + ring * 0.35
            sheet.polygon(leaf(x, y, size * reach, angle, size * 0.26), mix(petal, (255, 255, 255), 0.12 + 0.3 * ring))
    sheet.disc(x, y, size * 0.2, heart)


def facets(brief: Brief) -> Image.Image:
    """Cut glass: triangles between shifted corners. Palette: any number of colors from corner to corner."""
    stops = brief.colors
    sheet = brief.sheet()
    columns, rows = 11, round(11 * brief.size[1] / brief.size[0])
    corners = [[_corner(sheet, column, row, columns, rows) for column in range(columns + 1)] for row in range(rows + 1)]
    for row in range(rows):
        for column in range(columns):
            a, b = corners[row][column], corners[row][column + 1]
            c, d = corners[row + 1][column], corners[row + 1][column + 1]
            for triangle in ((a, b, d), (a, d, c)) if (row + column) % 2 else ((a, b, c), (b, d, c)):
                x, y = (sum(point[axis] for point in triangle) / 3 for axis in (0, 1))
                share = 0.5 * x + 0.5 * y + 0.14 * math.sin(7 * x + 4 * y) + sheet.random.uniform(-0.07, 0.07)
                sheet.polygon(triangle, ramp(stops, share))
    sheet.glow(0.3, 0.25, 0.7, (255, 255, 255), 0.22)
    return sheet.finished(contrast=1.05)


def _corner(sheet: Sheet, column: int, row: int, columns: int, rows: int) -> tuple[float, float]:
    shift_x = 0 if column in (0, columns) else sheet.random.uniform(-0.36, 0.36)
    shift_y = 0 if row in (0, rows) else sheet.random.uniform(-0.36, 0.36)
    return (column + shift_x) / columns, (row + shift_y) / rows


def planet(brief: Brief) -> Image.Image:
    """A banded world with a ring. Palette: sky from above in two, bands in three, ring."""
    top, low, first, second, third, ring = brief.colors
    sheet = brief.sheet()
    sheet.sky(top, low, top)
    sheet.glow(0.25, 0.2, 0.7, mix(low, second, 0.3), 0.5)
    sheet.stars(500, 1.0, (255, 250, 240))
    reach = round(0.33 * sheet.width)
    ball = _ball(sheet, reach, [first, second, third, second, first])
    place = (round(0.5 * sheet.width) - reach, round(0.52 * sheet.height) - reach)
    _ring(sheet, ring, front=False)
    disc = Image.new("L", ball.size)
    ImageDraw.Draw(disc).ellipse((0, 0, 2 * reach - 1, 2 * reach - 1), fill=255)
    sheet.image.paste(ball, place, disc)
    _ring(sheet, ring, front=True)
    return sheet.finished(contrast=1.06)


def _ball(sheet: Sheet, reach: int, bands: list[Color]) -> Image.Image:
    ball = Image.new("RGB", (2 * reach, 2 * reach))
    draw = ImageDraw.Draw(ball)
    for row in range(2 * reach):
        share = row / (2 * reach)
        wobble = 0.03 * math.sin(share * 47) + 0.02 * math.sin(share * 113)
        draw.line((0, row, 2 * reach, row), fill=ramp(bands, share + wobble))
    ball = ball.rotate(14, Image.Resampling.BICUBIC)
    # Lit from the upper left: the bright middle of a gradient that is twice as large lies there.
    wide = Image.radial_gradient("L").resize((4 * reach, 4 * reach))
    shade = wide.crop((3 * reach // 2, 3 * reach // 2, 7 * reach // 2, 7 * reach // 2))
    shade = shade.point(lambda value: max(0, min(255, 275 - round(value * 1.6))))
    return ImageChops.multiply(ball, Image.merge("RGB", (shade, shade, shade)))


def _ring(sheet: Sheet, fill: Color, *, front: bool) -> None:
    layer = Image.new("RGBA", sheet.image.size)
    draw = ImageDraw.Draw(layer)
    x, y = 0.5 * sheet.width, 0.52 * sheet.height
    for band in range(26):
        reach = (0.4 + 0.0042 * band) * sheet.width
        alpha = round(150 * (0.45 + 0.55 * math.sin(band * 1.1) ** 2))
        box = (x - reach, y - reach * 0.24, x + reach, y + reach * 0.24)
        draw.arc(box, *((0, 180) if front else (180, 360)), fill=(*fill, alpha), width=round(0.0048 * sheet.width))
    layer = layer.rotate(14, Image.Resampling.BICUBIC, center=(x, y))
    sheet.image.paste(layer, (0, 0), layer)


def quilt(brief: Brief) -> Image.Image:
    """Quarter circles, stripes and dots in a grid. Palette: ground and any number of colors."""
    ground, *others = brief.colors
    sheet = brief.sheet()
    sheet.sky(ground, ground)
    columns = 6
    cell = sheet.width // columns
    draw = ImageDraw.Draw(sheet.image)
    for row in range(sheet.height // cell + 1):
        for column in range(columns):
            _patch(sheet, draw, column * cell, row * cell, cell, others)
    return sheet.finished(grain=9)


def _patch(sheet: Sheet, draw: ImageDraw.ImageDraw, x: int, y: int, cell: int, others: list[Color]) -> None:
    back, fore = sheet.random.sample(others, 2)
    draw.rectangle((x, y, x + cell, y + cell), fill=back)
    kind = sheet.random.randrange(5)
    corner_x, corner_y = x - cell * sheet.random.randrange(2), y - cell * sheet.random.randrange(2)
    if kind <= 1:
        draw.pieslice((corner_x, corner_y, corner_x + 2 * cell, corner_y + 2 * cell), 0, 360, fill=fore)
        # The rest of the circle lies under neighbors that are drawn later, or is drawn over here.
        draw.rectangle((x + cell, y, x + 2 * cell, y + cell), fill=back)
    elif kind == 2:
        for stripe in range(0, cell, cell // 4):
            draw.rectangle((x, y + stripe, x + cell, y + stripe + cell // 8), fill=fore)
    elif kind == 3:
        draw.ellipse((x + cell * 0.2, y + cell * 0.2, x + cell * 0.8, y + cell * 0.8), fill=fore)
    else:
        draw.polygon([(x, y + cell), (x + cell, y + cell), (x + cell, y)], fill=fore)


def ink(brief: Brief) -> Image.Image:
    """One brush stroke, almost a circle, over hills in wash. Palette: paper, ink, seal."""
    paper, black, seal = brief.colors
    sheet = brief.sheet()
    sheet.sky(mix(paper, (255, 255, 255), 0.5), paper)
    for layer in range(3):
        sheet.ridge(0.72 + 0.07 * layer, 0.16, mix(paper, black, 0.12 + 0.13 * layer))
        sheet.mist(0.86 + 0.05 * layer, 0.14, paper, 0.75)
    sheet.soften(1.2)
    for hair in range(60):
        reach = 0.27 + 0.0011 * hair + sheet.random.uniform(-0.003, 0.003)
        end = 5.5 + sheet.random.uniform(-0.5, 0.5)
        points = [
            (0.5 + reach * math.cos(-1.2 + angle / 50 * end), 0.38 + reach * 0.684 * math.sin(-1.2 + angle / 50 * end))
            for angle in range(51)
        ]
        sheet.line(points, mix(paper, black, sheet.random.uniform(0.55, 1.0)), 0.0022)
    sheet.polygon([(0.8, 0.88), (0.87, 0.88), (0.87, 0.928), (0.8, 0.928)], seal)
    return sheet.finished(grain=10)


def prints(brief: Brief) -> Image.Image:
    """Renders of the tiny checkpoint, hung on a wall. Palette: wall from above in two."""
    top, low = brief.colors
    sheet = brief.sheet()
    sheet.sky(top, low)
    is_wide = brief.size[0] > brief.size[1]
    columns = 3 if is_wide or len(brief.show) > 6 else 2
    rows = -(-len(brief.show) // columns)
    side = round(min(sheet.width * 0.9 / columns, sheet.height * 0.92 / rows))
    corners = []
    for number in range(len(brief.show)):
        row, column = divmod(number, columns)
        left = (sheet.width - columns * side) // 2 + column * side + side // 16
        corners.append((left, (sheet.height - rows * side) // 2 + row * side + side // 16))
    side -= side // 8
    _cast_shadows(sheet, corners, side)
    for corner, name in zip(corners, brief.show, strict=True):
        _hang(sheet, _render(name), corner, side)
    return sheet.finished(grain=5)


def _render(name: str) -> Image.Image:
    with Image.open(DATA / "renders.png") as renders:
        left, upper = (TILE * place for place in reversed(divmod(RENDERS.index(name), 6)))
        return renders.convert("RGB").crop((left, upper, left + TILE, upper + TILE))


def _cast_shadows(sheet: Sheet, corners: list[tuple[int, int]], side: int) -> None:
    shadow = Image.new("L", sheet.image.size)
    draw = ImageDraw.Draw(shadow)
    for left, upper in corners:
        box = (left + side // 60, upper + side // 30, left + side, upper + side + side // 40)
        draw.rounded_rectangle(box, side // 24, fill=110)
    sheet.image.paste((0, 0, 0), (0, 0), shadow.filter(ImageFilter.GaussianBlur(6 * SCALE)))


def _hang(sheet: Sheet, tile: Image.Image, corner: tuple[int, int], side: int) -> None:
    card = tile.resize((side, side), Image.Resampling.BICUBIC)
    mask = Image.new("L", card.size)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, side - 1, side - 1), side // 24, fill=255)
    sheet.image.paste(card, corner, mask)


def sharpened(brief: Brief) -> Image.Image:
    """A city in coarse squares on the left, as drawn on the right."""
    image = city(brief)
    small = image.resize((image.width // 16, image.height // 16), Image.Resampling.BOX)
    return _halves(small.resize(image.size, Image.Resampling.NEAREST), image)


def outlined(brief: Brief) -> Image.Image:
    """Flowers in outlines on the left, as an edge detector gives them, and as drawn on the right."""
    image = botanical(brief)
    found = image.convert("L").filter(ImageFilter.GaussianBlur(1.6)).filter(ImageFilter.FIND_EDGES)
    lines = found.point(lambda value: min(255, (value - 9) * 12) if value > 9 else 0)
    return _halves(lines.convert("RGB"), image)


def _halves(one: Image.Image, other: Image.Image) -> Image.Image:
    image, middle = one.copy(), one.width // 2
    image.paste(other.crop((middle, 0, *other.size)), (middle, 0))
    ImageDraw.Draw(image).line((middle, 0, middle, image.height), fill="white", width=4)
    return image


def moonrise(brief: Brief) -> list[Image.Image]:
    """The same hills, the moon a little higher in each of six pictures, and back down again."""
    small = replace(brief, size=(416, 608))
    rising = [hills(small, (0.3 + 0.05 * step, 0.42 - 0.045 * step)) for step in range(6)]
    return rising + rising[::-1]


SCENES: Final[Mapping[str, Callable[[Brief], Image.Image | list[Image.Image]]]] = MappingProxyType(
    {
        scene.__name__: scene
        for scene in (
            hills, lanterns, city, waves, botanical, facets, planet, quilt, ink, prints, sharpened, outlined, moonrise
        )
    }
)  # fmt: skip
