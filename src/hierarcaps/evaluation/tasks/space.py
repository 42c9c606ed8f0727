"""Geometry of embedded texts and images: the one place where tasks measure.

What radius, angle and similarity mean is the geometry's that the embeddings name
(:mod:`hierarcaps.geometry.spaces`); here texts and images are found by name, in parts that fit in
memory.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from hierarcaps.geometry.spaces import Lorentz
from hierarcaps.models.embeddings import Embeddings

# Elements held at once: of pairs of texts in double precision, of similarities in single.
CHUNK_ELEMENTS = 1 << 23
# So many rows at once all the same, however wide: the other side is read once for all of them.
LEAST_ROWS = 32


def radii(embeddings: Embeddings, texts: Sequence[str]) -> np.ndarray:
    """Return the distance of N texts to the root, ``(N,)``, >= 0 (at most 2 on the sphere)."""
    distinct, row_of = np.unique(embeddings.text_rows(texts), return_inverse=True)
    found = np.empty(len(distinct))
    for part in _parts(len(distinct), embeddings.root.size):
        vectors = embeddings.texts[distinct[part]]
        found[part] = embeddings.geometry.radii(vectors, embeddings.root)
    return found[row_of]


def image_radii(embeddings: Embeddings, images: Sequence[str]) -> np.ndarray:
    """Return the distance of N images to the root, ``(N,)``."""
    vectors = embeddings.images[embeddings.image_rows(images)]
    return embeddings.geometry.radii(vectors, embeddings.root)


def pair_measures(
    embeddings: Embeddings, parents: Sequence[str], children: Sequence[str]
) -> dict[str, np.ndarray]:
    """Return the ``angle`` (radians) and the ``cosine`` of N pairs of texts, ``(N,)`` each."""
    return {
        "angle": exterior_angles(embeddings, parents, children),
        "cosine": cosines(embeddings, parents, children),
    }


def exterior_angles(
    embeddings: Embeddings, parents: Sequence[str], children: Sequence[str]
) -> np.ndarray:
    """Return ``Xi_r`` of N pairs (general text, its supposed continuation), ``(N,)`` radians."""
    pairs, pair_of = _distinct_pairs(embeddings, parents, children)
    angles = np.empty(len(pairs))
    for part in _parts(len(pairs), embeddings.root.size):
        parent, child = (embeddings.texts[rows] for rows in pairs[part].T)
        angles[part] = embeddings.geometry.exterior_angles(parent, child, embeddings.root)
    return angles[pair_of]


def cosines(embeddings: Embeddings, first: Sequence[str], second: Sequence[str]) -> np.ndarray:
    """Return the cosine of N pairs of texts, ``(N,)``; on a hyperboloid as seen from its vertex."""
    pairs, pair_of = _distinct_pairs(embeddings, first, second)
    a, b = (embeddings.texts[rows] for rows in pairs.T)
    return embeddings.geometry.cosines(a, b)[pair_of]


def caption_image_angles(
    embeddings: Embeddings, captions: Sequence[str], images: Sequence[str]
) -> np.ndarray:
    """Return ``Xi_r`` of N pairs, an image as the continuation of a caption, ``(N,)`` radians."""
    parents, children = embeddings.text_rows(captions), embeddings.image_rows(images)
    angles = np.empty(len(parents))
    for part in _parts(len(parents), embeddings.root.size):
        parent, child = embeddings.texts[parents[part]], embeddings.images[children[part]]
        angles[part] = embeddings.geometry.exterior_angles(parent, child, embeddings.root)
    return angles


def caption_image_similarities(
    embeddings: Embeddings, captions: Sequence[str], images: Sequence[str]
) -> np.ndarray:
    """Return what the model ranks N pairs of a caption and an image by, ``(N,)``."""
    text, texts = pd.factorize(np.asarray(captions, dtype=object))
    image, names = pd.factorize(np.asarray(images, dtype=object))
    found, done = np.empty(len(text), dtype=np.float32), 0
    for chunk in image_text_similarities(embeddings, list(names), list(texts)):
        rows = np.flatnonzero((image >= done) & (image < done + len(chunk)))
        found[rows] = chunk[image[rows] - done, text[rows]]
        done += len(chunk)
    return found


def half_apertures(embeddings: Embeddings, texts: Sequence[str]) -> np.ndarray | None:
    """Return the half-apertures of MERU's cones of N texts, ``(N,)``; None on the sphere."""
    if not isinstance(embeddings.geometry, Lorentz):
        return None
    rows, row_of = np.unique(embeddings.text_rows(texts), return_inverse=True)
    return embeddings.geometry.half_apertures(embeddings.texts[rows])[row_of]


def image_text_similarities(
    embeddings: Embeddings, images: Sequence[str], texts: Sequence[str]
) -> Iterator[np.ndarray]:
    """Yield similarities of I images to C texts in chunks of images, ``(i, C)`` float32.

    A chunk bounds the memory: 5,000 images and 100,000 texts would take 2 GB at once. The texts'
    embeddings are held (``similarities_by_text`` holds a part). Texts of equal embeddings have
    equal similarities, whatever their places and the chunk.
    """
    column, distinct = pd.factorize(embeddings.text_rows(texts))
    candidates = embeddings.texts[distinct]
    vectors = embeddings.images[embeddings.image_rows(images)]
    for part in _parts(len(vectors), len(texts)):
        similarities = embeddings.geometry.similarities(vectors[part], candidates)
        yield similarities if len(distinct) == len(texts) else similarities[:, column]


def similarities_by_text(
    embeddings: Embeddings, images: Sequence[str], rows: np.ndarray
) -> Iterator[np.ndarray]:
    """Yield similarities of I images to these rows of the texts in blocks of texts, ``(I, c)``.

    For more texts than are to be in memory: a million of 512 dimensions are 2 GB.
    """
    vectors = embeddings.images[embeddings.image_rows(images)]
    for part in _parts(len(rows), len(images)):
        yield embeddings.geometry.similarities(vectors, embeddings.texts[rows[part]])


def _parts(rows: int, width: int) -> Iterator[slice]:
    step = max(LEAST_ROWS, CHUNK_ELEMENTS // max(1, width))
    for start in range(0, rows, step):
        yield slice(start, start + step)


def _distinct_pairs(
    embeddings: Embeddings, first: Sequence[str], second: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct pairs of rows (P, 2), and which of them each pair of texts is (N,)."""
    rows = np.column_stack([embeddings.text_rows(texts) for texts in (first, second)])
    return np.unique(rows, axis=0, return_inverse=True)
