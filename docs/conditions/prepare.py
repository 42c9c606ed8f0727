"""Splits the study's hierarchies by category: how far may training be from the test?

Of the drawn world's categories every second one is tested. One table to align on is of those, the
other of the rest; both have the same number of items.
"""

import random
import re
from pathlib import Path

from hierarcaps.data.hierarchy import CaptionHierarchy, read_hierarchies, write_hierarchies
from hierarcaps.scenes.taxonomy import CATEGORIES

FOLDER = Path("data/conditions")
TESTED = sorted(CATEGORIES)[::2]


def category(item: CaptionHierarchy) -> str:
    """Return the category that an item's first tier names; empty where it names none."""
    return next((each for each in CATEGORIES if re.search(rf"\b{each}s?\b", item.tiers[0])), "")


def main() -> None:
    """Write data/conditions/near.csv, far.csv and test.csv."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    items = read_hierarchies("data/hierarcaps/train.csv")
    near = [item for item in items if category(item) in TESTED]
    far = [item for item in items if category(item) not in ("", *TESTED)]
    size = min(len(near), len(far))
    for name, part in (("near", near), ("far", far)):
        write_hierarchies(FOLDER / f"{name}.csv", random.Random(0).sample(part, size))
    test = [item for item in read_hierarchies("data/scenes/test.csv") if category(item) in TESTED]
    write_hierarchies(FOLDER / "test.csv", test)
    print(f"tested: {', '.join(TESTED)}; {size} items to align on, {len(test)} to test")


if __name__ == "__main__":
    main()
