"""Scenes as pictures: cartoon objects with an outline and soft shading on a painted setting.

Everything is drawn with Pillow at three times the size and averaged down. Each concept is drawn
once per colour and each background once per variant; a scene pastes scaled copies of these.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from random import Random
from typing import Any

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from hierarcaps.scenes import taxonomy
from hierarcaps.scenes.scene import SPLITS, Scene, SceneObject
from hierarcaps.scenes.shapes import animals, nature, things, vehicles
from hierarcaps.scenes.shapes.backgrounds import SUPERSAMPLING, paint
from hierarcaps.scenes.shapes.pen import DRAWERS, Pen

IMAGE_SIZE = 64
# Each split has its own dozen of variants of each setting (see ``scene``).
BACKGROUND_VARIANTS = 12 * len(SPLITS)
# The longer side of one thing, as a share of the picture, by the number of things beside it.
EXTENTS = {
    1: {"small": 0.52, "medium": 0.69, "large": 0.88},
    2: {"small": 0.33, "medium": 0.41, "large": 0.49},
    3: {"small": 0.28, "medium": 0.35, "large": 0.43},
}
FLYING = frozenset({"butterfly", "bee", "rocket", "plane", "helicopter", "kite"})
_MODULES = (animals, nature, things, vehicles)


def draw(scene: Scene, pixels: int = IMAGE_SIZE) -> Image.Image:
    """Return the scene's picture (RGB, ``pixels`` x ``pixels``): equal scenes, equal pictures."""
    rng = Random(scene.layout)
    picture = _background(scene.setting, scene.layout % BACKGROUND_VARIANTS, pixels).copy()
    places = _pair_places(scene, rng) if scene.companion else _group_places(scene.subject, rng)
    for thing, x, bottom, extent in places:
        side = max(4, 2 * round(extent * pixels / 2))
        sprite = _sprite(thing.concept, thing.colour, side, rng.random() < 0.5, pixels)
        left, top = round(x * pixels - sprite.width / 2), round(bottom * pixels - sprite.height)
        left = min(max(left, 0), pixels - sprite.width)
        top = min(max(top, 0), pixels - sprite.height)
        if thing.concept not in FLYING and bottom > 0.75:
            shadow = _shadow(sprite.width)
            picture.paste(
                (20, 24, 40), (left, top + sprite.height - shadow.height * 2 // 3), shadow
            )
        picture.paste(sprite, (left, top), sprite)
    return picture


# (thing, x of its centre, y of its foot, longer side), in shares of the picture's side.
Place = tuple[SceneObject, float, float, float]


def _group_places(thing: SceneObject, rng: Random) -> list[Place]:
    """Place 1 to 3 things, far ones first."""
    extent = EXTENTS[thing.count][thing.size] + rng.uniform(-0.025, 0.025)
    shift, floor = rng.uniform(-0.04, 0.04), rng.uniform(0.90, 0.97)
    if thing.count == 1:
        room = (1 - extent) / 2
        x = 0.5 + rng.uniform(-room, room) * 0.8
        return [(thing, x, min(floor, 0.5 + extent / 2 + rng.uniform(0.1, 0.3)), extent)]
    if thing.count == 2:
        gap = max(extent, 0.4) / 2 + 0.005
        tilt = rng.uniform(-0.08, 0.0)
        floor -= (0.5 - extent) * rng.uniform(0.3, 1.0)
        return [
            (thing, 0.5 - gap + shift / 4, floor + tilt, extent),
            (thing, 0.5 + gap + shift / 4, floor, extent),
        ]
    gap = max(extent, 0.36) * 0.56
    return [
        (thing, 0.5 + shift, floor - extent - 0.03, extent),
        (thing, 0.5 - gap, floor, extent),
        (thing, 0.5 + gap, floor, extent),
    ]


def _pair_places(scene: Scene, rng: Random) -> list[Place]:
    first, second = scene.objects
    sizes = [EXTENTS[2][each.size] + rng.uniform(-0.015, 0.015) for each in (first, second)]
    shift, floor = rng.uniform(-0.1, 0.1), rng.uniform(0.93, 0.98)
    if scene.relation == "next to":
        side = rng.choice((-1, 1))
        return [
            (second, 0.5 + side * 0.25, floor, sizes[1]),
            (first, 0.5 - side * 0.25, floor, sizes[0]),
        ]
    upper, lower = (0, 1) if scene.relation == "above" else (1, 0)
    return [
        (scene.objects[upper], 0.5 + shift, floor - sizes[lower] - 0.01, sizes[upper]),
        (scene.objects[lower], 0.5 + shift / 2, floor, sizes[lower]),
    ]


@lru_cache(maxsize=len(taxonomy.SETTINGS) * BACKGROUND_VARIANTS)
def _background(setting: str, variant: int, pixels: int) -> Image.Image:
    return paint(setting, variant, pixels)


@lru_cache(maxsize=16384)
def _sprite(concept: str, colour: str, side: int, mirrored: bool, pixels: int) -> Image.Image:
    """Return the concept (RGBA, cropped to it), its longer side scaled to ``side`` pixels."""
    if mirrored:
        original = _sprite(concept, colour, side, False, pixels)
        return original.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    master = _master(concept, colour, max(pixels, IMAGE_SIZE))
    scale = side / max(master.size)
    size = (max(1, round(master.width * scale)), max(1, round(master.height * scale)))
    return master.resize(size, Image.Resampling.BOX).convert("RGBA")


@cache
def _master(concept: str, colour: str, pixels: int) -> Image.Image:
    """Return the concept at the supersampled size, with premultiplied alpha."""
    pen = Pen(colour, pixels * SUPERSAMPLING)
    DRAWERS[concept](pen)
    return _shaded(pen.image).crop(pen.image.getbbox()).convert("RGBa")


def _shaded(image: Image.Image) -> Image.Image:
    """Darken the lower part and lighten the upper left, which gives the flat areas some volume."""
    dim, glow = _lights(image.width)
    return ImageChops.screen(ImageChops.multiply(image, dim), glow)


@cache
def _lights(side: int) -> tuple[Image.Image, Image.Image]:
    """Return what multiplies and what brightens an RGBA image; both leave its alpha alone."""
    dim = Image.linear_gradient("L").point([255 - round(max(0, v - 100) * 0.4) for v in range(256)])
    # The glow's centre lies at 0.27 of the sides.
    glow = Image.radial_gradient("L").resize((512, 512)).crop((186, 186, 442, 442))
    glow = glow.point([round(max(0, 150 - v) * 0.3) for v in range(256)])
    dim, glow, full = (
        dim.resize((side, side)),
        glow.resize((side, side)),
        Image.new("L", (side,) * 2),
    )
    return Image.merge("RGBA", (dim, dim, dim, full.point([255] * 256))), Image.merge(
        "RGBA", (glow, glow, glow, full)
    )


@cache
def _shadow(width: int) -> Image.Image:
    height = max(3, width // 6)
    big = Image.new("L", (width * 3, height * 3))
    ImageDraw.Draw(big).ellipse((0, 0, width * 3 - 1, height * 3 - 1), fill=80)
    return big.filter(ImageFilter.BoxBlur(height / 2)).reduce(3)


def contact_sheet(
    pictures: Sequence[Image.Image], labels: Sequence[str], columns: int, zoom: int = 2
) -> Image.Image:
    """Return a grid of equally large pictures, magnified, with a wrapped label under each."""
    side, gap, line_height = pictures[0].width * zoom, 8, 16
    font = ImageFont.load_default(13)
    texts = [_wrapped(label, font, side + gap) for label in labels]
    label_height = line_height * max(len(lines) for lines in texts) + 4
    rows = -(-len(pictures) // columns)
    size = (columns * (side + gap) + gap, rows * (side + label_height + gap) + gap)
    sheet = Image.new("RGB", size, "white")
    canvas = ImageDraw.Draw(sheet)
    for index, (picture, lines) in enumerate(zip(pictures, texts, strict=True)):
        x = gap + index % columns * (side + gap)
        y = gap + index // columns * (side + label_height + gap)
        sheet.paste(picture.resize((side, side), Image.Resampling.NEAREST), (x, y))
        for row, line in enumerate(lines):
            place = (x + side / 2, y + side + 3 + row * line_height)
            canvas.text(place, line, "black", font, anchor="ma")
    return sheet


def _wrapped(text: str, font: Any, width: float) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def concept_sheet(columns: int = 8, zoom: int = 2, pixels: int = IMAGE_SIZE) -> Image.Image:
    """Return a contact sheet of all concepts, each in its typical colour and setting."""
    concepts = taxonomy.CONCEPTS.values()
    scenes = [
        Scene((SceneObject(each.name, each.colour, "large", 1),), each.setting, None, 3 * index)
        for index, each in enumerate(concepts)
    ]
    pictures = [draw(scene, pixels) for scene in scenes]
    return contact_sheet(pictures, [each.name for each in concepts], columns, zoom)


def scene_sheet(
    scenes: Sequence[Scene], captions: Sequence[str], columns: int = 8, zoom: int = 2
) -> Image.Image:
    """Return a contact sheet of scenes with a caption under each."""
    return contact_sheet([draw(scene) for scene in scenes], captions, columns, zoom)
