"""Geometry of embedded texts and images: the one place where tasks measure.

What radius, angle and similarity mean is the geometry's that the embeddings name
(:mod:`hierarcaps.geometry.spaces`); here texts and images are found by name, in parts that fit in
memory.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from hierarcaps.models.embeddings import Embeddings

# Elements held at once: of pairs of texts in double precision, of similarities in single.
CHUNK_ELEMENTS = 1 << 23


def radii(embeddings: Embeddings, texts: Sequence[str]) -> np.ndarray:
    """Return the distance of N texts to the root, ``(N,)``, >= 0 (at most 2 on the sphere)."""
    distinct, row_of = _distinct(texts)
    vectors = embeddings.texts[embeddings.text_rows(distinct)]
    found = np.empty(len(distinct))
    for part in _parts(len(distinct), embeddings.root.size):
        found[part] = embeddings.geometry.radii(vectors[part], embeddings.root)
    return found[row_of]


def image_radii(embeddings: Embeddings, images: Sequence[str]) -> np.ndarray:
    """Return the distance of N images to the root, ``(N,)``."""
    vectors = embeddings.images[embeddings.image_rows(images)]
    return embeddings.geometry.radii(vectors, embeddings.root)


def exterior_angles(
    embeddings: Embeddings, parents: Sequence[str], children: Sequence[str]
) -> np.ndarray:
    """Return ``Xi_r`` of N pairs (general text, its supposed continuation), ``(N,)`` radians."""
    rows = [embeddings.text_rows(texts) for texts in (parents, children)]
    angles = np.empty(len(parents))
    for part in _parts(len(parents), embeddings.root.size):
        parent, child = (embeddings.texts[each[part]] for each in rows)
        angles[part] = embeddings.geometry.exterior_angles(parent, child, embeddings.root)
    return angles


def cosines(embeddings: Embeddings, first: Sequence[str], second: Sequence[str]) -> np.ndarray:
    """Return the cosine of N pairs of texts, ``(N,)``; on a hyperboloid as seen from its vertex."""
    a, b = (embeddings.texts[embeddings.text_rows(texts)] for texts in (first, second))
    return embeddings.geometry.cosines(a, b)


def image_text_similarities(
    embeddings: Embeddings, images: Sequence[str], texts: Sequence[str]
) -> Iterator[np.ndarray]:
    """Yield similarities of I images to C texts in chunks of images, ``(i, C)`` float32.

    A chunk bounds the memory: 5,000 images and 100,000 texts would take 2 GB at once.
    """
    candidates = embeddings.texts[embeddings.text_rows(texts)]
    vectors = embeddings.images[embeddings.image_rows(images)]
    for part in _parts(len(vectors), len(texts)):
        yield embeddings.geometry.similarities(vectors[part], candidates)


def _parts(rows: int, width: int) -> Iterator[slice]:
    step = max(1, CHUNK_ELEMENTS // max(1, width))
    for start in range(0, rows, step):
        yield slice(start, start + step)


def _distinct(texts: Sequence[str]) -> tuple[list[str], np.ndarray]:
    place = {text: row for row, text in enumerate(dict.fromkeys(texts))}
    return list(place), np.array([place[text] for text in texts], dtype=np.intp)
