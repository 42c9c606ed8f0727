"""Encodes a batch of texts without computing anything twice.

Under a causal mask, the hidden state at a position depends on the tokens up to it and on nothing
else. A batch of captions is therefore a set of distinct *prefixes*: the start token is one prefix
of all of them, "a dog" one of all that begin so, equal captions are one, and padding is none. The
layers that act on each position alone (all but attention, hence nearly all of the work) see every
prefix once. This equals the padded computation up to rounding.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class CausalBlock:
    """One layer of a text tower, as functions of P positions on their own.

    Attributes:
        heads: of its attention.
        projections: (P, W) -> (P, 3 W), queries, keys and values of the normalised input.
        mix: (P, W) -> (P, W), what attention gives back to the residual stream.
        feed_forward: (P, W) -> (P, W), likewise, its norm included.
    """

    heads: int
    projections: Callable[[Tensor], Tensor]
    mix: Callable[[Tensor], Tensor]
    feed_forward: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class CausalTower:
    """A text tower with a causal mask that pools one position; it computes on a model's weights.

    Attributes:
        vocabulary: the token embedding, (V, W), by its name in the model.
        positions: (L, W).
        blocks: at least one.
        project: (B, W) -> (B, D), final norm and projection.
    """

    vocabulary: tuple[str, nn.Parameter]
    positions: nn.Parameter
    blocks: Sequence[CausalBlock]
    project: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class PackedTexts:
    """A batch of B token rows as its P distinct prefixes.

    Attributes:
        token: last token of each prefix, (P,).
        position: its position, (P,).
        prefix: prefix that ends at each position of the R distinct rows of length L, (R, L);
            0 behind a row's end.
        place: one position of ``prefix``, flattened, at which each prefix occurs, (P,).
        last: prefix that is the whole text, for each row of the batch, (B,).
    """

    token: Tensor
    position: Tensor
    prefix: Tensor
    place: Tensor
    last: Tensor

    def to(self, device: torch.device) -> "PackedTexts":
        """Copy to a device, without waiting for it."""
        fields = (self.token, self.position, self.prefix, self.place, self.last)
        return PackedTexts(*(field.to(device, non_blocking=True) for field in fields))


def pack_texts(tokens: np.ndarray, lengths: np.ndarray) -> PackedTexts:
    """Find the distinct prefixes of token rows.

    Args:
        tokens: (B, L) integers.
        lengths: (B,), leading tokens of each row that matter, >= 1.
    """
    tokens = tokens[:, : lengths.max()]
    columns = np.arange(tokens.shape[1])
    tokens = np.where(columns < lengths[:, None], tokens, -1)
    rows, row_of = np.unique(tokens, axis=0, return_inverse=True)
    # Rows are sorted, so equal prefixes are neighbours: a prefix is new where its row differs from
    # the row above at its last token or before.
    new = np.ones(rows.shape, dtype=bool)
    new[1:] = np.logical_or.accumulate(rows[1:] != rows[:-1], axis=1)
    new &= rows >= 0
    place = np.flatnonzero(new)
    number = np.zeros(rows.size, dtype=np.int64)
    number[place] = np.arange(len(place))
    prefix = np.where(rows >= 0, np.maximum.accumulate(number.reshape(rows.shape), axis=0), 0)
    ends = (rows >= 0).sum(axis=1) - 1
    last = prefix[np.arange(len(rows)), ends]
    arrays = (rows.ravel()[place], place % rows.shape[1], prefix, place, last[row_of.ravel()])
    return PackedTexts(*(torch.from_numpy(np.ascontiguousarray(a, np.int64)) for a in arrays))


def encode_packed(tower: CausalTower, token_rows: Tensor, texts: PackedTexts) -> Tensor:
    """Return the features (B, D) of a batch, not normalised, as the tower's own model has them.

    Args:
        tower: of the model.
        token_rows: (V, W) token embeddings; the tokens in ``texts`` index its rows.
        texts: a batch on the same device.
    """
    x = F.embedding(texts.token, token_rows) + F.embedding(texts.position, tower.positions)
    for block in tower.blocks[:-1]:
        x = x + _attention(block, x, texts.prefix, texts.place)
        x = x + block.feed_forward(x)
    # Behind the last attention only whole texts matter.
    last = tower.blocks[-1]
    mixed = _attention(last, x, texts.prefix, texts.place[texts.last])
    x = F.embedding(texts.last, x) + mixed
    return tower.project(x + last.feed_forward(x))


def _attention(block: CausalBlock, x: Tensor, prefix: Tensor, place: Tensor) -> Tensor:
    """Causal self-attention over texts, evaluated at the positions ``place``: (len(place), W)."""
    # Lookups by F.embedding: unlike that of indexing, its gradient on CPU is fast and ordered.
    rows = F.embedding(prefix, block.projections(x))
    rows = rows.view(*prefix.shape, 3, block.heads, -1).permute(2, 0, 3, 1, 4)
    # Padding comes last in a row, so the causal mask already hides it.
    query, key, value = rows.unbind(0)
    mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
    mixed = mixed.transpose(1, 2).reshape(prefix.numel(), -1)
    return block.mix(F.embedding(place, mixed))
