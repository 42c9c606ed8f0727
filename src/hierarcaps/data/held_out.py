"""Which images are held out, of whatever is made of them."""

from collections.abc import Iterable
from random import Random


def choose_held_out(
    images: Iterable[str], share: float, seed: int, most: int | None = None
) -> set[str]:
    """Return a share of the distinct images, one at the least.

    Args:
        images: their names, in any order and as often as they occur; one at least.
        share: in (0, 1).
        seed: of the choice.
        most: images at the most; None for no limit.
    """
    distinct = sorted(set(images))
    size = round(share * len(distinct))
    if most is not None:
        size = min(most, size)
    return set(Random(f"held out/{seed}").sample(distinct, max(1, size)))
