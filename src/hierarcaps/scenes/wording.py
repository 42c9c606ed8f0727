"""Every way in which the grammar can put a value into words."""

from hierarcaps.scenes import taxonomy
from hierarcaps.scenes.logic import SEVERAL, Count

IMAGE_WORDS = ("picture", "photo", "drawing")
# The first wording of each list is the plain one; realise() prefers it.
COLOUR_WORDS = {colour: (colour,) for colour in taxonomy.COLOURS} | {"gray": ("gray", "grey")}
SIZE_WORDS = {
    "small": ("small", "little", "tiny"),
    "medium": ("medium-sized",),
    "large": ("large", "big", "huge"),
}
SETTING_WORDS = {
    "beach": ("on the beach", "at the beach", "on a sandy beach"),
    "field": ("in a field", "in the field", "on a green field"),
    "night": ("at night", "under the night sky", "in the night"),
    "street": ("on the street", "in the street", "on a city street"),
    "snow": ("in the snow", "on the snow", "in a snowy landscape"),
    "desert": ("in the desert", "in a desert", "in a sandy desert"),
    "room": ("in a room", "in the room", "inside a room", "indoors"),
    "sea": ("on the sea", "in the sea", "at sea"),
}
RELATION_WORDS = {
    "above": ("above", "over"), "below": ("below", "under", "underneath"),
    "next to": ("next to", "beside"), taxonomy.ANY_RELATION: ("with", "and"),
}  # fmt: skip
DETERMINERS: dict[str, tuple[Count | None, bool]] = {  # (count, whether a plural follows)
    "": (None, False), "a": (None, False), "an": (None, False), "the": (None, False),
    "one": (1, False), "a single": (1, False),
    "several": (SEVERAL, True), "some": (SEVERAL, True), "many": (SEVERAL, True),
    "two": (2, True), "a pair of": (2, True), "a couple of": (2, True), "three": (3, True),
}  # fmt: skip
# Forms that the grammar does not write but that people and language models do: kind, forms.
OTHER_NOUNS = ((taxonomy.ROOT, "object", "objects"), ("fruit", "piece of fruit", "pieces of fruit"))
