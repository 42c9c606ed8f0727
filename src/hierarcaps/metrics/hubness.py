"""Hubs: texts that many images retrieve, whatever the images show. Pure functions of arrays.

Symbols: I images, C candidate texts, R resamples of the images.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]


def incidence(chains: Sequence[IntArray], candidates: int) -> csr_array:
    """Return which image retrieved which text, ``(I, C)`` of 0 and 1.

    Args:
        chains: of I images the indexes of the texts retrieved, none twice.
        candidates: C.
    """
    columns = np.concatenate([np.empty(0, dtype=np.intp), *chains])
    rows = np.repeat(np.arange(len(chains)), [len(chain) for chain in chains])
    return csr_array((np.ones(len(columns)), (rows, columns)), shape=(len(chains), candidates))


def without_empty_columns(retrieved: csr_array) -> csr_array:
    """Return the columns of the texts that some image retrieves, at least one column."""
    columns = np.unique(retrieved.indices)
    return retrieved[:, columns if len(columns) else [0]]


def largest_share(retrieved: csr_array, counts: ArrayLike) -> FloatArray:
    """Share of the images that retrieve the text which most of them retrieve.

    Args:
        retrieved: ``(I, C)``, as ``incidence`` returns it.
        counts: ``(R, I)``, how often each image was drawn; ones: the sample itself.

    Returns:
        ``(R,)``, in ``[0, 1]``.
    """
    counts = np.asarray(counts, dtype=np.float64)
    return (counts @ retrieved).max(axis=1) / counts.sum(axis=1)


def skewness(retrieved: csr_array, counts: ArrayLike, candidates: int | None = None) -> FloatArray:
    """Skewness, over the candidate texts, of how many images retrieve each.

    ``E[(N - m)^3] / s^3`` with the mean m and the standard deviation s of the C numbers N: the
    measure of hubness of Radovanović, Nanopoulos and Ivanović (2010, "Hubs in space"). About 0
    where all texts are retrieved about equally often; large where few texts take most.

    Args:
        retrieved: ``(I, C)``, as ``incidence`` returns it, or the columns that are not empty.
        counts: ``(R, I)``, how often each image was drawn.
        candidates: C, where columns were left out.

    Returns:
        ``(R,)``; NaN where every text is retrieved equally often.
    """
    occurrences = np.asarray(counts, dtype=np.float64) @ retrieved
    texts = candidates or retrieved.shape[1]
    never = texts - retrieved.shape[1]
    mean = occurrences.sum(axis=1) / texts
    deviation = occurrences - mean[:, None]
    spread = np.sqrt(((deviation**2).sum(axis=1) + never * mean**2) / texts)
    third = ((deviation**3).sum(axis=1) - never * mean**3) / texts
    return np.divide(third, spread**3, out=np.full(len(spread), np.nan), where=spread > 0)


def worst(retrieved_wrongly: csr_array, most: int) -> IntArray:
    """Return the texts that most images retrieve wrongly, at most ``most``, the worst first.

    Texts that no image retrieves wrongly are none of them; ties go to the lower index.
    """
    occurrences = np.asarray(retrieved_wrongly.sum(axis=0)).ravel()
    found = np.argsort(-occurrences, kind="stable")[:most]
    return found[occurrences[found] > 0]


def neighbourhood_density(nearest: ArrayLike) -> FloatArray:
    """Mean similarity of each text to the images nearest to it: how much of a hub it is.

    Half of it, subtracted from a text's similarities, gives the order of cross-domain local
    scaling, ``CSLS = 2 s(image, text) - r(text) - r(image)`` (Conneau et al., 2018, "Word
    translation without parallel data", eq. 3-4): an image's own term moves none of its candidates.

    Args:
        nearest: ``(K, C)``, similarities of each text to its K nearest images.
    """
    return np.asarray(nearest, dtype=np.float64).mean(axis=0)
