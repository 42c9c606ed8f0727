"""How long a text a transformer of the transformers library has positions for."""

from typing import Any

# Families that number positions from the padding token's id on, and have room for fewer.
_AFTER_PADDING = ("camembert", "mpnet", "roberta", "xlm-roberta")


def usable_positions(config: Any, padding: int | None, default: int) -> int:
    """Return the longest text in tokens.

    Args:
        config: of the transformer.
        padding: id of the padding token; None where there is none.
        default: where the configuration sets no bound.
    """
    positions = getattr(config, "max_position_embeddings", default)
    if config.model_type in _AFTER_PADDING and padding is not None:
        positions -= padding + 1
    return positions
