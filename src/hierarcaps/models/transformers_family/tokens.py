"""Texts as tokens, by a tokeniser of transformers, alike for all encoders that have one."""

from collections.abc import Sequence

import transformers
from torch import Tensor

Tokeniser = transformers.PreTrainedTokenizerBase


def take_as_text(tokeniser: Tokeniser) -> None:
    """Pad and cut texts at their end, and read a special token that one spells out as text."""
    # As a token, an end of text would cut the rest off.
    tokeniser.split_special_tokens = True
    tokeniser.padding_side = tokeniser.truncation_side = "right"


def padded(tokeniser: Tokeniser, texts: Sequence[str], context: int) -> Tensor:
    """Return token ids, (B, context) int64, longer texts cut off."""
    encoded = tokeniser(
        list(texts),
        padding="max_length",
        truncation=True,
        max_length=context,
        return_tensors="pt",
    )
    return encoded["input_ids"]


def count_longer(tokeniser: Tokeniser, texts: Sequence[str], context: int) -> int:
    """Return how many texts have more tokens than the context has room for."""
    if not texts:
        return 0
    encoded = tokeniser(list(texts), truncation=False, verbose=False)
    return sum(len(row) > context for row in encoded["input_ids"])
