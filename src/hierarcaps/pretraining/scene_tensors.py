"""Drawn scenes as tensors in memory: small pictures, caption numbers and a compact vocabulary."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hierarcaps.models.open_clip_family.encoder import open_clip, pooled_positions
from hierarcaps.models.packing import PackedTexts, pack_texts
from hierarcaps.pretraining.pictures import column_of, scaled_pictures
from hierarcaps.runtime.errors import InputError

# Written into the checkpoint's configuration: whoever loads it prepares images in the same way.
PREPROCESSING: dict[str, Any] = {
    "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.5, 0.5],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}


@dataclass(frozen=True)
class Scenes:
    """One split.

    Attributes:
        images: (N, 3, S, S) uint8.
        texts: the distinct texts, in order of appearance.
        text_rows: (N, K) int64, the K texts of each scene as rows of ``texts``.
    """

    images: Tensor
    texts: tuple[str, ...]
    text_rows: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def batches(
        self, size: int, captions: int, generator: torch.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield images (size, 3, S, S) and text rows of each (size, captions), epoch by epoch.

        The captions of a scene are drawn anew in each epoch, without repetition.
        """
        while True:
            order = torch.randperm(len(self), generator=generator)
            for rows in order[: len(self) // size * size].split(size):
                texts = self.text_rows[rows]
                drawn = torch.rand(texts.shape, generator=generator).argsort(dim=1)[:, :captions]
                yield self.images[rows], texts.gather(1, drawn)


class _Tokeniser(open_clip.SimpleTokenizer):
    """open_clip's, for captions of few words: each word is cleaned and cut once.

    No token of CLIP's reaches over a space. Beyond ASCII cleaning may look at the whole text.
    """

    def __init__(self, context_length: int) -> None:
        super().__init__(context_length=context_length)
        self._of_word = cache(super().encode)

    def encode(self, text: str) -> list[int]:
        if not text.isascii():
            return super().encode(text)
        return [token for word in text.split() for token in self._of_word(word)]


class Vocabulary:
    """The tokens that a corpus uses, renumbered without gaps.

    The order of ids is kept, so that the end-of-text token stays the highest, as CLIP's pooling
    expects. A tiny model's token embedding is mostly rows that no caption touches; without them a
    training step is cheaper.

    Attributes:
        used: (V,) int64, the original ids, ascending.
        tokens: (U, context) int64, the corpus in new ids.
    """

    def __init__(self, texts: Sequence[str], context_length: int) -> None:
        self._tokenise = _Tokeniser(context_length)
        tokens = self._tokenise(list(texts))
        self.used = torch.unique(tokens)
        self.tokens = torch.searchsorted(self.used, tokens)
        self._rows = self.tokens.numpy()
        self._lengths = (pooled_positions(self.tokens) + 1).numpy()

    def pack(self, rows: Tensor) -> PackedTexts:
        """Return these texts of the corpus, without what they have in common twice."""
        return pack_texts(self._rows[rows.numpy()], self._lengths[rows.numpy()])

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Return tokens (N, context) of other texts; tokens new to the corpus are left out."""
        tokens = self._tokenise(list(texts))
        known = torch.isin(tokens, self.used)
        rows = [
            torch.searchsorted(self.used, row[keep])
            for row, keep in zip(tokens, known, strict=True)
        ]
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


def normalise(images: Tensor) -> Tensor:
    """Return float32 images as the checkpoint's preprocessing gives them, from uint8."""
    mean = torch.tensor(PREPROCESSING["mean"]).view(3, 1, 1) * 255
    std = torch.tensor(PREPROCESSING["std"]).view(3, 1, 1) * 255
    return (images - mean) / std


def read_scenes(
    path: Path, image_size: int, texts: str, pixels: str | Path | None = None
) -> Scenes:
    """Read ``image`` and the list column ``texts`` of a split, pictures scaled to S = image_size.

    Args:
        path: parquet file.
        image_size: S.
        texts: name of the column.
        pixels: the pictures as ``write_pixels`` scaled them for all variants, not to be decoded
            again. None: they are decoded.

    Raises:
        InputError: unreadable file, missing column, broken picture, lists of unequal length, or
            pixels of other pictures.
    """
    captions: list[list[str]] = [row.as_py() for row in column_of(path, texts)]
    if len({len(row) for row in captions}) != 1:
        raise InputError(
            f"{path}: scenes have unequal numbers of {texts}, expected the same for all"
        )
    row_of: dict[str, int] = {}
    rows = [[row_of.setdefault(text, len(row_of)) for text in row] for row in captions]
    # Mapped: jobs side by side hold one copy. Writable for torch's sake, nothing is written back.
    images = scaled_pictures(path, image_size) if pixels is None else np.load(pixels, mmap_mode="c")
    if images.shape != (expected := (len(rows), 3, image_size, image_size)):
        raise InputError(f"{pixels}: found pixels of shape {images.shape}, expected {expected}")
    return Scenes(torch.from_numpy(images), tuple(row_of), torch.tensor(rows))
