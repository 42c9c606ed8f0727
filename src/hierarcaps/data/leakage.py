"""Which training data is of test images, under whatever name: it is left out."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.data.names import canonical, file_name

_COCO_PREFIX = re.compile(r"^COCO_(train|val|test)\d{4}_")


def image_key(name: str) -> str:
    """Return the identity of an image whatever its folder, extension, spelling or COCO release.

    ``COCO_val2014_000000301718.jpg`` and ``https://x/train2017/000000301718.jpg?width=640`` are
    one image.
    """
    stem = Path(canonical(file_name(str(name)))).stem
    return _COCO_PREFIX.sub("", stem)


def leave_out(
    items: Sequence[CaptionHierarchy], test_images: Iterable[str]
) -> list[CaptionHierarchy]:
    """Return the items that are of no test image; items without an image stay."""
    excluded = {image_key(name) for name in test_images}
    return [item for item in items if item.image is None or image_key(item.image) not in excluded]
