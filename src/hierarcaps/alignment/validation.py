"""Measures a text tower on held-out hierarchies while it is being trained."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hierarcaps.alignment.data import ROOT_ROW, TokenTable
from hierarcaps.alignment.embedding import TextEncoder
from hierarcaps.alignment.objective import TERMS, AlignmentLoss, watch
from hierarcaps.alignment.settings import AlignmentSettings
from hierarcaps.geometry.spaces import Sphere, similarity_matrix
from hierarcaps.geometry.sphere import radius
from hierarcaps.metrics.hierarchy import kendall_tau, recall_at, retrieval_ranks
from hierarcaps.runtime.errors import InputError


class Validator:
    """Losses and metrics on all held-out items at once.

    Args:
        table: the held-out items.
        settings: the recipe.
        images: unit embeddings (N, D) of the items' images, in their order; None leaves R@1 out.
        image_names: N names of the images: items of one name share one image.

    Raises:
        InputError: not one image per item.
    """

    def __init__(
        self,
        table: TokenTable,
        settings: AlignmentSettings,
        images: NDArray[np.floating] | None,
        image_names: Sequence[str],
    ) -> None:
        if images is not None and len(images) != len(table.item_ids):
            raise InputError(
                f"alignment: found {len(images)} validation images, expected one for each of the "
                f"{len(table.item_ids)} items"
            )
        self._table = table
        self._settings = settings
        self._images = None
        if images is not None:
            _, first, self._image_of_item = np.unique(
                np.array(image_names), return_index=True, return_inverse=True
            )
            self._images = images[first]

    @torch.no_grad()
    def measure(
        self, encoder: TextEncoder, loss: AlignmentLoss, original: Tensor
    ) -> dict[str, Any]:
        """Return the loss terms, what :func:`watch` watches, ``tau_d`` and R@1.

        Args:
            encoder: the text tower as it is now.
            loss: the total loss; its hard examples are those of all items.
            original: (U, D) embeddings of all token rows by the original tower.
        """
        rows = self._table.texts()
        distinct, place = np.unique(np.append(rows.ravel(), ROOT_ROW), return_inverse=True)
        embeddings = encoder.embed(distinct)
        texts = embeddings[torch.from_numpy(place[:-1].reshape(rows.shape))]
        batch = encoder.batch(texts, embeddings[place[-1]])
        terms = loss(batch, texts, original[torch.from_numpy(rows)])
        values = dict(zip(TERMS, terms.tolist(), strict=True))
        values |= watch(batch, self._settings.tiers)
        radii = radius(batch.positives, batch.root).cpu().numpy()
        values["tau_d"] = float(kendall_tau(radii).mean())
        if self._images is not None:
            values |= self._recall(batch.positives[:, -1])
        return values

    def _recall(self, captions: Tensor) -> dict[str, float]:
        """R@1 both ways between distinct images and the most specific tier (N, D) of each item.

        As in the task ``retrieval``: each caption of an image is right for it.
        """
        assert self._images is not None
        names = [str(row) for row in self._table.positives[:, -1]]
        gold: list[set[str]] = [set() for _ in self._images]
        for image, name in zip(self._image_of_item, names, strict=True):
            gold[image].add(name)
        vectors = captions.float().cpu().numpy()
        similarity = similarity_matrix(Sphere(), self._images, vectors)
        to_text, to_image = retrieval_ranks(similarity, names, gold)
        return {
            "r1_image_to_text": float(recall_at(to_text, 1).mean()),
            "r1_text_to_image": float(recall_at(to_image, 1).mean()),
        }


def recall_retention(values: Mapping[str, float], first: Mapping[str, float]) -> dict[str, float]:
    """``r1_retention``: R@1, mean of both ways, over what it was before the first step.

    Empty where R@1 is not measured, or was nothing to begin with.
    """
    names = ("r1_image_to_text", "r1_text_to_image")
    if names[0] not in values:
        return {}
    now, before = (sum(each[name] for name in names) for each in (values, first))
    return {"r1_retention": now / before} if before > 0 else {}
