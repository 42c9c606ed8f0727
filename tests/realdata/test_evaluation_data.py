"""Readers and baselines on real data: HyperLex, BREEDS, Flickr8k, the official test set."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hierarcaps.data.class_tree import read_imagenet_hierarchy, tree_errors
from hierarcaps.data.hierarchy import read_hierarchies
from hierarcaps.evaluation.baselines import evaluate_baselines, random_embeddings
from hierarcaps.evaluation.results import Run, interval_of, summarise, write_result
from hierarcaps.evaluation.tasks.classification import folder_classification
from hierarcaps.evaluation.tasks.hierarchical import HierarchicalRetrieval
from hierarcaps.evaluation.tasks.lexical import hyperlex
from hierarcaps.evaluation.tasks.registry import task_provenance
from hierarcaps.evaluation.tasks.retrieval import caption_retrieval
from hierarcaps.metrics.ranking import spearman
from hierarcaps.models.embedding_needs import EmbeddingNeeds
from hierarcaps.runtime.errors import InputError


def _at(folder, *parts):
    path = folder.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"real data not found: {path}")
    return path


def test_hyperlex_has_its_published_size(real_data):
    task = hyperlex(str(_at(real_data, "hyperlex", "hyperlex-all.txt")), "{}")
    assert len(task.pairs) == 2616
    assert (task.pairs["part_of_speech"] == "N").sum() == 2163
    assert task.pairs["grade"].between(0, 6).all()
    # The judges know what a type is: pairs in WordNet's relation score far above reversed ones.
    grades = task.pairs.groupby("relation")["grade"].mean()
    assert grades["hyp-1"] > grades["r-hyp-1"] + 1
    lengths = task.items_of_radius([], lambda texts: np.array([len(t) for t in texts], float))
    # Word length says nothing of types.
    assert abs(spearman(lengths["grade"], lengths["radius_rise"])) < 0.05


def _written(task, embeddings, folder):
    """Write a task's result; return its metrics, after holding them to the written table."""
    settings = {"bootstrap": {"resamples": 100, "seed": 0}}
    run = Run("random", "zeroshot", 0)
    table = task.items([], embeddings)
    provenance = task_provenance(task, [], {})
    write_result(folder, run, task, table, settings, provenance)
    result = json.loads((folder / f"{task.name}.json").read_text())
    read = pd.read_parquet(folder / f"{task.name}.parquet")
    again = task.values(read)
    for name, number in result["metrics"].items():
        interval = interval_of(again[name], settings["bootstrap"], read["unit"])
        assert interval.value == number["value"], name
    return result["metrics"], result["provenance"]


def test_hyperlex_is_traced_to_its_pairs(real_data, tmp_path):
    """Random vectors know nothing of types; every number has its interval and its pairs."""
    task = hyperlex(str(_at(real_data, "hyperlex", "hyperlex-all.txt")), "{}")
    embeddings = random_embeddings([], 0, EmbeddingNeeds(tuple(sorted(set(task.strings([]))))))
    metrics, provenance = _written(task, embeddings, tmp_path)
    for score in ("", "_cosine", "_radius"):
        for rows, count in (("all", 2616), ("nouns", 2163), ("verbs", 453)):
            number = metrics[f"spearman_{rows}{score}"]
            assert number["n"] == count
            assert abs(number["value"]) < 4 / np.sqrt(count)
            assert number["low"] < number["value"] < number["high"]
    assert len(provenance["task"]["sha256"]) == 64


def test_imagenet_folders_with_breeds_labels(real_data, tmp_path):
    """Class folders of WordNet ids: coarse labels of BREEDS, and what the tree lacks is counted."""
    folder = _at(real_data, "breeds", "modified")
    hierarchy = read_imagenet_hierarchy(folder)
    present = [node for node in hierarchy.classes if node in hierarchy.tree][:200:10]
    absent = next(node for node in hierarchy.classes if node not in hierarchy.tree)
    for node in (*present, absent):
        for picture in range(2):
            path = tmp_path / "images" / node / f"{picture}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (2, 2)).save(path)
    settings = {
        "images": str(tmp_path / "images"),
        "templates": ["a photo of a {}."],
        "hierarchy": str(folder),
        "depth": 2,
    }
    task = folder_classification("imagenet", settings)
    assert task.provenance([])["left_out_classes_not_in_hierarchy"] == [absent]
    assert task.provenance([])["left_out_images"] == 2
    strings = tuple(sorted(set(task.strings([]))))
    embeddings = random_embeddings([], 0, EmbeddingNeeds(strings, (task.image_set,)))
    metrics, _ = _written(task, embeddings, tmp_path)
    assert {
        "fine_accuracy", "coarse_accuracy", "coarse_accuracy_of_fine", "tree_induced_error",
        "lca_height", "hierarchical_precision", "hierarchical_recall",
    } <= set(metrics)  # fmt: skip
    assert {number["n"] for name, number in metrics.items() if "mistakes" not in name} == {40}
    assert metrics["fine_accuracy"]["value"] < 0.3
    # A wrong class is at least two edges away, over a common ancestor.
    assert metrics["tree_induced_error_of_mistakes"]["value"] >= 2


def test_flickr8k_is_retrieved_by_chance_from_random_vectors(real_data, tmp_path):
    folder = _at(real_data, "flickr8k")
    task = caption_retrieval("flickr8k", str(folder / "captions.txt"), str(folder / "images"))
    strings = tuple(sorted(set(task.strings([]))))
    embeddings = random_embeddings([], 0, EmbeddingNeeds(strings, (task.image_set,)))
    metrics, _ = _written(task, embeddings, tmp_path)
    assert metrics["image_to_text_r1"]["n"] == 1000
    assert metrics["text_to_image_r1"]["n"] == 1000  # images: a caption is no unit of its own
    # Five captions of about 5,000: chance is .1%, that of ten ranks 1%.
    assert metrics["image_to_text_r10"]["value"] < 0.03
    assert metrics["text_to_image_r10"]["value"] < 0.03


def test_the_expanded_table_is_measured_as_the_reference_does(real_data):
    """Several chains an image: each image once, right is what any of its chains has."""
    folder = _at(real_data, "hierarcaps")
    tested = {item.image for item in read_hierarchies(folder / "hierarcaps_test.csv")}
    expanded = read_hierarchies(folder / "hierarcaps_test_expanded.csv.gz")
    items = [item for item in expanded if item.image in tested]
    chains_of: dict[str, list[tuple[str, ...]]] = {}
    for item in items:
        chains_of.setdefault(item.image, []).append(item.tiers)
    assert len(items) / len(chains_of) > 4
    # Texts near their images, so that there is something to retrieve.
    rng = np.random.default_rng(0)
    embeddings = random_embeddings(items, 0)
    of_image = dict(zip(embeddings.names, embeddings.images, strict=True))
    image_of = {tier: item.image for item in items for tier in item.tiers}
    texts = np.array([of_image[image_of[text]] for text in embeddings.strings])
    texts += 0.1 * rng.normal(size=texts.shape).astype(np.float32)
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    embeddings = replace(embeddings, texts=texts)

    task = HierarchicalRetrieval(50)
    table = task.items(items, embeddings)
    assert len(table) == len(items)
    precision, recall = [], []
    for image, rows in table.groupby("image", sort=False):
        found, chains = set(rows["retrieved"].iloc[0]), chains_of[image]
        right = {text for chain in chains for text in chain}
        precision.append(len(found & right) / len(found))
        recall.append(np.mean([any(c[t] in found for c in chains) for t in range(4)]))
    values = task.values(table)
    assert np.nanmean(values["precision"]) == pytest.approx(np.mean(precision), abs=1e-12)
    assert np.nanmean(values["recall"]) == pytest.approx(np.mean(recall), abs=1e-12)
    assert np.isfinite(values["recall"]).sum() == len(chains_of)
    assert np.mean(recall) > 0.1


@pytest.mark.parametrize(("name", "placed"), [("wordnet", 1000), ("modified", 890)])
def test_imagenet_hierarchies(real_data, name, placed):
    hierarchy = read_imagenet_hierarchy(_at(real_data, "breeds", name))
    assert len(hierarchy.classes) == 1000
    classes = [node for node in hierarchy.classes if node in hierarchy.tree]
    assert len(classes) == placed
    errors = tree_errors(hierarchy.tree, classes[:50], classes[1:51], classes)
    assert (errors.tree_induced_error > 0).all()
    assert (errors.lca_height > 0).all()
    assert hierarchy.word("n01440764") == "tench"


def test_breeds_superclasses_need_the_tree(real_data):
    modified = read_imagenet_hierarchy(_at(real_data, "breeds", "modified")).tree
    superclasses = {modified.superclass(node, 2) for node in modified.parents} - {None}
    assert 5 < len(superclasses) < 20
    wordnet = read_imagenet_hierarchy(_at(real_data, "breeds", "wordnet"))
    with pytest.raises(InputError, match="coarse labels need a tree"):
        [wordnet.tree.superclass(node, 3) for node in wordnet.classes]


def test_flickr8k_has_five_captions_an_image(real_data):
    folder = _at(real_data, "flickr8k")
    task = caption_retrieval("flickr8k", str(folder / "captions.txt"), str(folder / "images"))
    assert len(task.captions) == 1000
    assert {len(each) for each in task.captions} == {5}
    store = task.image_set.open()
    assert store[task.image_set.names[0]].mode == "RGB"


def test_published_baselines_of_the_official_test_set(real_data, tmp_path):
    items = read_hierarchies(_at(real_data, "hierarcaps", "hierarcaps_test.csv"))
    settings = {"thresholds": 50, "bootstrap": {"resamples": 100, "seed": 0}}
    evaluate_baselines(items, settings, tmp_path)
    summary = summarise(sorted(tmp_path.glob("*/baseline/seed0/*.json")))
    tau = summary[summary["metric"] == "tau_d"].set_index("model")["value"]
    assert tau["words"] == pytest.approx(0.89, abs=0.005)
    assert tau["characters"] == pytest.approx(0.87, abs=0.005)
    assert abs(tau["random_order"]) < 0.06
    assert 0.1 < tau["frequency"] < 0.3
    reversed_pairs = summary[summary["metric"] == "auroc_reversed_radius"]
    assert reversed_pairs.set_index("model")["value"]["words"] > 0.95


def test_random_embeddings_know_nothing(real_data):
    items = read_hierarchies(_at(real_data, "hierarcaps", "hierarcaps_test.csv"))[:200]
    from hierarcaps.evaluation.tasks.registry import Entailment

    task = Entailment()
    statistic = task.values(task.items(items, random_embeddings(items, 0)))["auroc_other"]
    assert statistic.of(np.ones((1, statistic.n)))[0] == pytest.approx(0.5, abs=0.07)
