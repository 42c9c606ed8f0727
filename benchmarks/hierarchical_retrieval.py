"""Vectorised hierarchical retrieval against its definition as a loop, on one thread.

    python benchmarks/hierarchical_retrieval.py

Two loops are measured: one image and threshold at a time with a masked arg-max in numpy, and the
definition in plain Python (on a sample of the images, scaled up). Results must be equal.
"""

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from hierarcaps.metrics import hierarchical_retrieval


def masked_arg_max_loop(similarity: NDArray, radii: NDArray, n_thresholds: int) -> list[list[int]]:
    """One masked arg-max per image and threshold."""
    order = np.argsort(radii, kind="stable")
    masks = [radii[order] <= t for t in np.linspace(radii.min(), radii.max(), n_thresholds)]
    retrieved = []
    for row in similarity:
        found: list[int] = []
        by_radius = row[order]
        for mask in masks:
            best = int(order[np.where(mask, by_radius, -np.inf).argmax()])
            if not found or found[-1] != best:
                found.append(best)
        retrieved.append(found)
    return retrieved


def plain_loop(similarity: NDArray, radii: NDArray, n_thresholds: int) -> list[list[int]]:
    """One Python step per image, threshold and candidate."""
    radius_list = radii.tolist()
    retrieved = []
    for row in similarity.tolist():
        found: list[int] = []
        for threshold in np.linspace(radii.min(), radii.max(), n_thresholds).tolist():
            within = (c for c, value in enumerate(radius_list) if value <= threshold)
            best = min(within, key=lambda c: (-row[c], radius_list[c], c))
            if not found or found[-1] != best:
                found.append(best)
        retrieved.append(found)
    return retrieved


def seconds(function: Callable[..., Any], *arguments: Any, repeats: int = 1) -> tuple[float, Any]:
    """Shortest wall time of ``repeats`` calls, and the result."""
    shortest = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        result = function(*arguments)
        shortest = min(shortest, time.perf_counter() - start)
    return float(shortest), result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--texts", type=int, default=4000)
    parser.add_argument("--thresholds", type=int, default=50)
    parser.add_argument("--plain-images", type=int, default=5)
    arguments = parser.parse_args()

    rng = np.random.default_rng(0)
    similarity = rng.normal(0.2, 0.05, size=(arguments.images, arguments.texts))
    similarity = similarity.astype(np.float32)
    radii = rng.normal(0.9, 0.1, size=arguments.texts).astype(np.float32)
    sample = similarity[: arguments.plain_images]
    n = arguments.thresholds

    fast, retrieved = seconds(hierarchical_retrieval, similarity, radii, n, repeats=5)
    masked, by_mask = seconds(masked_arg_max_loop, similarity, radii, n)
    plain, by_definition = seconds(plain_loop, sample, radii, n)
    plain *= len(similarity) / len(sample)
    lists = [found.tolist() for found in retrieved]
    if lists != by_mask or lists[: len(sample)] != by_definition:
        raise SystemExit("the implementations disagree")

    print(f"{arguments.images} images x {arguments.texts} texts x {n} thresholds, one thread\n")
    print(f"{'implementation':<34}{'seconds':>10}{'ratio':>10}")
    for name, wall in [
        ("vectorised", fast),
        ("masked arg-max per image (numpy)", masked),
        ("plain loop (Python, scaled up)", plain),
    ]:
        print(f"{name:<34}{wall:>10.4f}{wall / fast:>10.1f}")


if __name__ == "__main__":
    main()
