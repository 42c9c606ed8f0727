"""Writes a model of the transformers library as a local folder that transformers itself loads."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hierarcaps.models.hub import TOKENISER_FILES
from hierarcaps.models.transformers_family.encoder import TransformersEncoder
from hierarcaps.models.transformers_family.source import IMAGE_PROCESSOR_FILES
from hierarcaps.runtime.files import publish


def save_transformers(encoder: TransformersEncoder, folder: str | Path) -> None:
    """Write the configuration and the weights, and copy tokeniser and image processor.

    Args:
        encoder: a model from :func:`encoder.load_transformers`.
        folder: where the files go, each whole or not at all; the weights come last.
    """
    # Not tokeniser.save_pretrained: it would keep how texts were last padded and truncated.
    kept = [encoder.folder / name for name in (*TOKENISER_FILES, *IMAGE_PROCESSOR_FILES)]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".partial-", dir=folder) as partial:
        encoder.model.save_pretrained(partial)
        publish([file for file in kept if file.is_file()], folder)
        publish(Path(partial).iterdir(), folder)
