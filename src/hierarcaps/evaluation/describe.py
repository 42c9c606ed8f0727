"""What a model retrieves for images: captions from general to specific, with no right answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hierarcaps.data.hierarchy import read_hierarchies
from hierarcaps.data.images import open_image_files
from hierarcaps.data.names import names_an_image
from hierarcaps.data.tables import read_plain_rows, shorten
from hierarcaps.geometry.spaces import similarity_matrix
from hierarcaps.metrics.hierarchy import hierarchical_retrieval
from hierarcaps.models.embed import embed_images, embed_texts
from hierarcaps.models.entry import as_entry
from hierarcaps.models.registry import load_model
from hierarcaps.models.roots import find_root
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.torch_setup import choose_device

# Similarities of so many images at once: 100 MB with 100,000 captions.
_IMAGES_AT_ONCE = 256


@dataclass(frozen=True)
class RetrievedText:
    """A caption that an image retrieves.

    Attributes:
        text: the caption.
        radius: its distance to the root, ``>= 0``.
        similarity: to the image; on the sphere the cosine.
    """

    text: str
    radius: float
    similarity: float


@dataclass(frozen=True)
class Description:
    """The captions that an image retrieves, general to specific: radii and similarities rise."""

    image: str
    retrieved: tuple[RetrievedText, ...]


def describe(
    model: str | Mapping[str, Any],
    images: Iterable[str | Path],
    captions: Sequence[str],
    thresholds: int = 50,
    device: str = "auto",
    batch_size: int = 256,
) -> list[Description]:
    """Retrieve captions for images, as :func:`hierarcaps.metrics.hierarchy.hierarchical_retrieval`.

    Args:
        model: what :func:`hierarcaps.models.entry.as_entry` takes.
        images: files, and folders that stand for the images that lie in them.
        captions: what can be retrieved, each once.
        thresholds: radii from the smallest to the largest, >= 2; an image retrieves at each the
            caption of the highest similarity within it.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        batch_size: texts or images that are embedded at once.

    Raises:
        InputError: no image or caption; an image, model or device that cannot be used.
    """
    entry, target = as_entry(model), choose_device(device)
    store = open_image_files(images)
    names = store.names
    if not names or not captions:
        what = "captions" if names else "images"
        raise InputError(f"found no {what} to describe images with, expected at least one")
    strings = sorted(set(captions))
    encoder = load_model(entry, device=target)
    vectors = embed_images(encoder, store, names, batch_size)
    empty, *of_texts = embed_texts(encoder, ["", *strings], batch_size)
    texts = np.stack(of_texts)
    geometry, root = find_root(entry.get("root"), encoder.geometry, empty, texts)
    radii = geometry.radii(texts, root)
    found = []
    for start in range(0, len(vectors), _IMAGES_AT_ONCE):
        similarities = similarity_matrix(geometry, vectors[start : start + _IMAGES_AT_ONCE], texts)
        chains = hierarchical_retrieval(similarities, radii, thresholds)
        for row, chain in enumerate(chains):
            texts_of_chain = zip(chain, radii[chain], similarities[row, chain], strict=True)
            retrieved = tuple(
                RetrievedText(strings[i], float(r), float(s)) for i, r, s in texts_of_chain
            )
            found.append(Description(names[start + row], retrieved))
    return found


def read_candidates(path: str | Path) -> list[str]:
    """Return the captions of a ``.txt`` file, one per line, or all tiers of a table of hierarchies.

    Raises:
        InputError: unreadable, no caption in it, or a ``.txt`` file that is a table of images.
    """
    path = Path(path)
    if path.suffix != ".txt":
        return [tier for item in read_hierarchies(path) for tier in item.tiers]
    captions = []
    for line, cells in read_plain_rows(path, "list of captions"):
        if len(cells) > 1 or names_an_image(cells[0].split(",")[0]):
            raise InputError(
                f"{path}, line {line}: found {shorten(' '.join(cells))}, expected a caption and "
                "nothing else on each line"
            )
        captions.append(cells[0].strip())
    captions = [caption for caption in captions if caption]
    if not captions:
        raise InputError(f"{path}: found no captions, expected one on each line")
    return captions
