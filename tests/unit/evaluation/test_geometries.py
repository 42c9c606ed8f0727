"""Every task in every geometry: embeddings whose right answers are known, and plain references."""

from dataclasses import replace

import numpy as np
import pytest

from hierarcaps.evaluation.tasks import space
from hierarcaps.evaluation.tasks.hierarchical import ways_to_root
from hierarcaps.evaluation.tasks.names import PROTOCOLS_OF_OTHERS
from hierarcaps.evaluation.tasks.registry import (
    Ordering,
    Retrieval,
    Traversal,
    all_tasks,
    embedding_needs,
)
from hierarcaps.geometry.spaces import Lorentz, Sphere, describe, from_description
from hierarcaps.metrics import hierarchy as metrics
from hierarcaps.models.embeddings import Embeddings, read_embeddings, write_embeddings
from hierarcaps.models.roots import find_root, read_root, write_root
from hierarcaps.runtime.errors import InputError

CURVATURE = 0.6
N = 6


def lifted(tangents: np.ndarray, curvature: float = CURVATURE) -> np.ndarray:
    """The exponential map at the vertex, in numpy."""
    angle = curvature**0.5 * np.linalg.norm(tangents, axis=-1, keepdims=True)
    return (np.sinh(angle) / np.maximum(angle, 1e-12) * tangents).astype(np.float32)


@pytest.fixture
def hyperbolic(items) -> Embeddings:
    """Each item has its own direction; its tiers walk from the vertex towards its image."""
    directions = np.eye(N)
    tangents = {"thing": 0.2 * directions.mean(axis=0)}
    for item, direction in zip(items, directions, strict=True):
        for tier, radius in zip(item.tiers[1:], (0.8, 1.2, 1.6), strict=True):
            tangents[tier] = radius * direction
    strings = tuple(sorted(tangents))
    return Embeddings(
        images=lifted(1.8 * directions),
        texts=lifted(np.array([tangents[text] for text in strings])),
        root=np.zeros(N, dtype=np.float32),
        names=tuple(item.image for item in items),
        strings=strings,
        provenance={"loaded": "by construction"},
        geometry=Lorentz(CURVATURE),
    )


def random_points(seed: int, count: int, dimensions: int = 4) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return lifted(rng.standard_normal((count, dimensions)))


def test_an_ideal_hyperbolic_model_is_perfect(items, hyperbolic):
    for task in (Ordering(), Retrieval()):
        for name, values in task.values(task.items(items, hyperbolic)).items():
            if name != "tau_d_length_controlled":
                assert np.nanmean(values) == 1, name
    table = Ordering().items(items, hyperbolic)
    radii = table[[f"radius_{tier}" for tier in range(2, 5)]].to_numpy()
    np.testing.assert_allclose(radii, [[0.8, 1.2, 1.6]] * N, rtol=1e-6)
    assert (table[["angle_2", "angle_3"]] < 1e-3).all(axis=None)
    way = Traversal().items(items, hyperbolic)
    assert [list(texts)[-1] for texts in way["retrieved"]] == [item.tiers[3] for item in items]


@pytest.mark.parametrize(
    "geometry", [Sphere(), Sphere("mean"), Sphere("origin"), Lorentz(CURVATURE)], ids=repr
)
def test_every_task_gives_numbers_in_every_geometry(geometry, items):
    settings = {"thresholds": 7, "protocols": PROTOCOLS_OF_OTHERS}
    needs = embedding_needs(items, settings)
    strings = tuple(sorted({t for item in items for t in item.tiers}.union(needs.strings)))
    names = tuple(item.image for item in items)
    images, texts = random_points(0, len(names)), random_points(1, len(strings))
    root = np.zeros(4, dtype=np.float32)
    if isinstance(geometry, Sphere):
        images, texts = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (images, texts))
        geometry, root = find_root(geometry.root, Sphere(), texts[0], texts)
    embeddings = Embeddings(images, texts, root, names, strings, {}, geometry)
    for task in all_tasks(settings):
        table = task.items(items, embeddings)
        for name, values in task.values(table).items():
            found = values if isinstance(values, np.ndarray) else values.of(np.ones((1, values.n)))
            assert not np.isinf(found).any(), (task.name, name)
            if task.name == "root_ablation":  # asked only of the sphere around the empty string
                assert np.isfinite(found).any() == (geometry == Sphere()), (task.name, name)
                continue
            assert np.isfinite(found).any() or "length_controlled" in name, (task.name, name)


def plain_way(image: np.ndarray, texts: np.ndarray, curvature: float, steps: int) -> list[int]:
    """MERU's traversal: steps on the geodesic, the nearest of texts and vertex at each."""
    length = curvature**0.5 * np.linalg.norm(image)
    tangent = np.arcsinh(length) / length * image
    candidates = np.concatenate([texts, np.zeros((1, len(image)))]).astype(np.float64)
    times = np.sqrt(1 / curvature + (candidates**2).sum(axis=1))
    met: list[int] = []
    for weight in np.linspace(1, 0, steps):
        point = lifted(weight * tangent, curvature).astype(np.float64)
        inner = candidates @ point - times * np.sqrt(1 / curvature + point @ point)
        nearest = int(inner.argmax())
        if nearest == len(texts):
            break
        if nearest not in met:
            met.append(nearest)
    return met


@pytest.mark.parametrize("curvature", [0.2, 1.0, 3.0])
def test_the_way_to_the_vertex_is_that_of_small_steps(curvature: float):
    images, texts = random_points(2, 12), random_points(3, 40) * 0.4
    names, strings = tuple(map(str, range(12))), tuple(map(str, range(40)))
    root = np.zeros(4, dtype=np.float32)
    embeddings = Embeddings(images, texts, root, names, strings, {}, Lorentz(curvature))
    found = ways_to_root(embeddings, names, strings)
    assert any(len(way) > 1 for way in found)
    for image, way in zip(images, found, strict=True):
        stepped = plain_way(image, texts, curvature, 3000)
        # Steps can skip a text that is nearest for less than one of them.
        assert [text for text in way if text in stepped] == stepped


def test_similarities_rank_by_distance():
    import torch

    from hierarcaps.geometry import lorentz

    images, texts = random_points(4, 5), random_points(5, 30)
    similarity = Lorentz(CURVATURE).similarities(images, texts)
    assert similarity.dtype == np.float32
    a, b = (torch.from_numpy(x).double() for x in (images, texts))
    distances = lorentz.distance(a[:, None], b, CURVATURE).numpy()
    expected = -np.cosh(CURVATURE**0.5 * distances) / CURVATURE
    np.testing.assert_allclose(similarity, expected, rtol=1e-5)


def test_prompts_are_averaged_in_the_tangent_space():
    tangents = np.random.default_rng(0).standard_normal((3, 5, 4))
    found = Lorentz(CURVATURE).mean(lifted(tangents))
    np.testing.assert_allclose(found, lifted(tangents.mean(axis=1)), atol=1e-5)


def test_radii_can_be_taken_from_another_point(hyperbolic):
    moved = replace(hyperbolic, root=hyperbolic.texts[0])
    radii = space.radii(moved, moved.strings)
    assert radii[0] == 0
    assert (radii[1:] > 0).all()
    assert space.image_radii(hyperbolic, hyperbolic.names) == pytest.approx(1.8, rel=1e-6)


def test_the_origin_tells_no_radii_apart(items, ideal):
    _, origin = find_root("origin", Sphere(), ideal.root, ideal.texts)
    embeddings = replace(ideal, root=origin, geometry=Sphere("origin"))
    assert set(space.radii(embeddings, ideal.strings)) == {1.0}
    assert (Ordering().values(Ordering().items(items, embeddings))["tau_d"] == 0).all()
    # The direction to the origin never turns: the nearest text is all that is met.
    ways = ways_to_root(embeddings, ideal.names, ideal.strings)
    similarity = ideal.images @ ideal.texts.T
    assert [list(way) for way in ways] == similarity.argmax(axis=1)[:, None].tolist()
    chains = metrics.hierarchical_retrieval(similarity, np.ones(len(ideal.strings)), 5)
    assert [list(chain) for chain in chains] == [list(way) for way in ways]


def test_the_geometry_is_in_the_file(tmp_path, hyperbolic, ideal):
    for embeddings in (hyperbolic, ideal, replace(ideal, geometry=Sphere("mean"))):
        write_embeddings(tmp_path / "e.safetensors", embeddings)
        assert read_embeddings(tmp_path / "e.safetensors").geometry == embeddings.geometry
        assert from_description(describe(embeddings.geometry)) == embeddings.geometry


@pytest.mark.parametrize(
    "description",
    [{"name": "torus"}, {"name": "lorentz"}, {"name": "sphere", "radius": 2}, {},
     {"name": "lorentz", "curvature": -1.0}],
)  # fmt: skip
def test_an_unknown_geometry_is_one_sentence(description):
    with pytest.raises(InputError, match="expected"):
        from_description(description)


class TestRoots:
    texts = random_points(6, 9) / np.linalg.norm(random_points(6, 9), axis=1, keepdims=True)
    empty = texts[0]

    def test_names(self):
        for name in (None, "", "empty"):
            geometry, root = find_root(name, Sphere(), self.empty, self.texts)
            assert geometry == Sphere("empty")
            assert root is self.empty
        geometry, root = find_root("mean", Sphere(), self.empty, self.texts)
        assert geometry == Sphere("mean")
        mean = self.texts.mean(axis=0)
        np.testing.assert_allclose(root, mean / np.linalg.norm(mean), atol=1e-6)
        assert not find_root("origin", Sphere(), self.empty, self.texts)[1].any()
        assert not find_root(None, Lorentz(1.0), self.empty, self.texts)[1].any()

    @pytest.mark.parametrize("name", ["empty", "mean", "learned"])
    def test_what_alignment_writes_is_read_to_the_last_digit(self, tmp_path, name):
        path = tmp_path / "root.json"
        vector = None if name == "empty" else self.texts[3]
        write_root(path, name, vector)
        geometry, root = find_root(str(path), Sphere(), self.empty, self.texts)
        assert geometry == Sphere(name)
        np.testing.assert_array_equal(root, self.empty if vector is None else vector)

    def test_bad_roots_are_one_sentence(self, tmp_path):
        path = tmp_path / "root.json"
        for root, geometry, expected in [
            ("middle", Sphere(), "expected one of empty, mean, origin"),
            ("mean", Lorentz(1.0), "expected origin"),
            (str(tmp_path / "no.json"), Sphere(), "not a readable file of a root"),
        ]:
            with pytest.raises(InputError, match=expected):
                find_root(root, geometry, self.empty, self.texts)
        for content, expected in [
            ("{", "not a readable"),
            ("[]", "found no 'root'"),
            ('{"root": "mean", "vector": [1, 2]}', "a root of 2 numbers, expected 4"),
        ]:
            path.write_text(content)
            with pytest.raises(InputError, match=expected):
                find_root(str(path), Sphere(), self.empty, self.texts)
        path.write_text('{"root": "learned", "vector": [[1]]}')
        with pytest.raises(InputError, match="not a list of finite numbers"):
            read_root(path)
