"""Items as rows of one table of distinct token sequences, and the order in which they come."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hierarcaps.alignment.settings import AlignmentSettings
from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.models.encoder import DualEncoder
from hierarcaps.runtime.errors import InputError

ROOT_ROW = 0


@dataclass(frozen=True)
class TokenTable:
    """The distinct token sequences of all texts, the empty string first.

    Attributes:
        tokens: (U, L) int64, on the CPU.
        positives: (N, T) rows of the tiers of N items.
        negatives: (N, T) rows of the texts that contradict the tiers; None without negatives.
        item_ids: N names for error messages.
    """

    tokens: Tensor
    positives: NDArray[np.int64]
    negatives: NDArray[np.int64] | None
    item_ids: tuple[str, ...]

    def texts(self) -> NDArray[np.int64]:
        """Rows of all texts of each item, (N, T) or (N, 2 T)."""
        if self.negatives is None:
            return self.positives
        return np.concatenate([self.positives, self.negatives], axis=1)


def tokenise_items(
    encoder: DualEncoder,
    groups: Sequence[Sequence[CaptionHierarchy]],
    settings: AlignmentSettings,
) -> list[TokenTable]:
    """Tokenise groups of items (say, training and validation) into tables that share their rows.

    Raises:
        InputError: an item without negatives where the settings use them, or an empty group.
    """
    row_of: dict[str, int] = {"": ROOT_ROW}
    chains = [[_chain(item, settings) for item in group] for group in groups]
    rows = [
        np.array([[row_of.setdefault(text, len(row_of)) for text in chain] for chain in group])
        for group in chains
    ]
    if not all(len(group) for group in rows):
        raise InputError("alignment: found no items, expected at least one for each split")
    tokens = encoder.tokenise(list(row_of))
    # Different strings can have equal tokens, e.g. in another letter case.
    distinct: dict[bytes, int] = {}
    keys = tokens.to(torch.int32).numpy()
    text_row = np.array([distinct.setdefault(key.tobytes(), len(distinct)) for key in keys])
    first = np.unique(text_row, return_index=True)[1]
    tokens = tokens[torch.from_numpy(first)]
    n_tiers = len(settings.tiers)
    return [
        TokenTable(
            tokens,
            text_row[group[:, :n_tiers]],
            text_row[group[:, n_tiers:]] if settings.negatives else None,
            tuple(item.item_id for item in items),
        )
        for group, items in zip(rows, groups, strict=True)
    ]


def _chain(item: CaptionHierarchy, settings: AlignmentSettings) -> list[str]:
    texts = [item.tiers[tier - 1] for tier in settings.tiers]
    if settings.negatives:
        if item.negatives is None:
            raise InputError(
                f"alignment: item {item.item_id!r} has no negatives, expected four of them "
                "(or alignment.negatives: false)"
            )
        texts += [item.negatives[tier - 1] for tier in settings.tiers]
    return texts


@dataclass(frozen=True)
class Schedule:
    """Which items come at which step: a function of the seed, so that nothing needs restoring.

    Attributes:
        n_items: items in an epoch.
        settings: batch size, accumulation, epochs and step limit.
        seed: of the permutation of each epoch.
    """

    n_items: int
    settings: AlignmentSettings
    seed: int

    @property
    def batches_per_epoch(self) -> int:
        """Forward passes in an epoch; the last may be smaller."""
        return -(-self.n_items // self.settings.batch_size)

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps in an epoch; the last may accumulate fewer batches."""
        return -(-self.batches_per_epoch // self.settings.accumulate)

    @property
    def n_steps(self) -> int:
        """Optimiser steps of the run."""
        steps = self.settings.epochs * self.steps_per_epoch
        return min(steps, self.settings.max_steps or steps)

    def items(self) -> NDArray[np.int64]:
        """Indexes of the items that come at all, rising."""
        if self.n_steps >= self.steps_per_epoch:
            return np.arange(self.n_items)
        return np.unique(np.concatenate([b for s in range(self.n_steps) for b in self.batches(s)]))

    def batches(self, step: int) -> list[NDArray[np.int64]]:
        """Item indexes of each forward pass of an optimiser step."""
        epoch, step = divmod(step, self.steps_per_epoch)
        order = _permutation(self.seed, epoch, self.n_items)
        size = self.settings.batch_size
        first = step * self.settings.accumulate
        starts = range(first, min(first + self.settings.accumulate, self.batches_per_epoch))
        return [order[start * size : (start + 1) * size] for start in starts]


@lru_cache(maxsize=1)
def _permutation(seed: int, epoch: int, n: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, epoch]).permutation(n)
