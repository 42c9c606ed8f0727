"""Many candidates: what is held at a time does not grow with them, and changes no result."""

import tracemalloc

import numpy as np
import pytest

from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.evaluation.tasks import space
from hierarcaps.evaluation.tasks.hierarchical import HierarchicalRetrieval, Pool
from hierarcaps.evaluation.tasks.hubness import Hubness
from hierarcaps.metrics.hierarchy import hierarchical_retrieval
from hierarcaps.models.embeddings import Embeddings, read_embeddings, write_embeddings

TEXTS, DIMENSION = 12_000, 256
ITEMS = [
    CaptionHierarchy(str(i), ("thing", f"kind {i}", f"big kind {i}", f"a big kind {i}"), f"{i}.png")
    for i in range(20)
]
POOL = Pool("wide", tuple(f"text {i:05d}" for i in range(TEXTS)), {})


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A file of the embeddings of many texts: 12 MB."""
    strings = sorted({*POOL.texts}.union(*(item.tiers for item in ITEMS)))
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(len(ITEMS) + len(strings) + 1, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    images, texts, root = np.split(vectors, [len(ITEMS), len(vectors) - 1])
    names = tuple(item.image for item in ITEMS)
    path = tmp_path_factory.mktemp("many") / "embeddings.safetensors"
    write_embeddings(path, Embeddings(images, texts, root[0], names, tuple(strings), {}))
    return path


@pytest.mark.parametrize("task", [HierarchicalRetrieval(50, POOL), Hubness(50, POOL)])
def test_the_embeddings_of_a_pool_are_never_in_memory_as_a_whole(task, path, monkeypatch):
    monkeypatch.setattr(space, "CHUNK_ELEMENTS", 1 << 15)
    asked = []

    class Watched(np.ndarray):
        """An array that notes how much of it is taken at once."""

        def __getitem__(self, key):
            found = super().__getitem__(key)
            asked.append(found.size)
            return found.view(np.ndarray)

    embeddings = read_embeddings(path)
    assert not embeddings.texts.flags.owndata
    size = embeddings.texts.nbytes
    object.__setattr__(embeddings, "texts", embeddings.texts.view(Watched))
    embeddings.text_rows(["thing"])
    tracemalloc.start()
    try:
        table = task.items(ITEMS, embeddings)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(table) == len(ITEMS)
    # Of texts in single precision: the numbers of a chunk over the images that each is put to.
    assert DIMENSION <= max(asked) <= (1 << 15) // len(ITEMS) * DIMENSION
    assert peak < size / 2


def test_blocks_of_texts_change_no_result(path, monkeypatch):
    embeddings = read_embeddings(path)
    found = HierarchicalRetrieval(50, POOL).items(ITEMS, embeddings)
    similarity = embeddings.images.astype(np.float64) @ embeddings.texts.astype(np.float64).T
    radii = np.linalg.norm(embeddings.texts.astype(np.float64) - embeddings.root, axis=1)
    expected = hierarchical_retrieval(similarity, radii)
    for texts, indexes in zip(found["retrieved"], expected, strict=True):
        assert texts == [embeddings.strings[index] for index in indexes]
    monkeypatch.setattr(space, "CHUNK_ELEMENTS", 1000)
    again = HierarchicalRetrieval(50, POOL).items(ITEMS, embeddings)
    assert list(again["retrieved"]) == list(found["retrieved"])
