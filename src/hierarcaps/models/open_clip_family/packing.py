"""Encodes a batch of texts without computing anything twice.

Under a causal mask, the hidden state at a position depends on the tokens up to it and on nothing
else. A batch of captions is therefore a set of distinct *prefixes*: the start token is one prefix
of all of them, "a dog" one of all that begin so, equal captions are one, and padding is none. The
layers that act on each position alone (all but attention, hence nearly all of the work) see every
prefix once. This equals the padded computation up to rounding.
"""

from dataclasses import dataclass

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from open_clip.transformer import LayerNorm, ResidualAttentionBlock
from torch import Tensor, nn


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


def is_packable(model: open_clip.CLIP) -> bool:
    """Return whether :func:`encode_packed` knows the text tower of ``model``."""
    return (
        type(model) is open_clip.CLIP
        and model.text_pool_type == "argmax"
        and model.attn_mask is not None
        and type(model.ln_final) is LayerNorm
        and all(type(block) is ResidualAttentionBlock for block in model.transformer.resblocks)
    )


def encode_packed(model: open_clip.CLIP, token_rows: Tensor, texts: PackedTexts) -> Tensor:
    """Return the features (B, D) of a batch, not normalised, as ``model.encode_text`` has them.

    Args:
        model: a model for which :func:`is_packable` holds.
        token_rows: (V, W) token embeddings; the tokens in ``texts`` index its rows.
        texts: a batch on the same device.
    """
    x = F.embedding(texts.token, token_rows) + F.embedding(
        texts.position, model.positional_embedding
    )
    blocks = model.transformer.resblocks
    for block in blocks[:-1]:
        x = _feed_forward(block, x + block.ls_1(_attention(block, x, texts.prefix, texts.place)))
    # Behind the last attention only whole texts matter.
    place = texts.place[texts.last]
    x = F.embedding(texts.last, x) + blocks[-1].ls_1(_attention(blocks[-1], x, texts.prefix, place))
    x = model.ln_final(_feed_forward(blocks[-1], x))
    projection = model.text_projection
    if projection is None:
        return x
    return projection(x) if isinstance(projection, nn.Linear) else x @ projection


def _attention(block: ResidualAttentionBlock, x: Tensor, prefix: Tensor, place: Tensor) -> Tensor:
    """Causal self-attention over texts, evaluated at the positions ``place``: (len(place), W)."""
    attention = block.attn
    projected = F.linear(block.ln_1(x), attention.in_proj_weight, attention.in_proj_bias)
    # Lookups by F.embedding: unlike that of indexing, its gradient on CPU is fast and ordered.
    rows = F.embedding(prefix, projected)
    rows = rows.view(*prefix.shape, 3, attention.num_heads, -1).permute(2, 0, 3, 1, 4)
    # Padding comes last in a row, so the causal mask already hides it.
    query, key, value = rows.unbind(0)
    mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
    mixed = mixed.transpose(1, 2).reshape(prefix.numel(), -1)
    return attention.out_proj(F.embedding(place, mixed))


def _feed_forward(block: ResidualAttentionBlock, x: Tensor) -> Tensor:
    return x + block.ls_2(block.mlp(block.ln_2(x)))
