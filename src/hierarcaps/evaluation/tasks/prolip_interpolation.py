"""ProLIP's protocol: the texts met in steps from the nearest caption to the root."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from hierarcaps.data.hierarchy import TIERS
from hierarcaps.evaluation.tasks import space
from hierarcaps.evaluation.tasks.hierarchical import candidates
from hierarcaps.evaluation.tasks.protocol import Items, TestSetTask, images_of, item_columns
from hierarcaps.models.embeddings import Embeddings

STEPS = 50


class ProLIPInterpolation(TestSetTask):
    """Which texts are nearest to points between an image's best caption and the root?

    The protocol by which ProLIP reports precision and recall on HierarCaps (``hcaps_det_eval`` of
    ``eval_hcaps.py`` in its repository). Its numbers are not comparable with the paper's precision
    and recall: the way starts at a text and not at the image, whatever is nearest to a step is
    retrieved with no radius in between, and a row counts alone even where its image has several.

    From the text that is most similar to the image 50 steps are taken, at 0, .02, ... .98 of the
    straight way to the root, the text of the empty string (of the hyperboloid the vertex, in equal
    steps of the geodesic, as MERU and HyCoCLIP traverse); what is retrieved are the texts nearest
    to the steps. Candidates are the texts of all tiers. ProLIP's variant whose root is chosen for
    each image by uncertainties is not measured: other models have none. ``Traversal`` is the way
    from the image itself, without steps.
    """

    name = "prolip_interpolation"
    version = 1

    def items(self, items: Items, embeddings: Embeddings) -> pd.DataFrame:
        """Return per item the texts met, the general ones first, precision, recall and hits."""
        texts, images = candidates(items), images_of(items)
        met = _met(embeddings, images, texts)
        table = item_columns(items)
        table["retrieved"] = [[texts[index] for index in way] for way in met]
        found = [set(way) for way in table["retrieved"]]
        pairs = list(zip(found, items, strict=True))
        table["precision"] = [len(each.intersection(i.tiers)) / len(each) for each, i in pairs]
        for tier in range(TIERS):
            table[f"hit_{tier + 1}"] = [i.tiers[tier] in each for each, i in pairs]
        table["recall"] = table.filter(like="hit_").mean(axis=1)
        return table

    def values(self, table: pd.DataFrame) -> Mapping[str, np.ndarray]:
        """Return precision, recall, the recall of each tier and the number of texts met."""
        tiers = {
            f"recall_tier_{t + 1}": table[f"hit_{t + 1}"].to_numpy(float) for t in range(TIERS)
        }
        return {
            "precision": table["precision"].to_numpy(float),
            "recall": table["recall"].to_numpy(float),
            **tiers,
            "texts_met": table["retrieved"].str.len().to_numpy(float),
        }


def _met(embeddings: Embeddings, images: list[str], texts: list[str]) -> list[list[int]]:
    """Return per image the indexes of the texts met, each once, from the root's end."""
    nearest = [
        chunk.argmax(axis=1) for chunk in space.image_text_similarities(embeddings, images, texts)
    ]
    starts, start_of = np.unique(np.concatenate(nearest), return_inverse=True)
    vectors = embeddings.texts[embeddings.text_rows(texts)]
    geometry, root = embeddings.geometry, embeddings.root
    steps = []
    for step in range(STEPS):
        points = geometry.towards_root(vectors[starts], root, step / STEPS)
        steps.append(geometry.similarities(points, vectors).argmax(axis=1))
    ways = [list(dict.fromkeys(way)) for way in np.array(steps[::-1]).T.tolist()]
    return [ways[start] for start in start_of]
