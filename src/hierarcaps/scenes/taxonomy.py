"""The words of the drawn world: a tree of kinds, and the values of every attribute.

The kinds form a tree: the root ``thing``, then 8 categories, some middle levels (bird, fruit, ...)
and 46 concepts, the leaves, which are what can be drawn. Each attribute has a few exclusive values.
"""

from dataclasses import dataclass
from functools import cache

ROOT = "thing"

COLOURS = (
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "gray",
)  # fmt: skip
SIZES = ("small", "medium", "large")
COUNTS = (1, 2, 3)
SETTINGS = ("beach", "field", "night", "street", "snow", "desert", "room", "sea")
RELATIONS = ("above", "below", "next to")
# The relation above -> with: it says only that the second object is there.
ANY_RELATION = "with"


@dataclass(frozen=True)
class Noun:
    """A countable noun and, where there is one, its mass noun (``food``: a piece of food)."""

    singular: str
    plural: str
    mass: str | None = None


@dataclass(frozen=True)
class Concept:
    """A drawable leaf: the kind above it, and its typical colour and setting."""

    name: str
    parent: str
    colour: str
    setting: str


# name: (category, or middle level; typical colour; typical setting)
_CONCEPTS = {
    "duck": ("bird", "yellow", "sea"),
    "owl": ("bird", "brown", "night"),
    "penguin": ("bird", "black", "snow"),
    "butterfly": ("insect", "orange", "field"),
    "bee": ("insect", "yellow", "field"),
    "cat": ("animal", "gray", "room"),
    "rabbit": ("animal", "white", "field"),
    "fish": ("animal", "orange", "sea"),
    "turtle": ("animal", "green", "beach"),
    "elephant": ("animal", "gray", "desert"),
    "car": ("vehicle", "red", "street"),
    "bus": ("vehicle", "yellow", "street"),
    "truck": ("vehicle", "blue", "street"),
    "train": ("vehicle", "black", "snow"),
    "boat": ("vehicle", "white", "sea"),
    "rocket": ("vehicle", "white", "night"),
    "plane": ("aircraft", "white", "beach"),
    "helicopter": ("aircraft", "green", "desert"),
    "palm tree": ("tree", "green", "beach"),
    "pine tree": ("tree", "green", "snow"),
    "sunflower": ("flower", "yellow", "field"),
    "tulip": ("flower", "pink", "field"),
    "cactus": ("plant", "green", "desert"),
    "apple": ("fruit", "red", "room"),
    "banana": ("fruit", "yellow", "beach"),
    "strawberry": ("fruit", "red", "field"),
    "cake": ("dessert", "pink", "room"),
    "ice cream": ("dessert", "white", "beach"),
    "pizza": ("food", "orange", "street"),
    "house": ("building", "red", "street"),
    "castle": ("building", "gray", "night"),
    "lighthouse": ("building", "red", "sea"),
    "skyscraper": ("building", "blue", "night"),
    "windmill": ("building", "brown", "field"),
    "teddy bear": ("toy", "brown", "room"),
    "ball": ("toy", "red", "beach"),
    "kite": ("toy", "purple", "field"),
    "robot": ("toy", "gray", "room"),
    "chair": ("seat", "brown", "room"),
    "sofa": ("seat", "purple", "room"),
    "table": ("furniture", "brown", "room"),
    "bed": ("furniture", "blue", "room"),
    "lamp": ("furniture", "yellow", "night"),
    "shirt": ("clothing", "blue", "room"),
    "hat": ("clothing", "black", "desert"),
    "boot": ("clothing", "brown", "snow"),
}
CONCEPTS: dict[str, Concept] = {name: Concept(name, *row) for name, row in _CONCEPTS.items()}
CATEGORIES = ("animal", "vehicle", "plant", "food", "building", "toy", "furniture", "clothing")
MIDDLE_LEVELS = {
    "bird": "animal", "insect": "animal", "aircraft": "vehicle", "tree": "plant",
    "flower": "plant", "fruit": "food", "dessert": "food", "seat": "furniture",
}  # fmt: skip
PARENTS: dict[str, str] = (
    dict.fromkeys(CATEGORIES, ROOT)
    | MIDDLE_LEVELS
    | {name: concept.parent for name, concept in CONCEPTS.items()}
)
KINDS = (ROOT, *PARENTS)

_IRREGULAR = {
    "food": Noun("piece of food", "pieces of food", "food"),
    "furniture": Noun("piece of furniture", "pieces of furniture", "furniture"),
    "clothing": Noun("piece of clothing", "pieces of clothing", "clothing"),
    "fruit": Noun("fruit", "fruits", "fruit"),
    "fish": Noun("fish", "fish"),
    "aircraft": Noun("aircraft", "aircraft"),
    "butterfly": Noun("butterfly", "butterflies"),
    "strawberry": Noun("strawberry", "strawberries"),
    "bus": Noun("bus", "buses"),
    "cactus": Noun("cactus", "cacti"),
}
NOUNS: dict[str, Noun] = {kind: _IRREGULAR.get(kind, Noun(kind, kind + "s")) for kind in KINDS}


@cache
def ancestors(kind: str) -> tuple[str, ...]:
    """Return ``kind`` and all kinds above it, up to the root ``thing``."""
    return (kind,) if kind == ROOT else (kind, *ancestors(PARENTS[kind]))


def category(kind: str) -> str:
    """Return the category above (or equal to) a kind other than the root."""
    return ancestors(kind)[-2]


def article(word: str) -> str:
    """Return ``a`` or ``an``; every word of this world that starts with a vowel letter takes an."""
    return "an" if word[0] in "aeiou" else "a"


@cache
def held_out_colour(concept: str) -> str:
    """Return the one colour in which a concept appears in the test split only.

    The rule: concept number i (in the order of ``CONCEPTS``) leaves out colour number -3i mod 11,
    or the next one where that is the concept's typical colour. So every concept is held out in
    exactly one colour, and every colour for four or five concepts.
    """
    index = -3 * list(CONCEPTS).index(concept) % len(COLOURS)
    if COLOURS[index] == CONCEPTS[concept].colour:
        index = (index + 1) % len(COLOURS)
    return COLOURS[index]
