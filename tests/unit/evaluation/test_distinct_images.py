"""An image is one image however many rows it has, and equal embeddings are equal everywhere."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.evaluation.results import interval_of
from hierarcaps.evaluation.tasks import space
from hierarcaps.evaluation.tasks.classification import Classification
from hierarcaps.evaluation.tasks.hierarchical import candidates, retrieve
from hierarcaps.evaluation.tasks.labelled_images import LabelledImages
from hierarcaps.evaluation.tasks.modality_gap import ModalityGap
from hierarcaps.evaluation.tasks.registry import all_tasks
from hierarcaps.geometry.spaces import Lorentz, Sphere, equal_rows, similarity_matrix
from hierarcaps.models.embeddings import Embeddings

SETTINGS = {"thresholds": 50, "bootstrap": {"resamples": 50, "seed": 0}}
CHAINS = {
    "0.png": [("animal", "dog", "brown dog", "a brown dog asleep"), ("pet", "dog", "old dog", "d")],
    "1.png": [("food", "cake", "big cake", "a big cake on a plate")],
}


def rows(*images: str) -> list[CaptionHierarchy]:
    return [
        CaptionHierarchy(f"{image}-{k}", tiers, image)
        for image in images
        for k, tiers in enumerate(CHAINS[image])
    ]


def perfect(items: list[CaptionHierarchy]) -> Embeddings:
    """Every chain walks from the root to its image; general texts of an image are in its plane."""
    names = sorted({item.image for item in items})
    strings = tuple(sorted({tier for item in items for tier in item.tiers}))
    vectors = {}
    for item in items:
        direction = np.eye(3)[1 + names.index(item.image)]
        for step, tier in enumerate(item.tiers):
            # The second chain's texts lie between those of the first.
            angle = 0.2 + 0.3 * step + (0.1 if tier in {"pet", "old dog", "d"} else 0)
            vectors[tier] = np.cos(angle) * np.eye(3)[0] + np.sin(angle) * direction
    return Embeddings(
        images=np.eye(3, dtype=np.float32)[1 : 1 + len(names)],
        texts=np.array([vectors[text] for text in strings], dtype=np.float32),
        root=np.eye(3, dtype=np.float32)[0],
        names=tuple(names),
        strings=strings,
        provenance={},
    )


def numbers(items, embeddings) -> dict[str, float]:
    found = {}
    for task in all_tasks(SETTINGS):
        table = task.items(items, embeddings)
        for name, value in task.values(table).items():
            found[f"{task.name}.{name}"] = interval_of(value, SETTINGS["bootstrap"], table["unit"])
    return found


def test_perfect_embeddings_of_two_chains_of_one_image_are_perfect():
    found = numbers(items := rows("0.png", "1.png"), perfect(items))
    for metric in ("precision", "recall", "recall_tier_1", "recall_tier_4", "ordered_recall"):
        assert found[f"hierarchical_retrieval.{metric}"].value == 1, metric
    assert found["hierarchical_retrieval.precision"].n == 2  # images, not rows
    assert found["root_ablation.precision_empty"].value == 1
    assert found["radius_controls.recall_words"].n == 2
    for direction in ("image_to_text", "text_to_image"):
        assert found[f"retrieval.{direction}_r1"].value == 1


def test_the_two_chains_of_an_image_alone():
    found = numbers(items := rows("0.png"), perfect(items))
    assert found["hierarchical_retrieval.precision"].value == 1
    assert found["hierarchical_retrieval.recall"].value == 1


@pytest.fixture(scope="module")
def random_world():
    """60 rows of 20 images, texts that several rows share, embeddings at random."""
    rng = np.random.default_rng(0)
    items = [
        CaptionHierarchy(
            str(row),
            (f"kind {row % 3}", f"thing {row % 7}", f"thing {row % 7} {row}", f"text {row}"),
            f"{row % 20}.png",
        )
        for row in range(60)
    ]
    return items, embed(items, rng)


def embed(items, rng, dimension=16) -> Embeddings:
    def unit(count):
        vectors = rng.normal(size=(count, dimension)).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    names = tuple(sorted({item.image for item in items}))
    strings = tuple(candidates(items))
    return Embeddings(unit(len(names)), unit(len(strings)), unit(1)[0], names, strings, {})


# Draws negatives by the order of the items.
SAMPLED = ("entailment.auroc_other", "entailment.average_precision_other")


def test_the_order_of_rows_changes_nothing(random_world):
    items, embeddings = random_world
    before = numbers(items, embeddings)
    order = np.random.default_rng(1).permutation(len(items))
    after = numbers([items[i] for i in order], embeddings)
    for name, interval in before.items():
        if not name.startswith(SAMPLED):
            np.testing.assert_allclose(after[name], interval, rtol=1e-12, err_msg=name)


def test_rows_that_are_there_twice_change_what_is_measured_on_images_by_nothing(random_world):
    items, embeddings = random_world
    again = [replace(item, item_id=f"{item.item_id} again") for item in items]
    before, after = numbers(items, embeddings), numbers(items + again, embeddings)
    for name, interval in before.items():
        if not name.startswith(SAMPLED):
            np.testing.assert_allclose(after[name], interval, rtol=1e-12, err_msg=name)


# Ties


def with_equal_texts(random_world) -> tuple[list[CaptionHierarchy], Embeddings]:
    """The world with a capital twin of each text, as an uncased tokeniser sees it."""
    items, embeddings = random_world
    twins = [
        CaptionHierarchy(f"{i.item_id} twin", tuple(t.upper() for t in i.tiers), i.image)
        for i in items
    ]
    of = dict(zip(embeddings.strings, embeddings.texts, strict=True))
    strings = tuple(candidates(items + twins))
    texts = np.array([of[text.lower()] for text in strings])
    return items + twins, replace(embeddings, strings=strings, texts=texts)


@pytest.mark.parametrize("geometry", [Sphere(), Lorentz(1.0)], ids=["sphere", "lorentz"])
@pytest.mark.parametrize("number", [1, 10, 64, 1000])
def test_equal_embeddings_have_equal_similarities_wherever_they_stand(geometry, number):
    rng = np.random.default_rng(number)
    texts = np.tile(rng.normal(size=(1, 51)).astype(np.float32), (number, 1))
    texts = np.concatenate([texts, rng.normal(size=(3, 51)).astype(np.float32), texts])
    images = np.tile(rng.normal(size=(2, 51)).astype(np.float32), (5, 1))
    found = similarity_matrix(geometry, images, texts)
    assert (found[:, :number] == found[:, :1]).all()
    assert (found[:, -number:] == found[:, :1]).all()
    assert (found[::2] == found[0]).all()
    np.testing.assert_allclose(found, geometry.similarities(images, texts), rtol=1e-6, atol=1e-6)


def test_equal_rows_are_found_whatever_the_sign_of_zero():
    vectors = np.array([[1, 0], [2, 0], [1, -0.0], [2, 0], [3, 1]], dtype=np.float32)
    assert equal_rows(vectors).tolist() == [0, 1, 0, 1, 4]


@pytest.mark.parametrize("elements", [1, 1 << 7, 1 << 23])
def test_retrieval_is_the_same_for_every_order_chunk_and_twin(random_world, elements, monkeypatch):
    items, embeddings = with_equal_texts(random_world)
    images, texts = list(embeddings.names), candidates(items)
    radii = space.radii(embeddings, texts)
    expected = retrieve(embeddings, images, texts, radii, 50)
    monkeypatch.setattr(space, "CHUNK_ELEMENTS", elements)
    monkeypatch.setattr(space, "LEAST_ROWS", 1)
    rng = np.random.default_rng(elements)
    order, columns = rng.permutation(len(images)), rng.permutation(len(texts))
    shuffled = Embeddings(
        embeddings.images[order],
        embeddings.texts[columns],
        embeddings.root,
        tuple(embeddings.names[i] for i in order),
        tuple(embeddings.strings[i] for i in columns),
        {},
    )
    again = retrieve(shuffled, images, texts, space.radii(shuffled, texts), 50)
    assert [each.tolist() for each in again] == [each.tolist() for each in expected]
    # Of twins the first is retrieved: capitals come first in the order of code points.
    assert {texts[i].isupper() for each in expected for i in each} == {True}


def test_twins_have_equal_radii_angles_and_ways(random_world):
    items, embeddings = with_equal_texts(random_world)
    texts = [tier for item in items[:60] for tier in item.tiers]
    upper = [text.upper() for text in texts]
    assert (space.radii(embeddings, texts) == space.radii(embeddings, upper)).all()
    angles = [space.exterior_angles(embeddings, a, a[1:] + a[:1]) for a in (texts, upper)]
    assert (angles[0] == angles[1]).all()
    cosines = [space.cosines(embeddings, a, a[1:] + a[:1]) for a in (texts, upper)]
    assert (cosines[0] == cosines[1]).all()


def test_classes_of_equal_prompts_tie_and_ties_count_against_the_model(random_world):
    _, embeddings = random_world
    embeddings = replace(
        embeddings, strings=("a", "b", "c"), texts=np.repeat(embeddings.texts[:1], 3, axis=0)
    )
    names = list(embeddings.names)
    data = LabelledImages(names, ["c"] * len(names), {"c": "c", "b": "b", "a": "a"})
    table = Classification("classes", data, ("{}",)).items([], embeddings)
    assert set(table["predicted"]) == {"a"}
    assert set(table["rank"]) == {3}


# The modality gap


def test_two_clouds_of_one_distribution_have_no_gap():
    """Fitted and measured on the same items, the gap was .0456 [.0416, .0495] here."""
    rng = np.random.default_rng(0)
    items = [CaptionHierarchy(str(k), ("a", "b", "c", f"text {k}"), f"{k}.png") for k in range(500)]
    outside = 0
    for _ in range(40):
        table = ModalityGap().items(items, embed(items, rng, dimension=64))
        gap = interval_of(ModalityGap().values(table)["gap"], SETTINGS["bootstrap"], table["unit"])
        outside += not gap.low <= 0 <= gap.high
        assert gap.n == 250
    assert outside <= 6


def test_the_half_that_fits_the_gap_does_not_depend_on_the_order_of_rows(random_world):
    items, embeddings = random_world
    first = ModalityGap().items(items, embeddings).set_index("item_id")["along_gap"]
    second = ModalityGap().items(items[::-1], embeddings).set_index("item_id")["along_gap"]
    pd.testing.assert_series_equal(first, second[first.index], rtol=1e-12)
