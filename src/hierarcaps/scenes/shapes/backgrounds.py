"""The settings, in soft colours so that the objects stand out."""

from collections.abc import Callable
from random import Random

from PIL import Image, ImageDraw

from hierarcaps.scenes.shapes.pen import RGB, mix

SUPERSAMPLING = 3

PAINTERS: dict[str, Callable[["Canvas"], None]] = {}


class Canvas:
    """A square painted in units of 0..100; ``rng`` varies the picture."""

    def __init__(self, pixels: int, rng: Random):
        self.scale = pixels / 100
        self.rng = rng
        self.image = Image.new("RGB", (pixels, pixels))
        self.draw = ImageDraw.Draw(self.image)

    def _points(self, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        return [(x * self.scale, y * self.scale) for x, y in points]

    def gradient(self, top: float, bottom: float, upper: RGB, lower: RGB) -> None:
        """Fill a band with a vertical gradient."""
        start, end = round(top * self.scale), round(bottom * self.scale)
        for y in range(start, end):
            share = (y - start) / max(1, end - start - 1)
            self.draw.line([(0, y), (self.image.width, y)], fill=mix(upper, lower, share))

    def oval(self, x: float, y: float, rx: float, ry: float, fill: RGB) -> None:
        """Fill an ellipse."""
        box = self._points([(x - rx, y - ry), (x + rx, y + ry)])
        self.draw.ellipse(box, fill=fill)

    def poly(self, points: list[tuple[float, float]], fill: RGB) -> None:
        """Fill a polygon."""
        self.draw.polygon(self._points(points), fill=fill)

    def box(self, x0: float, y0: float, x1: float, y1: float, fill: RGB) -> None:
        """Fill a rectangle."""
        self.poly([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], fill)

    def hill(self, y: float, height: float, centre: float, half: float, fill: RGB) -> None:
        """Fill a hill whose foot is at ``y``."""
        self.oval(centre, y + height * 0.6, half, height * 1.6, fill)

    def cloud(self, x: float, y: float, size: float, fill: RGB = (255, 255, 255)) -> None:
        """Paint a small cloud."""
        for dx, dy, r in ((-1, 0.2, 0.7), (0, -0.2, 0.9), (1, 0.2, 0.7), (0, 0.4, 0.9)):
            self.oval(x + dx * size, y + dy * size, r * size, r * size * 0.7, fill)


def _painter(function: Callable[[Canvas], None]) -> Callable[[Canvas], None]:
    PAINTERS[function.__name__.strip("_")] = function
    return function


def paint(setting: str, variant: int, pixels: int) -> Image.Image:
    """Return the picture (RGB, pixels x pixels) of one variant of a setting."""
    canvas = Canvas(pixels * SUPERSAMPLING, Random(f"{setting}/{variant}"))
    PAINTERS[setting](canvas)
    return canvas.image.reduce(SUPERSAMPLING)


@_painter
def _beach(c: Canvas) -> None:
    horizon = c.rng.uniform(34, 40)
    c.gradient(0, horizon, (150, 215, 250), (214, 240, 252))
    c.oval(c.rng.choice((14, 86)), 12, 8, 8, (255, 236, 150))
    c.cloud(c.rng.uniform(30, 70), c.rng.uniform(8, 20), 6)
    c.gradient(horizon, 100, (60, 170, 215), (200, 240, 235))
    shore = horizon + c.rng.uniform(15, 20)
    c.oval(c.rng.uniform(30, 70), shore + 61, 110, 60, (240, 252, 252))
    c.oval(c.rng.uniform(30, 70), shore + 63, 112, 60, (247, 226, 172))
    for _ in range(9):
        c.oval(c.rng.uniform(0, 100), c.rng.uniform(shore + 12, 98), 1.2, 0.8, (220, 188, 128))


@_painter
def _field(c: Canvas) -> None:
    c.gradient(0, 55, (160, 214, 250), (226, 244, 252))
    for x in (c.rng.uniform(10, 35), c.rng.uniform(60, 90)):
        c.cloud(x, c.rng.uniform(8, 22), c.rng.uniform(5, 7))
    c.hill(52, c.rng.uniform(10, 16), c.rng.uniform(10, 35), 50, (150, 206, 130))
    c.hill(52, c.rng.uniform(8, 14), c.rng.uniform(65, 95), 48, (164, 214, 138))
    c.gradient(52, 100, (158, 212, 112), (122, 188, 88))
    for _ in range(14):
        x, y = c.rng.uniform(0, 100), c.rng.uniform(56, 98)
        c.poly([(x - 1, y), (x, y - 4), (x + 1, y)], (100, 168, 76))
    for _ in range(6):
        c.oval(c.rng.uniform(0, 100), c.rng.uniform(58, 98), 1.3, 1.3, (255, 250, 220))


@_painter
def _night(c: Canvas) -> None:
    c.gradient(0, 78, (28, 32, 84), (84, 78, 150))
    for _ in range(22):
        r = c.rng.uniform(0.5, 1.2)
        c.oval(c.rng.uniform(0, 100), c.rng.uniform(0, 62), r, r, (250, 246, 214))
    x = c.rng.choice((16, 84))
    c.oval(x, 16, 10, 10, (255, 246, 196))
    c.oval(x + 4.5, 13, 8.6, 8.6, (38, 42, 98))
    c.hill(80, c.rng.uniform(8, 14), c.rng.uniform(10, 40), 50, (50, 54, 112))
    c.hill(80, c.rng.uniform(6, 12), c.rng.uniform(60, 95), 50, (58, 60, 120))
    c.gradient(78, 100, (52, 66, 108), (40, 50, 90))


@_painter
def _street(c: Canvas) -> None:
    c.gradient(0, 62, (206, 222, 236), (236, 240, 242))
    x = -c.rng.uniform(0, 12)
    while x < 100:
        width, top = c.rng.uniform(13, 20), c.rng.uniform(14, 36)
        tone = c.rng.randint(186, 206)
        c.box(x, top, x + width, 62, (tone, tone - 2, tone + 6))
        for wy in range(int(top) + 4, 56, 8):
            for wx in (x + width * 0.25, x + width * 0.65):
                c.box(wx - 1.4, wy, wx + 1.4, wy + 3.6, (tone + 28, tone + 28, tone + 22))
        x += width + 1.5
    c.box(0, 60, 100, 68, (216, 210, 202))
    c.box(0, 67, 100, 69, (178, 172, 166))
    c.gradient(69, 100, (118, 122, 132), (104, 108, 118))
    start = c.rng.uniform(-20, 0)
    for step in range(5):
        c.box(start + step * 26, 83, start + step * 26 + 14, 86, (250, 246, 226))


@_painter
def _snow(c: Canvas) -> None:
    c.gradient(0, 60, (176, 198, 224), (222, 232, 244))
    for centre, height in ((c.rng.uniform(10, 40), 30), (c.rng.uniform(60, 95), 24)):
        c.poly([(centre - 34, 60), (centre, 60 - height), (centre + 34, 60)], (152, 172, 204))
        c.poly(
            [
                (centre - 12, 60 - height * 0.65),
                (centre, 60 - height),
                (centre + 12, 60 - height * 0.65),
                (centre + 4, 60 - height * 0.72),
                (centre - 3, 60 - height * 0.6),
            ],
            (244, 248, 254),
        )
    c.gradient(56, 100, (232, 240, 250), (212, 224, 242))
    c.hill(62, 8, c.rng.uniform(20, 80), 95, (238, 245, 253))
    for _ in range(30):
        r = c.rng.uniform(0.8, 1.7)
        c.oval(c.rng.uniform(0, 100), c.rng.uniform(0, 100), r, r, (255, 255, 255))


@_painter
def _desert(c: Canvas) -> None:
    c.gradient(0, 60, (252, 196, 128), (254, 232, 186))
    c.oval(c.rng.choice((18, 50, 82)), c.rng.uniform(14, 22), 10, 10, (255, 244, 200))
    c.hill(58, c.rng.uniform(8, 14), c.rng.uniform(5, 40), 52, (226, 164, 104))
    c.hill(62, c.rng.uniform(8, 14), c.rng.uniform(60, 95), 56, (236, 178, 112))
    c.gradient(62, 100, (240, 188, 120), (224, 166, 98))
    for _ in range(5):
        x, y = c.rng.uniform(-10, 80), c.rng.uniform(68, 96)
        c.poly([(x, y), (x + 14, y - 1.6), (x + 28, y), (x + 14, y - 0.4)], (208, 148, 84))


@_painter
def _room(c: Canvas) -> None:
    wall = c.rng.choice(((240, 226, 206), (222, 232, 222), (232, 222, 236), (238, 232, 202)))
    c.box(0, 0, 100, 66, wall)
    start = c.rng.uniform(-6, 6)
    for stripe in range(9):
        x = start + 12 * stripe
        c.box(x, 0, x + 4, 66, mix(wall, (255, 255, 255), 0.35))
    x = c.rng.choice((8, 66)) + c.rng.uniform(-5, 5)
    c.box(x, 8, x + 26, 38, (255, 255, 255))
    c.box(x + 2.5, 10.5, x + 12, 35.5, (184, 222, 246))
    c.box(x + 14, 10.5, x + 23.5, 35.5, (184, 222, 246))
    c.box(0, 63, 100, 67, (250, 248, 244))
    c.gradient(67, 100, (206, 160, 112), (186, 138, 92))
    for y in (74, 83, 92):
        c.box(0, y, 100, y + 0.8, (166, 120, 78))
    if c.rng.random() < 0.6:
        c.oval(
            c.rng.uniform(42, 58),
            90,
            44,
            9,
            c.rng.choice(((196, 112, 110), (112, 140, 176), (140, 160, 120))),
        )


@_painter
def _sea(c: Canvas) -> None:
    horizon = c.rng.uniform(24, 32)
    c.gradient(0, horizon, (186, 226, 250), (234, 246, 252))
    c.cloud(c.rng.uniform(15, 85), c.rng.uniform(8, 16), 6)
    c.gradient(horizon, 100, (94, 184, 226), (34, 112, 180))
    for row in range(6):
        y = horizon + 8 + row * 12 + c.rng.uniform(-2, 2)
        for _ in range(3):
            x, half = c.rng.uniform(0, 100), c.rng.uniform(5, 9)
            c.poly([(x - half, y), (x, y - 2.2), (x + half, y), (x, y - 0.8)], (214, 240, 252))
