"""Writes a model of any family in the format it came in."""

from pathlib import Path

from hierarcaps.models.encoder import DualEncoder
from hierarcaps.models.open_clip_family.encoder import OpenClipEncoder
from hierarcaps.models.open_clip_family.save import save_open_clip


def save_encoder(encoder: DualEncoder, folder: str | Path) -> None:
    """Write a folder that the model's own library loads, and the same family's entry names.

    Args:
        encoder: a model from :func:`hierarcaps.models.registry.load_model`, trained further.
        folder: where the files go, each whole or not at all; the weights come last, as
            ``open_clip_model.safetensors`` or, for ``transformers``, ``model.safetensors``.
    """
    if isinstance(encoder, OpenClipEncoder):
        save_open_clip(encoder, folder)
        return
    # The classes of transformers take two seconds to import: not for a model of open_clip.
    from hierarcaps.models.transformers_family.encoder import TransformersEncoder
    from hierarcaps.models.transformers_family.save import save_transformers

    if not isinstance(encoder, TransformersEncoder):
        raise TypeError(f"no format is known for {type(encoder).__name__}")
    save_transformers(encoder, folder)
