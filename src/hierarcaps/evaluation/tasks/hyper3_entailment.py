"""Hyper3-CLIP's protocol: are an image's own captions ranked above those of other images?"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd

from hierarcaps.evaluation.tasks import space
from hierarcaps.evaluation.tasks.entailment import of_pairs
from hierarcaps.evaluation.tasks.protocol import Items, TestSetTask, Values, distinct_images
from hierarcaps.metrics.ranking import auroc_of_weights, average_precision_of_weights
from hierarcaps.models.embeddings import Embeddings

NEGATIVES = 100
# A constant: every model is asked about the same pairs.
SEED = 0
KINDS = ("first", "even")
# Column: suffix of its metrics.
SCORES = {"score": "", "margin": "_margin", "similarity": "_similarity"}


@dataclass(frozen=True)
class Hyper3Entailment(TestSetTask):
    """Area under the ROC curve and average precision of pairs of a caption and an image.

    The protocol of Hyper3-CLIP ("Hierarchy AP" and "AUROC"; ``hierarchy_entailment.py`` of its
    repository), not of the paper, and of images: the project's own ``entailment`` is of texts.
    Positive pairs are an item's image and each of its four tiers. Negatives are most specific
    tiers of other items, without those among the item's own tiers:

    * ``..._first``: as there, the first 100 in the order of the test set. They are nearly the same
      hundred captions for every image, so the numbers tell little of other captions.
    * ``..._even``: this project's fair version, 100 drawn evenly from all items, once for all
      models, without any text of the same image.

    The caption is the general side. Scores, of the exterior angle ``phi`` at the caption:

    * none in the name: ``max(1 - 2 phi / pi, 0)``, the formula of that paper;
    * ``..._margin``: ``Theta(caption) - phi`` with the caption's half-aperture, by which its
      published numbers were made, since the formula is 0 beyond a right angle. The sphere has no
      cones of MERU's: ``-phi``;
    * ``..._similarity``: what the model ranks by, a control that knows no direction; area alone.

    On the sphere ``phi`` is the paper's ``Xi_r`` from the model's root. Chance is .5 for the area,
    the share of positives (4 of 104) for the precision. Items' own negatives are not used.
    Intervals are over images.
    """

    name = "hyper3_entailment"
    version = 1

    def items(self, items: Items, embeddings: Embeddings) -> pd.DataFrame:
        """Return a row per pair: item_id, unit, kind (own, first, even), caption, the scores."""
        columns = ["item_id", "unit", "kind", "caption"]
        table = pd.DataFrame(caption_pairs(items), columns=columns)
        captions, images = list(table["caption"]), list(table["unit"])
        angle = space.caption_image_angles(embeddings, captions, images)
        table["score"] = np.maximum(1 - 2 * angle / math.pi, 0)
        apertures = space.half_apertures(embeddings, captions)
        table["margin"] = -angle if apertures is None else apertures - angle
        table["similarity"] = space.caption_image_similarities(embeddings, captions, images)
        return table

    def values(self, table: pd.DataFrame) -> Mapping[str, Values]:
        """Return ``{metric}_{kind of the negatives}{score}``."""
        values: dict[str, Values] = {}
        for kind in KINDS:
            rows = table[table["kind"].isin(["own", kind])]
            if not (rows["kind"] == kind).any():
                continue
            for column, suffix in SCORES.items():
                scores = rows[column].to_numpy(float)
                values[f"auroc_{kind}{suffix}"] = of_pairs(auroc_of_weights, rows, "own", scores)
                if column != "similarity":
                    name = f"average_precision_{kind}{suffix}"
                    values[name] = of_pairs(average_precision_of_weights, rows, "own", scores)
        return values


def caption_pairs(items: Items) -> list[tuple[str, str, str, str]]:
    """Return (item_id, image, kind, caption) of all pairs, kind being own, first or even."""
    images = distinct_images(items)
    rng = np.random.default_rng(SEED)
    order = np.arange(len(items))
    pairs = []
    for index, item in enumerate(items):
        row = images.row_of_item[index]
        of_image = set().union(*images.gold[row])
        even = rng.permutation(len(items))
        captions = [
            *(("own", text) for text in item.tiers),
            *(("first", text) for text in _others(items, index, order, set(item.tiers))),
            *(("even", text) for text in _others(items, index, even, of_image)),
        ]
        pairs += [(item.item_id, images.names[row], *each) for each in captions]
    return pairs


def _others(items: Items, own: int, order: np.ndarray, without: set[str]) -> Iterator[str]:
    """Return the first most specific tiers of other items in this order."""
    texts = (items[index].tiers[-1] for index in order if index != own)
    return islice((text for text in texts if text not in without), NEGATIVES)
