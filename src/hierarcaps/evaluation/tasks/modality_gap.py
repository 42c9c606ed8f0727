"""Where images lie among texts: the modality gap, and images seen from the root."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from hierarcaps.evaluation.tasks import space
from hierarcaps.evaluation.tasks.protocol import (
    Items,
    TestSetTask,
    half_of_units,
    images_of,
    item_columns,
    once_per_unit,
)
from hierarcaps.models.embeddings import Embeddings


class ModalityGap(TestSetTask):
    """How far apart are images and their most specific captions, and which are nearer the root?

    The **gap** is the distance of the centroids of images and of captions (Liang et al., 2022:
    "Mind the gap"): 0 if both fill the same region, at most 2. It and the cosine are of directions
    from the centre, which unit vectors are, so that other geometries can be set beside the sphere.
    The direction is fitted on one half of the images and the gap measured along it on the other:
    fitted and measured on the same ones, clouds of one distribution would have a gap. An image
    shows all that its caption says and more, so one expects it at least as far from the
    root; radii are those of the model's geometry.
    """

    name = "modality_gap"

    def items(self, items: Items, embeddings: Embeddings) -> pd.DataFrame:
        """Return per item the cosine of image and caption, and the radius of both.

        ``along_gap`` is the item's caption minus its image, projected on the direction from the
        centroid of images to that of captions of the other half; NaN for the half that it was
        fitted on. Its mean is the gap.
        """
        names, texts = images_of(items), [item.tiers[-1] for item in items]
        image = _directions(embeddings.images[embeddings.image_rows(names)])
        text = _directions(embeddings.texts[embeddings.text_rows(texts)])
        table = item_columns(items)
        fitted = half_of_units(table["unit"])
        # A sum points where the mean does, and is defined for no rows.
        gap = (text - image)[fitted].sum(axis=0)
        length = np.linalg.norm(gap)
        table["cosine"] = np.einsum("nd,nd->n", image, text)
        table["image_radius"] = space.image_radii(embeddings, names)
        table["text_radius"] = space.radii(embeddings, texts)
        along = (text - image) @ (gap / length if length else gap)
        table["along_gap"] = np.where(fitted, np.nan, along)
        return table

    def values(self, table: pd.DataFrame) -> Mapping[str, np.ndarray]:
        """Return the gap, the mean cosine of pairs, mean radii, and how often images lie beyond."""
        image, text = table["image_radius"].to_numpy(), table["text_radius"].to_numpy()
        return {
            "gap": table["along_gap"].to_numpy(),
            "cosine_of_pairs": table["cosine"].to_numpy(),
            "image_radius": once_per_unit(table, image),
            "text_radius": text,
            "image_beyond_text": (image > text).astype(float),
        }


def _directions(vectors: np.ndarray) -> np.ndarray:
    """Return vectors (N, D) at length 1, in double precision; a vector of length 0 stays."""
    found = vectors.astype(np.float64)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return found / np.where(lengths > 0, lengths, 1)
