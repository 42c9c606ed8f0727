"""Test items whose right answers are known, and a model that gives all of them."""

import numpy as np
import pytest

from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.models.embeddings import Embeddings

N = 6


@pytest.fixture
def settings() -> dict:
    return {"thresholds": 50, "bootstrap": {"resamples": 200, "seed": 0}}


@pytest.fixture
def items() -> list[CaptionHierarchy]:
    return [
        CaptionHierarchy(
            str(i), ("thing", f"kind {i}", f"big kind {i}", f"big kind {i} here"), f"{i}.png"
        )
        for i in range(N)
    ]


@pytest.fixture
def ideal(items) -> Embeddings:
    """Each item has its own direction; its tiers walk from the root towards its image."""
    root = np.eye(N + 1)[0]
    directions = np.eye(N + 1)[1:]
    vectors = {}
    for item, direction in zip(items, directions, strict=True):
        for tier, angle in zip(item.tiers, (0.1, 0.4, 0.7, 1.0), strict=True):
            vectors[tier] = np.cos(angle) * root + np.sin(angle) * direction
    vectors["thing"] = np.cos(0.1) * root + np.sin(0.1) * directions.mean(0) / np.linalg.norm(
        directions.mean(0)
    )
    strings = tuple(sorted(vectors))
    images = np.cos(1.1) * root + np.sin(1.1) * directions
    return Embeddings(
        images=images.astype(np.float32),
        texts=np.array([vectors[s] for s in strings], dtype=np.float32),
        root=root.astype(np.float32),
        names=tuple(item.image for item in items),
        strings=strings,
        provenance={"loaded": "by construction"},
    )
