"""Geometry of embedded texts and images: the one place where tasks measure.

Embeddings are points of the unit sphere with the empty string as the root. Radii and angles are
computed in double precision: those of near-equal texts differ in the last digits of float32.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from hierarcaps.embeddings import Embeddings

# Elements held at once: of pairs of texts in double precision, of similarities in single.
CHUNK_ELEMENTS = 1 << 23


def radii(embeddings: Embeddings, texts: Sequence[str]) -> np.ndarray:
    """Return the distance of N texts to the root, ``(N,)`` in ``[0, 2]``."""
    import torch

    from hierarcaps.geometry import radius

    distinct, row_of = _distinct(texts)
    rows = embeddings.text_rows(distinct)
    root = torch.from_numpy(embeddings.root).double()
    found = np.empty(len(distinct))
    for part in _parts(len(distinct), root.numel()):
        found[part] = radius(torch.from_numpy(embeddings.texts[rows[part]]).double(), root).numpy()
    return found[row_of]


def exterior_angles(
    embeddings: Embeddings, parents: Sequence[str], children: Sequence[str]
) -> np.ndarray:
    """Return ``Xi_r`` of N pairs (general text, its supposed continuation), ``(N,)`` radians."""
    import torch

    from hierarcaps.geometry import exterior_angle

    root = torch.from_numpy(embeddings.root).double()
    rows = [embeddings.text_rows(texts) for texts in (parents, children)]
    angles = np.empty(len(parents))
    for part in _parts(len(parents), root.numel()):
        parent, child = (torch.from_numpy(embeddings.texts[each[part]]).double() for each in rows)
        angles[part] = exterior_angle(parent, child, root).numpy()
    return angles


def cosines(embeddings: Embeddings, first: Sequence[str], second: Sequence[str]) -> np.ndarray:
    """Return the cosine similarity of N pairs of texts, ``(N,)``."""
    a, b = (embeddings.texts[embeddings.text_rows(texts)] for texts in (first, second))
    return np.einsum("nd,nd->n", a, b, dtype=np.float64)


def image_text_similarities(
    embeddings: Embeddings, images: Sequence[str], texts: Sequence[str]
) -> Iterator[np.ndarray]:
    """Yield cosines of I images to C texts in chunks of images, ``(i, C)`` float32.

    A chunk bounds the memory: 5,000 images and 100,000 texts would take 2 GB at once.
    """
    candidates = embeddings.texts[embeddings.text_rows(texts)].T
    vectors = embeddings.images[embeddings.image_rows(images)]
    for part in _parts(len(vectors), len(texts)):
        yield vectors[part] @ candidates


def _parts(rows: int, width: int) -> Iterator[slice]:
    step = max(1, CHUNK_ELEMENTS // max(1, width))
    for start in range(0, rows, step):
        yield slice(start, start + step)


def _distinct(texts: Sequence[str]) -> tuple[list[str], np.ndarray]:
    place = {text: row for row, text in enumerate(dict.fromkeys(texts))}
    return list(place), np.array([place[text] for text in texts], dtype=np.intp)
