"""Alignment from files to files: what the workflow and ``hierarcaps align`` call."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hierarcaps.alignment.curve import CURVE_FILE, write_curve
from hierarcaps.alignment.recipe import Alignment, align
from hierarcaps.alignment.settings import AlignmentSettings
from hierarcaps.data.held_out import choose_held_out
from hierarcaps.data.hierarchy import CaptionHierarchy, read_hierarchies
from hierarcaps.data.images import open_images
from hierarcaps.data.leakage import leave_out
from hierarcaps.geometry.spaces import Sphere
from hierarcaps.models.embed import embed_images
from hierarcaps.models.encoder import DualEncoder
from hierarcaps.models.registry import load_model
from hierarcaps.models.roots import ROOT_FILE, write_root
from hierarcaps.models.save import save_encoder
from hierarcaps.runtime.errors import InputError

STATE_ROOT = Path(".alignment-state")
"""Where interrupted runs keep their state: outside of what a job declares as its output."""


def align_model(
    entry: Mapping[str, Any],
    recipe: Mapping[str, Any],
    seed: int,
    training_path: str | Path,
    validation_path: str | Path,
    images_path: str | Path | None,
    left_out_path: str | Path,
    folder: str | Path,
    validation_items: int | None = None,
) -> None:
    """Align a model's text tower and write it as a checkpoint with its learning curve.

    Args:
        entry: the model, as in the ``models`` section of the parameters; its first seed is taken.
        recipe: settings of :class:`AlignmentSettings`, the objective among them.
        seed: of the order of items.
        training_path: hierarchies with negatives.
        validation_path: held-out hierarchies with negatives.
        images_path: the images of the held-out hierarchies, to watch R@1; it is not watched where
            this is None, or where one of them names no image.
        left_out_path: the test set, whose images neither training nor validation may have.
        folder: where ``curve.csv``, ``root.json`` (where radii start) and the files of
            :func:`save_encoder` go, each whole or not at all.
        validation_items: how many of the held-out hierarchies are taken, evenly spaced; None for
            all.

    Raises:
        InputError: as :func:`hierarcaps.alignment.recipe.align`; for a model on the hyperboloid and
            for unreadable files.
    """
    settings = AlignmentSettings.from_params(recipe)
    encoder = load_alignable(entry, entry.get("seeds", [0])[0])
    tested = [item.image for item in read_hierarchies(left_out_path) if item.image]
    training, validation = (read_items(path, tested) for path in (training_path, validation_path))
    if validation_items and validation_items < len(validation):
        spaced = np.linspace(0, len(validation), validation_items, endpoint=False).astype(int)
        validation = [validation[row] for row in spaced]
    write_aligned(
        encoder, training, validation, settings, seed, folder, STATE_ROOT, images_path=images_path
    )


def load_alignable(
    entry: str | Mapping[str, Any], seed: int = 0, device: str = "auto"
) -> DualEncoder:
    """Load a model whose text tower can be aligned; see :func:`load_model`.

    Raises:
        InputError: the model cannot be loaded, or is on the hyperboloid.
    """
    encoder = load_model(entry, seed, device)
    if not isinstance(encoder.geometry, Sphere):
        raise InputError(
            f"model {encoder.provenance()['name']} is on the hyperboloid, expected one on the "
            "sphere to align"
        )
    return encoder


def read_items(path: str | Path, tested: Sequence[str]) -> list[CaptionHierarchy]:
    """Read hierarchies without those of test images; standard error says how many those are."""
    items = read_hierarchies(path)
    kept = leave_out(items, tested)
    if len(kept) < len(items):
        _note(
            f"{path}: {len(items) - len(kept)} of {len(items)} items are of test images: left out"
        )
    return kept


def hold_out(
    items: Sequence[CaptionHierarchy], seed: int, share: float = 0.05, most: int = 500
) -> tuple[list[CaptionHierarchy], list[CaptionHierarchy]]:
    """Split items into those to learn from and those to watch; items of one image stay together.

    Args:
        items: of which those without an image are each for themselves.
        seed: of the choice.
        share: of the images that is held out, one at the least.
        most: images that are held out at the most.

    Raises:
        InputError: all items are of one image.
    """
    images = [item.image or f"item {item.item_id}" for item in items]
    if len(set(images)) < 2:
        raise InputError(
            f"alignment: found {len(set(images))} images or texts to learn from, expected at least "
            "two, of which one is held out"
        )
    chosen = choose_held_out(images, share, seed, most)
    kept = [item for item, image in zip(items, images, strict=True) if image not in chosen]
    held = [item for item, image in zip(items, images, strict=True) if image in chosen]
    return kept, held


def write_aligned(
    encoder: DualEncoder,
    training: Sequence[CaptionHierarchy],
    validation: Sequence[CaptionHierarchy],
    settings: AlignmentSettings,
    seed: int,
    folder: str | Path,
    state_root: Path,
    *,
    images_path: str | Path | None = None,
) -> Alignment:
    """Align a model in place and write its checkpoint, root and learning curve to ``folder``.

    Args, errors and what an interrupted run does: as :func:`hierarcaps.alignment.recipe.align`.
    """
    result = align(
        encoder,
        training,
        validation,
        settings,
        seed,
        validation_images=_validation_images(encoder, validation, images_path),
        state_root=state_root,
    )
    write_curve(Path(folder) / CURVE_FILE, result.curve)
    vector = None if result.root is None else result.root.numpy()
    write_root(Path(folder) / ROOT_FILE, settings.root, vector)
    save_encoder(encoder, folder)
    return result


def _validation_images(
    encoder: DualEncoder, validation: Sequence[CaptionHierarchy], path: str | Path | None
) -> NDArray[np.float32] | None:
    names = [item.image for item in validation if item.image]
    if path is None or not names:
        return None
    if len(names) < len(validation):
        without = len(validation) - len(names)
        _note(f"{without} of {len(validation)} validation items name no image: R@1 is not watched")
        return None
    return embed_images(encoder, open_images(path), names, batch_size=256)


def _note(sentence: str) -> None:
    print(sentence, file=sys.stderr)
