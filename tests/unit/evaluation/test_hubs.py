"""Hubs in hierarchical retrieval, on embeddings whose hubs are known by construction."""

from dataclasses import replace

import numpy as np
import pytest

from hierarcaps.data.hierarchy import CaptionHierarchy, write_hierarchies
from hierarcaps.evaluation.baselines import random_embeddings
from hierarcaps.evaluation.tasks.hierarchical import HierarchicalRetrieval, read_pool
from hierarcaps.evaluation.tasks.hubness import HubCorrections, Hubness
from hierarcaps.evaluation.tasks.names import task_files, task_names
from hierarcaps.evaluation.tasks.registry import all_tasks, embedding_needs
from hierarcaps.geometry.spaces import Lorentz
from hierarcaps.metrics.hierarchy import hierarchical_retrieval
from hierarcaps.metrics.intervals import statistic_interval


def _values(task, items, embeddings):
    values = task.values(task.items(items, embeddings))
    return {
        name: statistic_interval(value, 0, 100).value
        if hasattr(value, "of")
        else float(np.nanmean(value))
        for name, value in values.items()
    }


@pytest.fixture
def with_hub(items, ideal):
    """The ideal model, but the last tier of the first item lies on the way to all images.

    It is farther from the root than the text that all share, and nearer than all others.
    """
    outward = ideal.images.mean(axis=0) * (1 - ideal.root)
    texts = ideal.texts.copy()
    texts[ideal.strings.index(items[0].tiers[3])] = np.cos(0.3) * ideal.root + np.sin(
        0.3
    ) * outward / np.linalg.norm(outward)
    return replace(ideal, texts=texts)


def test_an_ideal_model_has_no_hub_but_the_text_that_all_images_share(items, ideal):
    values = _values(Hubness(50), items, ideal)
    assert values["most_retrieved"] == 1  # "thing", nearest to the root, and right for each
    assert values["most_retrieved_wrongly"] == 0
    assert values["lost_to_worst"] == 0
    assert values["precision_without_worst"] == 1


def test_a_hub_is_found_and_what_it_costs(items, with_hub):
    table = Hubness(50).items(items, with_hub)
    hub = items[0].tiers[3]
    strings = sorted({tier for item in items for tier in item.tiers})
    retrieved = [[strings[i] for i in row] for row in table["retrieved"]]
    wrong = [hub in row for row in retrieved]
    assert wrong[0]
    assert sum(wrong) > 1  # for the first item it is right
    values = _values(Hubness(50), items, with_hub)
    assert values["most_retrieved_wrongly"] == pytest.approx(sum(wrong[1:]) / len(items))
    assert values["most_wrongly_after_first"] == values["most_retrieved_wrongly"]
    assert values["lost_to_worst"] > 0
    # Precision is that of the retrieval task itself.
    own = HierarchicalRetrieval(50).items(items, with_hub)
    assert table["precision"].tolist() == own["precision"].tolist()
    assert retrieved == [list(row) for row in own["retrieved"]]


def test_the_first_threshold_is_left_out_by_a_plain_count(items, with_hub):
    table = Hubness(50).items(items, with_hub)
    strings = sorted({tier for item in items for tier in item.tiers})
    for item, row in zip(items, table.itertuples(), strict=True):
        left = [strings[index] for index in row.retrieved[1:]]
        expected = sum(text in item.tiers for text in left) / len(left) if left else 0
        assert row.precision_without_first == pytest.approx(expected)
        assert row.first == row.retrieved[0]


def test_the_worst_texts_are_those_of_the_other_images(items, ideal):
    """A text that a single image retrieves wrongly is found on that image: nothing is gained."""
    texts = ideal.texts.copy()
    texts[ideal.strings.index(items[1].tiers[3])] = ideal.images[0]
    alone = _values(Hubness(50), items, replace(ideal, texts=texts))
    assert alone["most_retrieved_wrongly"] == pytest.approx(1 / len(items))
    assert alone["lost_to_worst"] == 0


def test_the_text_of_the_first_threshold_is_a_hub_by_definition(items, with_hub):
    """Nearest to the root, the wrong text of all images is no hub of the model's making."""
    texts = with_hub.texts.copy()
    texts[with_hub.strings.index(items[0].tiers[3])] = with_hub.root
    values = _values(Hubness(50), items, replace(with_hub, texts=texts))
    assert values["most_retrieved_wrongly"] == pytest.approx(1 - 1 / len(items))
    assert values["most_wrongly_after_first"] == 0
    assert values["lost_to_first"] > 0


def test_an_image_counts_once(items, with_hub):
    twice = [*items, replace(items[1], item_id="again")]
    once, both = (_values(Hubness(50), each, with_hub) for each in (items, twice))
    assert once == pytest.approx(both, nan_ok=True)


@pytest.mark.parametrize("images", [5, 40])  # fewer and more than the nearest that count
def test_corrections_are_those_of_a_plain_computation(images):
    items = [
        CaptionHierarchy(str(i), ("t", f"a{i}", f"b{i}", f"c{i}"), f"{i}.png")
        for i in range(images)
    ]
    model = random_embeddings(items, 0)
    strings = sorted({tier for item in items for tier in item.tiers})
    texts = model.texts[model.text_rows(strings)].astype(float)
    pictures = model.images[model.image_rows([item.image for item in items])].astype(float)
    radii = np.linalg.norm(texts - model.root, axis=1)
    similarity = pictures @ texts.T

    def nearest(matrix):  # mean of the ten largest in each row
        return np.sort(matrix, axis=1)[:, -10:].mean(axis=1)

    scaled = 2 * similarity - nearest(similarity.T) - nearest(similarity)[:, None]
    centred_pictures, centred_texts = (x - x.mean(axis=0) for x in (pictures, texts))
    lengths = [np.linalg.norm(x, axis=1) for x in (centred_pictures, centred_texts)]
    centred = centred_pictures @ centred_texts.T / np.outer(*lengths)
    found = HubCorrections(50).items(items, model)
    for name, scores in (("scaled", scaled), ("centred", centred)):
        for row, indexes in enumerate(hierarchical_retrieval(scores, radii)):
            right = set(items[row].tiers) & {strings[index] for index in indexes}
            assert found[f"precision_{name}"][row] == pytest.approx(len(right) / len(set(indexes)))
            assert found[f"recall_{name}"][row] == pytest.approx(len(right) / 4)


def test_centring_is_of_the_sphere(items, ideal):
    on_hyperboloid = replace(ideal, geometry=Lorentz(curvature=1.0), root=0 * ideal.root)
    values = HubCorrections(50).values(HubCorrections(50).items(items, on_hyperboloid))
    assert "precision_scaled" in values
    assert "precision_centred" not in values


def test_a_wider_pool_is_a_task_of_its_own(items, ideal, settings, tmp_path):
    more = [replace(item, tiers=("other", *item.tiers[1:3], f"x {item.item_id}")) for item in items]
    path = str(tmp_path / "more.csv")
    write_hierarchies(path, more)
    asked = {**settings, "candidates": {"wide": path}}
    names = task_names(asked)
    assert [task.name for task in all_tasks(asked)] == names
    assert {"hierarchical_retrieval_wide", "hubness_wide"} < set(names)
    assert task_files(asked) == [path]
    needed = embedding_needs(items, asked).strings
    assert needed == tuple(sorted({"other"} | {f"x {item.item_id}" for item in items}))

    # Each further text is right for no image, and lies nearer to the first image than its own.
    vectors = np.repeat(ideal.images[:1], len(needed), axis=0)
    wide = replace(
        ideal, texts=np.concatenate([ideal.texts, vectors]), strings=(*ideal.strings, *needed)
    )
    pool = read_pool("wide", path)
    task = HierarchicalRetrieval(50, pool)
    table = task.items(items, wide)
    assert table["precision"].iloc[0] < 1
    assert set(table["retrieved"].iloc[0]) & set(needed)
    assert HierarchicalRetrieval(50).items(items, wide)["precision"].iloc[0] == 1
    assert task.provenance(items)["candidates"] == path
