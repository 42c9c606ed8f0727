"""A pen for cartoon shapes: filled areas with an ink outline, on a 100 x 100 canvas (y down)."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from PIL import Image, ImageDraw

RGB = tuple[int, int, int]
Point = tuple[float, float]
Points = Sequence[Point]
Pixels = list[Point]

CANVAS = 100.0
# Room around the canvas, so that no outline is cut.
MARGIN = 6.0
OUTLINE = 1.9

PALETTE: dict[str, RGB] = {
    "red": (226, 51, 48), "orange": (247, 138, 30), "yellow": (252, 212, 50),
    "green": (62, 170, 76), "blue": (44, 112, 220), "purple": (137, 70, 194),
    "pink": (250, 142, 188), "brown": (142, 90, 50), "black": (46, 46, 54),
    "white": (250, 250, 248), "gray": (150, 154, 162),
}  # fmt: skip
INK: RGB = (40, 36, 48)
WHITE: RGB = (255, 255, 255)
CREAM: RGB = (255, 244, 214)
BEAK: RGB = (250, 150, 40)
GLASS: RGB = (190, 228, 250)
STEEL: RGB = (176, 184, 196)
WOOD: RGB = (150, 100, 60)
LEAF: RGB = (70, 160, 70)
GOLD: RGB = (255, 214, 84)
BLUSH: RGB = (250, 160, 160)

_CIRCLE = [(math.cos(k * math.pi / 16), math.sin(k * math.pi / 16)) for k in range(32)]

DRAWERS: dict[str, Callable[["Pen"], None]] = {}


def shape(function: Callable[["Pen"], None]) -> Callable[["Pen"], None]:
    """Register a function as the drawing of the concept it is named after (_pine_tree)."""
    DRAWERS[function.__name__.strip("_").replace("_", " ")] = function
    return function


def mix(a: RGB, b: RGB, share: float) -> RGB:
    """Return the colour that is ``share`` of the way from ``a`` to ``b``."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


class Pen:
    """Draws in one main colour with its shades; coordinates run from 0 to 100.

    ``main``, ``dark`` and ``light`` are the colour asked for and its shades, ``ink`` the outline. A
    black thing has a lighter outline, or its parts would not show.
    """

    def __init__(self, colour: str, pixels: int):
        self.main = PALETTE[colour]
        is_black, is_white = colour == "black", colour == "white"
        self.dark = (200, 205, 216) if is_white else mix(self.main, (20, 10, 40), 0.28)
        self.light = mix(self.main, WHITE, 0.25 if is_black else 0.45)
        self.ink = (128, 128, 142) if is_black else mix(INK, self.main, 0.16)
        # A part that must differ from the main colour, as a belly does.
        self.pale = (216, 222, 232) if is_white else mix(self.main, CREAM, 0.7)
        self.scale = pixels / (CANVAS + 2 * MARGIN)
        self.image = Image.new("RGBA", (pixels, pixels))
        self._draw = ImageDraw.Draw(self.image)
        self._merged: list[tuple[Pixels, RGB, bool]] | None = None

    def _to_pixels(self, points: Points) -> Pixels:
        return [((x + MARGIN) * self.scale, (y + MARGIN) * self.scale) for x, y in points]

    def poly(self, points: Points, fill: RGB, edge: float = OUTLINE) -> None:
        """Fill a polygon; ``edge`` is the width of the outline around it (0: none)."""
        self._area(points, fill, edge, smooth=False)

    def _area(self, points: Points, fill: RGB, edge: float, smooth: bool) -> None:
        pixels = self._to_pixels(points)
        if self._merged is not None:
            self._merged.append((pixels, fill, smooth))
            return
        if edge:
            self._outline(pixels, edge, smooth)
        self._draw.polygon(pixels, fill=fill)

    def _outline(self, pixels: Pixels, edge: float, smooth: bool) -> None:
        width = max(1, round(2 * edge * self.scale))
        # Rounding the joints is slow, and between the many points of a smooth curve not seen.
        joint = None if smooth else "curve"
        self._draw.line([*pixels, *pixels[:2]], fill=self.ink, width=width, joint=joint)

    @contextmanager
    def merged(self) -> Iterator[None]:
        """Give all areas drawn inside one common outline."""
        self._merged = []
        yield
        areas, self._merged = self._merged, None
        for pixels, _, smooth in areas or ():
            self._outline(pixels, OUTLINE, smooth)
        for pixels, fill, _ in areas or ():
            self._draw.polygon(pixels, fill=fill)

    def oval(self, x: float, y: float, rx: float, ry: float, fill: RGB, turn: float = 0,
             edge: float = OUTLINE) -> None:  # fmt: skip
        """Fill an ellipse around (x, y), turned clockwise by ``turn`` degrees."""
        cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        a, b, c, d = rx * cos, -ry * sin, rx * sin, ry * cos
        points = [(x + u * a + v * b, y + u * c + v * d) for u, v in _CIRCLE]
        self._area(points, fill, edge, smooth=True)

    def box(self, x0: float, y0: float, x1: float, y1: float, fill: RGB, radius: float = 0,
            edge: float = OUTLINE) -> None:  # fmt: skip
        """Fill a rectangle, its corners rounded."""
        points = []
        corners = (
            (x1, y0, -1, 1, -90),
            (x1, y1, -1, -1, 0),
            (x0, y1, 1, -1, 90),
            (x0, y0, 1, 1, 180),
        )
        for x, y, in_x, in_y, start in corners:
            for step in range(7 if radius else 1):
                angle = math.radians(start + step * 15)
                cx, cy = x + in_x * radius, y + in_y * radius
                points.append((cx + radius * math.cos(angle), cy + radius * math.sin(angle)))
        self.poly(points, fill, edge)

    def blob(self, points: Points, fill: RGB, edge: float = OUTLINE) -> None:
        """Fill the smooth closed curve (Catmull-Rom spline) through the points."""
        count = len(points)
        curve: list[Point] = []
        for i in range(count):
            curve += _spline(*(points[(i + k) % count] for k in (-1, 0, 1, 2)))
        self._area(curve, fill, edge, smooth=True)

    def line(self, points: Points, fill: RGB, width: float, edge: float = OUTLINE) -> None:
        """Draw a line with round ends."""
        pixels = self._to_pixels(points)
        strokes = [(width + 2 * edge, self.ink), (width, fill)] if edge else [(width, fill)]
        for stroke, colour in strokes:
            thick = max(1, round(stroke * self.scale))
            self._draw.line(pixels, fill=colour, width=thick, joint="curve")
            for x, y in (pixels[0], pixels[-1]):
                box = (x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2)
                self._draw.ellipse(box, fill=colour)

    def curve(self, points: Points, fill: RGB, width: float, edge: float = 0) -> None:
        """Draw a smooth open line through the points."""
        ends = [points[0], *points, points[-1]]
        smooth: list[Point] = []
        for i in range(len(points) - 1):
            smooth += _spline(*ends[i : i + 4])
        self.line([*smooth, points[-1]], fill, width, edge)

    def eye(self, x: float, y: float, radius: float = 4.0) -> None:
        """Draw an eye that shows on any colour."""
        self.oval(x, y, radius, radius, WHITE, edge=0.8)
        self.oval(x + radius * 0.15, y, radius * 0.62, radius * 0.68, INK, edge=0)
        self.oval(x - radius * 0.1, y - radius * 0.3, radius * 0.24, radius * 0.24, WHITE, edge=0)

    def wheel(self, x: float, y: float, radius: float) -> None:
        """Draw a tyre with its hub."""
        self.oval(x, y, radius, radius, (58, 58, 66), edge=1.2)
        self.oval(x, y, radius * 0.48, radius * 0.48, (214, 218, 224), edge=0)


# Weights of the four control points at each step between the middle two.
_SPLINE_WEIGHTS = [
    (
        (-t + 2 * t**2 - t**3) / 2,
        (2 - 5 * t**2 + 3 * t**3) / 2,
        (t + 4 * t**2 - 3 * t**3) / 2,
        (t**3 - t**2) / 2,
    )
    for t in (step / 6 for step in range(6))
]


def _spline(p0: Point, p1: Point, p2: Point, p3: Point) -> list[Point]:
    """Return points of the Catmull-Rom curve from p1 to before p2."""
    return [
        (
            a * p0[0] + b * p1[0] + c * p2[0] + d * p3[0],
            a * p0[1] + b * p1[1] + c * p2[1] + d * p3[1],
        )
        for a, b, c, d in _SPLINE_WEIGHTS
    ]
