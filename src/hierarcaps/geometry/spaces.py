"""How a model's embeddings are measured: the geometry that its file of embeddings names.

Two geometries answer the same questions: the unit sphere around an entailment root, and the
hyperboloid around its vertex. Tasks ask :mod:`hierarcaps.evaluation.tasks.space` and need not
know which it is. Radii and angles are computed in double precision: those of near-equal texts
differ in the last digits of float32.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from hierarcaps.geometry import lorentz, sphere
from hierarcaps.metrics.chains import path_to_root
from hierarcaps.runtime.errors import InputError

ROOTS = ("empty", "mean", "origin", "learned")
"""Of the sphere: where radii start, as the alignment settings name it."""


# Vectors held at once in double precision.
PRODUCT_ROWS = 1 << 16


class Geometry(Protocol):
    """A space of embeddings in D dimensions with a root.

    ``N``, ``M`` and ``C`` count embeddings; a vector of a file is a row of D numbers.
    """

    name: ClassVar[str]

    def radii(self, vectors: np.ndarray, root: np.ndarray) -> np.ndarray:
        """Return the distance to the root of (N, D) vectors, (N,)."""
        ...

    def exterior_angles(
        self, parents: np.ndarray, children: np.ndarray, root: np.ndarray
    ) -> np.ndarray:
        """Return the exterior angle of N pairs (N, D), (N,) radians in [0, pi]."""
        ...

    def similarities(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return what the model ranks by, higher is nearer: (N, M) float32 of (N, D) and (M, D).

        Computed in double precision and rounded to what float32 can carry, so that a value does not
        depend on where in the matrices its vectors stand, nor on the processor's kernels.
        """
        ...

    def cosines(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return the cosine of the directions from the centre of N pairs (N, D), (N,)."""
        ...

    def mean(self, vectors: np.ndarray) -> np.ndarray:
        """Return the embedding (N, D) that stands for K each, (N, K, D)."""
        ...

    def towards_root(self, points: np.ndarray, root: np.ndarray, share: float) -> np.ndarray:
        """Return the points (N, D) at this share of the straight ways of (N, D) to the root."""
        ...

    def ways_to_root(
        self, images: np.ndarray, texts: np.ndarray, root: np.ndarray, similarities: np.ndarray
    ) -> list[np.ndarray]:
        """Return per image the texts met on its straight way to the root, the image's end first.

        Args:
            images: (N, D).
            texts: (C, D).
            root: (D,).
            similarities: (N, C), of :meth:`similarities`.

        Returns:
            N arrays of indexes into the texts, as ``metrics.chains.path_to_root``.
        """
        ...


@dataclass(frozen=True)
class Sphere:
    """Unit vectors, ranked by cosine; radii and angles are of straight lines from the root.

    Attributes:
        root: what the root is: one of ``ROOTS``. ``origin`` makes all radii equal, so that only
            angles say anything.
    """

    root: str = "empty"
    name: ClassVar[str] = "sphere"

    def radii(self, vectors: np.ndarray, root: np.ndarray) -> np.ndarray:
        """Return ``||e - r||``, (N,) in [0, 2]."""
        if not root.any():
            # Of unit vectors: what float32 makes of their length would be an order of its own.
            return np.ones(len(vectors))
        return sphere.radius(_double(vectors), _double(root))

    def exterior_angles(
        self, parents: np.ndarray, children: np.ndarray, root: np.ndarray
    ) -> np.ndarray:
        """Return ``Xi_r``, (N,)."""
        return sphere.exterior_angle(_double(parents), _double(children), _double(root))

    def similarities(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return cosines, (N, M)."""
        return np.concatenate([part.astype(np.float32) for part in _products(first, second)], 1)

    def cosines(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return cosines, (N,), which is what the model ranks by."""
        return np.einsum("nd,nd->n", first, second, dtype=np.float64)

    def mean(self, vectors: np.ndarray) -> np.ndarray:
        """Return normalised means (Radford et al., 2021), (N, D)."""
        means = vectors.astype(np.float64).mean(axis=1)
        lengths = np.linalg.norm(means, axis=1, keepdims=True)
        return (means / np.maximum(lengths, np.finfo(float).tiny)).astype(np.float32)

    def towards_root(self, points: np.ndarray, root: np.ndarray, share: float) -> np.ndarray:
        """Return points of the chords, normalised, (N, D)."""
        chord = (1 - share) * points.astype(np.float64) + share * root.astype(np.float64)
        lengths = np.linalg.norm(chord, axis=1, keepdims=True)
        return chord / np.maximum(lengths, np.finfo(float).tiny)

    def ways_to_root(
        self, images: np.ndarray, texts: np.ndarray, root: np.ndarray, similarities: np.ndarray
    ) -> list[np.ndarray]:
        """Return the texts of the highest cosine along the arc from each image to the root."""
        if not root.any():
            # The way to the origin never turns: the nearest text stays the nearest.
            return list(similarities.argmax(axis=1)[:, None])
        if self.root != "empty":
            # The root is met as a direction, like the texts.
            root = (root / np.linalg.norm(root)).astype(root.dtype)
        of_texts, of_images = (
            self.similarities(each, root[None])[:, 0] for each in (texts, images)
        )
        return path_to_root(similarities, of_texts, of_images)


@dataclass(frozen=True)
class Lorentz:
    """Points of a hyperboloid by their space components, as MERU embeds (``lorentz``).

    The root is the vertex, 0; only radii can be taken from another point. What ranks is the
    Lorentzian inner product, as in MERU: the same order as that of the negative distances.

    Attributes:
        curvature: ``c > 0``; the hyperboloid's is ``-c``.
    """

    curvature: float
    name: ClassVar[str] = "lorentz"

    def __post_init__(self) -> None:
        if not self.curvature > 0:
            raise InputError(f"curvature is {self.curvature}, expected a number above 0")

    def radii(self, vectors: np.ndarray, root: np.ndarray) -> np.ndarray:
        """Return the distance to the root along the geodesic, (N,), >= 0."""
        if root.any():
            return lorentz.distance(_double(vectors), _double(root), self.curvature)
        return lorentz.radius(_double(vectors), self.curvature)

    def exterior_angles(
        self, parents: np.ndarray, children: np.ndarray, root: np.ndarray
    ) -> np.ndarray:
        """Return the exterior angle at the parent in the triangle with the vertex, (N,)."""
        return lorentz.exterior_angle(_double(parents), _double(children), self.curvature)

    def half_apertures(self, vectors: np.ndarray) -> np.ndarray:
        """Return the half-apertures of MERU's entailment cones, (N,) radians in (0, pi / 2]."""
        return lorentz.half_aperture(_double(vectors), self.curvature)

    def similarities(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return Lorentzian inner products, (N, M)."""
        first_time, second_time, parts, done = self._time(first), self._time(second), [], 0
        for part in _products(first, second):
            of_part = second_time[done : done + part.shape[1]]
            parts.append((part - np.outer(first_time, of_part)).astype(np.float32))
            done += part.shape[1]
        return np.concatenate(parts, axis=1)

    def cosines(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return the cosines of the angles at the vertex, (N,); 0 for the vertex itself."""
        lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
        along = np.einsum("nd,nd->n", first, second, dtype=np.float64)
        return along / np.maximum(lengths, np.finfo(np.float32).tiny)

    def mean(self, vectors: np.ndarray) -> np.ndarray:
        """Return means in the tangent space at the vertex, (N, D)."""
        return lorentz.mean(_double(vectors), self.curvature).astype(np.float32)

    def towards_root(self, points: np.ndarray, root: np.ndarray, share: float) -> np.ndarray:
        """Return points of the geodesics to the vertex, in equal steps of their length, (N, D)."""
        tangent = lorentz.log_map0(_double(points), self.curvature)
        return lorentz.exp_map0((1 - share) * tangent, self.curvature)

    def ways_to_root(
        self, images: np.ndarray, texts: np.ndarray, root: np.ndarray, similarities: np.ndarray
    ) -> list[np.ndarray]:
        """Return the nearest texts along the geodesic from each image to the vertex.

        Where ``tanh(sqrt(c) radius)`` of a point of the geodesic is ``1 - s`` times that of the
        image i, its inner product with a text y, over its own time component, is
        ``(1 - s) <i, y> / t_i - s t_y``: the texts met are the upper envelope of lines in s, as on
        the sphere.
        """
        image_time, text_time = self._time(images), self._time(texts)
        at_image = similarities / image_time[:, None]
        of_root = np.full(len(images), -self._vertex_time)
        return path_to_root(at_image, -text_time, of_root, -self._vertex_time)

    @property
    def _vertex_time(self) -> float:
        return self.curvature**-0.5

    def _time(self, vectors: np.ndarray) -> np.ndarray:
        squares = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64)
        return np.sqrt(1 / self.curvature + squares)


GEOMETRIES: dict[str, type[Sphere] | type[Lorentz]] = {"sphere": Sphere, "lorentz": Lorentz}


def describe(geometry: Geometry) -> dict[str, Any]:
    """Return what a file of embeddings keeps of its geometry (JSON)."""
    return {"name": geometry.name, **asdict(geometry)}  # type: ignore[call-overload]


def from_description(description: Mapping[str, Any]) -> Geometry:
    """Return the geometry of :func:`describe`.

    Raises:
        InputError: a name or settings that no geometry has.
    """
    settings = {key: value for key, value in description.items() if key != "name"}
    try:
        return GEOMETRIES[description["name"]](**settings)
    except (KeyError, TypeError):
        raise InputError(
            f"geometry is {dict(description)!r}, expected one of {', '.join(GEOMETRIES)}"
        ) from None


def similarity_matrix(geometry: Geometry, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return ``geometry.similarities``, (N, M), with equal rows and columns for equal vectors.

    Each distinct vector is multiplied once: ties are exact, wherever the equal ones stand.
    """
    rows, columns = equal_rows(first), equal_rows(second)
    distinct_rows, row = np.unique(rows, return_inverse=True)
    distinct_columns, column = np.unique(columns, return_inverse=True)
    found = geometry.similarities(first[distinct_rows], second[distinct_columns])
    return found[np.ix_(row, column)]


def equal_rows(vectors: np.ndarray) -> np.ndarray:
    """Return for each of N vectors (N, D) the index of the first one that equals it, (N,)."""
    first: dict[bytes, int] = {}
    # Adding 0 makes -0 and 0 the same bytes.
    digests = (hashlib.blake2b(row + 0.0, digest_size=16).digest() for row in vectors)
    return np.array([first.setdefault(each, i) for i, each in enumerate(digests)], dtype=np.intp)


def _products(first: np.ndarray, second: np.ndarray) -> Iterator[np.ndarray]:
    """Yield inner products in double precision, (N, m) for parts of the M rows of ``second``."""
    left = first.astype(np.float64)
    for start in range(0, max(1, len(second)), PRODUCT_ROWS):
        yield left @ second[start : start + PRODUCT_ROWS].astype(np.float64).T


def _double(vectors: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(vectors, dtype=np.float64)
