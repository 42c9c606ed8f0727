"""Embeds a test set once: distinct texts, grouped by length, and distinct images."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.data.images import ImageStore
from hierarcaps.models.embedding_needs import EmbeddingNeeds
from hierarcaps.models.embeddings import Embeddings, write_embeddings
from hierarcaps.models.encoder import DualEncoder, TextOnlyEncoder
from hierarcaps.models.roots import find_root
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.halving import Halving
from hierarcaps.runtime.onednn import linear_by_onednn
from hierarcaps.runtime.progress import progress
from hierarcaps.runtime.threads import in_threads, threads_of_torch

# On a CPU, larger batches take no less time: what a layer makes of these is what the allocator
# keeps (32 MB at most), where larger tensors are mapped and cleared anew by every operation.
_CPU_PIXELS = 32 * 224 * 224
_CPU_TOKENS = 2048


def embed_texts(encoder: TextOnlyEncoder, texts: Sequence[str], batch_size: int) -> np.ndarray:
    """Return the embeddings of N texts, (N, D) float32.

    Texts with equal tokens are encoded once, hence get exactly equal embeddings.

    Raises:
        InputError: the model gives numbers that are not finite.
    """
    tokens = encoder.tokenise(texts)
    distinct, row_of = torch.unique(tokens, dim=0, return_inverse=True)
    lengths = encoder.token_lengths(distinct)
    order = torch.argsort(lengths, stable=True)
    halving = Halving("embedding texts", cost=lambda rows: len(rows) * int(lengths[rows].max()))

    def encode(rows: Tensor) -> Tensor:
        with torch.inference_mode():
            parts = halving(lambda part: encoder.encode_text(distinct[part]).cpu(), rows)
            return torch.cat([vectors for _, vectors in parts])

    batches = list(order.split(batch_size))
    if on_cpu := encoder.device.type == "cpu":
        batches = [part for rows in batches for part in _of_tokens(rows, lengths)]
    with threads_of_torch(1 if on_cpu else None) as threads, linear_by_onednn(encoder.device):
        encoded = in_threads(encode, batches, threads if on_cpu else 1)
        sorted_vectors = torch.cat(list(progress(encoded, "texts", total=len(batches))))
    vectors = torch.empty_like(sorted_vectors)
    vectors[order] = sorted_vectors
    return _finite(vectors[row_of].numpy(), texts)


def _of_tokens(rows: Tensor, lengths: Tensor) -> Sequence[Tensor]:
    """Cut rows into batches of at most ``_CPU_TOKENS`` padded tokens."""
    return rows.split(max(1, _CPU_TOKENS // int(lengths[rows].max())))


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
    on_cpu = encoder.device.type == "cpu"
    if on_cpu:
        pixels = encoder.preprocess(store[names[0]])[0].numel()
        batch_size = min(batch_size, max(1, _CPU_PIXELS // pixels))
    batches = [names[start : start + batch_size] for start in range(0, len(names), batch_size)]
    with threads_of_torch(1 if on_cpu else None) as threads, linear_by_onednn(encoder.device):
        encode = _encoded_on_cpu if on_cpu else _encoded_on_gpu
        encoded = encode(encoder, store, batches, threads)
        vectors = torch.cat(list(progress(encoded, "images", total=len(batches))))
    return _finite(vectors.numpy(), names)


def _encoded_on_cpu(
    encoder: DualEncoder, store: ImageStore, batches: Sequence[Sequence[str]], threads: int
) -> Iterator[Tensor]:
    """Decode, resize and encode: each thread a batch of its own, so that none waits for another."""
    halving = Halving("embedding images")

    def encode(names: Sequence[str]) -> Tensor:
        pixels = torch.stack([encoder.preprocess(store[name]) for name in names])
        # Convolutional towers take half (EfficientNet) to three quarters (ResNet) of the time.
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            return torch.cat([vectors for _, vectors in halving(encoder.encode_image, pixels)])

    yield from in_threads(encode, batches, threads)


def _encoded_on_gpu(
    encoder: DualEncoder, store: ImageStore, batches: Sequence[Sequence[str]], threads: int
) -> Iterator[Tensor]:
    """Decode and resize in threads, two batches ahead, while the GPU encodes."""
    halving = Halving("embedding images")
    names = [name for batch in batches for name in batch]
    ahead = 2 * len(batches[0])
    pixels = in_threads(lambda name: encoder.preprocess(store[name]), names, threads, ahead)
    with torch.inference_mode():
        for batch in batches:
            images = torch.stack(list(islice(pixels, len(batch))))
            for _, vectors in halving(lambda part: encoder.encode_image(part).cpu(), images):
                yield vectors


def embed_test_set(
    encoder: TextOnlyEncoder,
    hierarchies: Iterable[CaptionHierarchy],
    store: ImageStore | None,
    path: str | Path,
    batch_size: int = 256,
    needs: EmbeddingNeeds | None = None,
    root: str | None = None,
) -> None:
    """Embed the images and tiers of a test set, and the root, into a file.

    ``needs`` are the texts and images that tasks read beside them: all in one file, each once.
    ``root`` is where radii start, as :func:`hierarcaps.models.roots.find_root` takes it. Of an
    encoder without an image tower the file has no image, and none is read.

    Raises:
        InputError: an item without an image, and as :func:`embed_images` and :func:`find_root`.
    """
    needs = needs or EmbeddingNeeds()
    hierarchies = list(hierarchies)
    tiers = {caption for item in hierarchies for caption in item.tiers}
    strings = sorted(tiers | {*needs.strings})
    names, images = _embedded_images(encoder, hierarchies, store, needs, batch_size)
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
            images=np.empty((0, texts.shape[1])) if images is None else images,
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


def _embedded_images(
    encoder: TextOnlyEncoder,
    hierarchies: Sequence[CaptionHierarchy],
    store: ImageStore | None,
    needs: EmbeddingNeeds,
    batch_size: int,
) -> tuple[list[str], np.ndarray | None]:
    """Return the names of all images and their embeddings (I, D); none without an image tower."""
    if not isinstance(encoder, DualEncoder):
        return [], None
    if store is None:
        raise InputError(
            f"model {encoder.provenance()['name']}: found no images, expected those of the test set"
        )
    for item in hierarchies:
        if item.image is None:
            raise InputError(f"item {item.item_id!r} has no image, expected one to embed")
    names = sorted({item.image for item in hierarchies if item.image is not None})
    images = embed_images(encoder, store, names, batch_size)
    if further := needs.images():
        names += further.names
        images = np.concatenate([images, embed_images(encoder, further, further.names, batch_size)])
    return names, images


def _finite(vectors: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    broken = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if broken.size:
        raise InputError(
            f"the model's embedding of {labels[broken[0]]!r} is not finite, expected numbers; "
            "is the checkpoint broken?"
        )
    return vectors
