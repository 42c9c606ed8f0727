"""Embeds a test set once: distinct texts, grouped by length, and distinct images."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.data.images import ImageStore
from hierarcaps.models.embedding_needs import EmbeddingNeeds
from hierarcaps.models.embeddings import Embeddings, write_embeddings
from hierarcaps.models.encoder import DualEncoder
from hierarcaps.models.roots import find_root
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.progress import progress


def embed_texts(encoder: DualEncoder, texts: Sequence[str], batch_size: int) -> np.ndarray:
    """Return the embeddings of N texts, (N, D) float32.

    Texts with equal tokens are encoded once, hence get exactly equal embeddings.

    Raises:
        InputError: the model gives numbers that are not finite.
    """
    tokens = encoder.tokenise(texts)
    distinct, row_of = torch.unique(tokens, dim=0, return_inverse=True)
    lengths = encoder.token_lengths(distinct)
    order = torch.argsort(lengths, stable=True)
    batches = []
    with torch.inference_mode():
        for rows in progress(order.split(batch_size), "texts"):
            batches.append(encoder.encode_text(distinct[rows]).cpu())
    sorted_vectors = torch.cat(batches)
    vectors = torch.empty_like(sorted_vectors)
    vectors[order] = sorted_vectors
    return _finite(vectors[row_of].numpy(), texts)


def embed_images(
    encoder: DualEncoder, store: ImageStore, names: Sequence[str], batch_size: int
) -> np.ndarray:
    """Return the embeddings of N images, (N, D) float32.

    Raises:
        InputError: an image is missing or broken, or gives numbers that are not finite.
    """
    absent = [name for name in names if name not in store]
    if absent:
        store[absent[0]]  # raises, naming the place; before hours are spent on those present
    batches = []
    with torch.inference_mode():
        batch_names = [
            names[start : start + batch_size] for start in range(0, len(names), batch_size)
        ]
        loaded = _preprocessed(encoder, store, batch_names)
        for images in progress(loaded, "images", total=len(batch_names)):
            batches.append(encoder.encode_image(images).cpu())
    return _finite(torch.cat(batches).numpy(), names)


def _preprocessed(
    encoder: DualEncoder, store: ImageStore, batches: Sequence[Sequence[str]]
) -> Iterator[Tensor]:
    """Decode the next batch in threads while the caller encodes the present one."""
    with ThreadPoolExecutor(max_workers=torch.get_num_threads()) as pool:

        def start(names: Sequence[str]) -> Iterator[Tensor]:
            return pool.map(lambda name: encoder.preprocess(store[name]), names)

        pending = start(batches[0])
        for following in [*batches[1:], []]:
            present, pending = pending, start(following)
            yield torch.stack(list(present))


def embed_test_set(
    encoder: DualEncoder,
    hierarchies: Iterable[CaptionHierarchy],
    store: ImageStore,
    path: str | Path,
    batch_size: int = 256,
    needs: EmbeddingNeeds | None = None,
    root: str | None = None,
) -> None:
    """Embed the images and tiers of a test set, and the root, into a file.

    ``needs`` are the texts and images that tasks read beside them: all in one file, each once.
    ``root`` is where radii start, as :func:`hierarcaps.models.roots.find_root` takes it.

    Raises:
        InputError: an item without an image, and as :func:`embed_images` and :func:`find_root`.
    """
    needs = needs or EmbeddingNeeds()
    hierarchies = list(hierarchies)
    for item in hierarchies:
        if item.image is None:
            raise InputError(f"item {item.item_id!r} has no image, expected one to embed")
    names = sorted({item.image for item in hierarchies if item.image is not None})
    tiers = {caption for item in hierarchies for caption in item.tiers}
    strings = sorted(tiers | {*needs.strings})
    images = embed_images(encoder, store, names, batch_size)
    if further := needs.images():
        names += further.names
        images = np.concatenate([images, embed_images(encoder, further, further.names, batch_size)])
    texts = embed_texts(encoder, ["", *strings], batch_size)
    truncated, context = encoder.truncated(strings), encoder.tokenise([""]).shape[1]
    if truncated:
        print(
            f"{truncated:,} of {len(strings):,} texts are longer than the {context} tokens that "
            "the model reads: it embeds their beginning",
            file=sys.stderr,
        )
    of_tiers = texts[1:][[text in tiers for text in strings]]
    geometry, root_vector = find_root(root, encoder.geometry, texts[0], of_tiers)
    write_embeddings(
        path,
        Embeddings(
            images=images,
            texts=texts[1:],
            root=root_vector,
            names=tuple(names),
            strings=tuple(strings),
            provenance={
                **encoder.provenance(),
                "texts": {"embedded": len(strings), "truncated": truncated, "context": context},
            },
            geometry=geometry,
        ),
    )


def _finite(vectors: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    broken = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if broken.size:
        raise InputError(
            f"the model's embedding of {labels[broken[0]]!r} is not finite, expected numbers; "
            "is the checkpoint broken?"
        )
    return vectors
