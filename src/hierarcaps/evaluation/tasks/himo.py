"""HiMo-CLIP's protocol: does the similarity to an image rise as its caption grows?"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from hierarcaps.data.image_sets import ImageSet
from hierarcaps.data.tables import open_text
from hierarcaps.evaluation.tasks import space
from hierarcaps.evaluation.tasks.protocol import Items, images_of
from hierarcaps.models.embeddings import Embeddings
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import sha256_file

LEAST = 2  # captions of an image: one has no correlation


@dataclass(frozen=True)
class GrowingCaptions:
    """HiMo@K (Wu et al., "HiMo-CLIP", AAAI 2026), not a metric of the paper.

    Of K captions of an image, each the beginning of the next, ``himo_at_k`` is the mean over
    images of Pearson's correlation between 1..K and the similarities to the image, 0 where the
    similarities are all equal (``get_himo.py`` of its repository). K differs between images there.
    A caption longer than a model's context is cut by it, as in that code.

    ``similarity_never_falls`` is this project's: the share of images whose similarities never fall.

    On the test set the four tiers take the place of the growing captions. They are no prefixes of
    each other, and a more general text may well be as near to the image: no model must reach 1.

    Attributes:
        name: of the task.
        captions: per image the captions from short to long; None: the tiers of the test set.
        image_set: the images of ``captions``, in its order.
        sources: provenance.
    """

    name: str = "himo_tiers"
    captions: Sequence[Sequence[str]] | None = None
    image_set: ImageSet | None = None
    sources: Mapping[str, Any] = field(default_factory=dict)
    version = 1
    unit = "image"

    def items(self, items: Items, embeddings: Embeddings) -> pd.DataFrame:
        """Return per row its unit (the image), similarities from short to long, correlation."""
        if self.captions is None or self.image_set is None:
            names, captions = images_of(items), [list(item.tiers) for item in items]
        else:
            names, captions = list(self.image_set.names), [list(each) for each in self.captions]
        images = [name for name, each in zip(names, captions, strict=True) for _ in each]
        texts = [text for each in captions for text in each]
        flat = space.caption_image_similarities(embeddings, texts, images)
        similarities = np.split(flat, np.cumsum([len(each) for each in captions])[:-1])
        table = pd.DataFrame({"unit": names, "similarities": similarities})
        table["correlation"] = [correlation_with_place(each) for each in similarities]
        return table

    def values(self, table: pd.DataFrame) -> Mapping[str, np.ndarray]:
        """Return HiMo@K and the share of images whose similarities never fall."""
        rises = [float((np.diff(each) >= 0).all()) for each in table["similarities"]]
        return {
            "himo_at_k": table["correlation"].to_numpy(float),
            "similarity_never_falls": np.array(rises),
        }

    def strings(self, items: Items) -> Iterable[str]:
        """Return the captions that are no tiers."""
        return (text for captions in self.captions or () for text in captions)

    def provenance(self, items: Items) -> Mapping[str, Any]:
        """Return the source of the captions."""
        return self.sources


def correlation_with_place(similarities: ArrayLike) -> float:
    """Return Pearson's correlation of K >= 2 values with 1..K, in [-1, 1]; 0 of equal ones."""
    values = np.asarray(similarities, dtype=np.float64)
    if (values == values[0]).all():
        return 0.0
    return float(np.corrcoef(np.arange(len(values)), values)[0, 1])


def growing_captions(dataset: str, captions: str, images: str) -> GrowingCaptions:
    """Return the task ``himo_{dataset}`` of a data set in HiMo-Docci's format.

    Args:
        dataset: its name.
        captions: JSON lines as :func:`read_growing_captions` reads them.
        images: folder or Parquet file of the images.
    """
    by_image = read_growing_captions(captions)
    image_set = ImageSet(dataset, images, tuple(by_image))
    sources = {"captions": captions, "sha256": sha256_file(captions)}
    return GrowingCaptions(f"himo_{dataset}", tuple(by_image.values()), image_set, sources)


def read_growing_captions(path: str | Path) -> dict[str, tuple[str, ...]]:
    """Return image -> its captions from short to long, in the order of the file.

    A line is a JSON object with ``img_path`` (a bare file name) and ``caption`` (two or more texts,
    each longer than the one before); other keys, such as ``raw_caption``, are left alone.

    Raises:
        InputError: unreadable, a line of another form, or an image that is there twice.
    """
    path = Path(path)
    found: dict[str, tuple[str, ...]] = {}
    try:
        with open_text(path, "file of growing captions (JSON lines)") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    image, captions = _row(f"{path}, line {number}", line)
                    if found.setdefault(image, captions) is not captions:
                        raise InputError(f"{path}, line {number}: image {image!r} is there twice")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not JSON lines, expected UTF-8 text") from None
    if not found:
        raise InputError(f"{path}: found no rows, expected images and growing captions")
    return found


def _row(where: str, line: str) -> tuple[str, tuple[str, ...]]:
    expected = "expected an object with 'img_path' and 'caption', a list of growing texts"
    try:
        content = json.loads(line)
        image, captions = content["img_path"], content["caption"]
    except (ValueError, TypeError, LookupError):
        raise InputError(f"{where}: {expected}") from None
    texts = isinstance(captions, list) and all(isinstance(each, str) for each in captions)
    if not texts or not isinstance(image, str):
        raise InputError(f"{where}: {expected}")
    if not image.strip() or image != Path(image).name:
        raise InputError(f"{where}: found {image[:60]!r}, expected a bare file name")
    sizes = [len(each.strip()) for each in captions]
    if len(sizes) < LEAST or not all(a < b for a, b in zip([0, *sizes], sizes, strict=False)):
        raise InputError(f"{where}: expected {LEAST} or more captions, each longer than the last")
    return image, tuple(each.strip() for each in captions)
