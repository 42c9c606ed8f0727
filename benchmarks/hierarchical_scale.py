"""Hierarchical retrieval and the way to the root at scale: seconds, throughput, peak memory.

    python benchmarks/hierarchical_scale.py

On random embeddings of 5,000 images and 100,000 texts (512 dimensions, one thread), and of a half
and a quarter of the images, so that it can be seen that time is linear in them. Memory is the most
that the process has held, what the embeddings take included.
"""

import argparse
import os
import resource
import time
from collections.abc import Sequence

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from hierarcaps.embeddings import Embeddings
from hierarcaps.evaluation import space
from hierarcaps.evaluation.hierarchical import retrieve, ways_to_root

DIMENSION = 512


def unit(rng: np.random.Generator, rows: int) -> np.ndarray:
    vectors = rng.standard_normal((rows, DIMENSION), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--texts", type=int, default=100_000)
    arguments = parser.parse_args()

    rng = np.random.default_rng(0)
    texts = tuple(f"text {i}" for i in range(arguments.texts))
    names = tuple(f"{i}.png" for i in range(arguments.images))
    vectors = [unit(rng, rows) for rows in (len(names), len(texts), 1)]
    embeddings = Embeddings(vectors[0], vectors[1], vectors[2][0], names, texts, {})

    def by_radius(images: Sequence[str]) -> None:
        retrieve(embeddings, images, texts, space.radii(embeddings, texts), thresholds=50)

    def to_root(images: Sequence[str]) -> None:
        ways_to_root(embeddings, images, texts)

    print(f"{'':<24}{'images':>8}{'texts':>9}{'seconds':>9}{'pairs/s':>10}{'peak GB':>9}")
    for name, task in (("hierarchical retrieval", by_radius), ("way to the root", to_root)):
        for share in (4, 2, 1):
            images = names[::share]
            start = time.perf_counter()
            task(images)
            wall = time.perf_counter() - start
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            speed = len(images) * len(texts) / wall
            print(
                f"{name:<24}{len(images):>8}{len(texts):>9}{wall:>9.1f}{speed:>10.1e}{peak:>9.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
