"""From rows of a token table to embeddings, with and without gradient."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from hierarcaps.alignment.data import ROOT_ROW
from hierarcaps.alignment.objective import TextBatch
from hierarcaps.alignment.settings import AlignmentSettings
from hierarcaps.alignment.text_tower import TextTower
from hierarcaps.runtime.halving import Halving
from hierarcaps.runtime.progress import progress

_BATCH = 256


class TextEncoder:
    """The text tower on token rows, in the precision of the settings.

    Attributes:
        root: where radii start, (D,); None for the empty string, embedded with every batch.
    """

    def __init__(self, tower: TextTower, tokens: Tensor, settings: AlignmentSettings) -> None:
        self.tower = tower
        self.root: Tensor | None = None
        self._tokens = tokens
        self._n_tiers = len(settings.tiers)
        self._halving = Halving("embedding texts")
        self._half_precision = settings.precision == "auto" and tower.device.type == "cuda"

    def encode(self, rows: NDArray[np.int64], parts: int = 1) -> tuple[Tensor, TextBatch]:
        """Embed the texts (B, K) of B items: (B, K, D), and the same as tiers and negatives.

        In several parts, each is computed again when its gradient is, so that memory holds what
        one of them leaves behind: the loss compares texts of all items, and needs all embeddings.
        """
        flat = rows.ravel() if self.root is not None else np.append(rows.ravel(), ROOT_ROW)
        if parts == 1:
            embeddings = self._encode(flat)
        else:
            cut = np.array_split(flat, min(parts, len(flat)))
            embeddings = torch.cat([checkpoint(self._encode, p, use_reentrant=False) for p in cut])
        texts = embeddings[: rows.size].view(*rows.shape, -1)
        return texts, self.batch(texts, embeddings[-1])

    def batch(self, texts: Tensor, empty: Tensor) -> TextBatch:
        """Texts (B, K, D) as tiers and negatives; ``empty`` (D,) is the empty string."""
        root = empty if self.root is None else self.root
        return TextBatch.from_texts(texts, self._n_tiers, root)

    @torch.no_grad()
    def embed(self, rows: NDArray[np.int64], description: str | None = None) -> Tensor:
        """Embed distinct rows (U,) without gradient, texts of one length together: (U, D)."""
        tokens = self._tokens[torch.from_numpy(rows)]
        order = torch.argsort(self.tower.token_lengths(tokens), stable=True)
        batches = order.split(_BATCH)
        shown = progress(batches, description) if description else batches
        encoded = [
            vectors
            for batch in shown
            for _, vectors in self._halving(self._encode, rows[batch.numpy()])
        ]
        embeddings = torch.cat(encoded)
        result = torch.empty_like(embeddings)
        result[order.to(result.device)] = embeddings
        return result

    def _encode(self, rows: NDArray[np.int64]) -> Tensor:
        with torch.autocast(self.tower.device.type, torch.bfloat16, self._half_precision):
            return self.tower.encode(self._tokens[torch.from_numpy(rows)])
