"""What the drawn world knows of itself: pairs of words, labels, logic."""

import numpy as np
import pandas as pd
import pytest

from hierarcaps.evaluation.tasks import drawn_world
from hierarcaps.evaluation.tasks.length_matched import LengthMatched
from hierarcaps.evaluation.tasks.names import task_names
from hierarcaps.evaluation.tasks.registry import all_tasks, embedding_needs
from hierarcaps.metrics.intervals import statistic_interval
from hierarcaps.models.embeddings import Embeddings
from hierarcaps.runtime.errors import InputError
from hierarcaps.scenes import logic, taxonomy
from hierarcaps.scenes.grammar import parse
from hierarcaps.scenes.scene import sample_scenes


@pytest.mark.parametrize("colour", [None, "red", "orange"])
@pytest.mark.parametrize("kind", [kind for kind in taxonomy.KINDS if kind != taxonomy.ROOT])
def test_words_are_captions_of_the_world(kind, colour):
    subject = parse(drawn_world.text_of(kind, colour)).subject
    assert (subject.kind, subject.colour, subject.size) == (kind, colour, None)


def test_length_matched_pairs_have_equal_words_and_entail():
    pairs = drawn_world.length_matched_pairs()
    assert pairs["coloured"].any()
    assert not pairs["coloured"].all()
    for pair in pairs.itertuples():
        assert len(pair.general.split()) == len(pair.specific.split())
        general, specific = parse(pair.general), parse(pair.specific)
        assert logic.entails(specific, general)
        assert not logic.entails(general, specific)
        assert specific.subject.colour != taxonomy.held_out_colour(pair.concept)
    assert set(pairs[["general", "specific"]].itertuples(index=False, name=None)) >= {
        ("an animal", "a duck"), ("a bird", "a duck"), ("a red vehicle", "a red car"),
    }  # fmt: skip


def test_length_is_blind_to_length_matched_pairs():
    task = LengthMatched(drawn_world.length_matched_pairs())
    words = task.items_of_radius([], lambda texts: np.array([len(text.split()) for text in texts]))
    for name, statistic in task.values(words).items():
        assert statistic_interval(statistic, 0, 100)[:3] == (0.5, 0.5, 0.5), name
    characters = task.items_of_radius([], lambda texts: np.array([len(text) for text in texts]))
    assert statistic_interval(task.values(characters)["plain_not_longer"], 0, 100).high <= 0.5
    by_level = {drawn_world.text_of(kind): len(taxonomy.ancestors(kind)) for kind in taxonomy.KINDS}
    plain = LengthMatched(task.pairs[~task.pairs["coloured"]])
    right = plain.items_of_radius([], lambda texts: np.array([by_level[text] for text in texts]))
    assert (right["right"] == 1).all()
    assert np.isnan(statistic_interval(plain.values(right)["coloured"], 0).value)  # there are none


def test_taxonomy_pairs_are_graded_by_what_holds():
    pairs = drawn_world.taxonomy_pairs().pairs
    assert ((pairs["grade"] == 1) == (pairs["relation"] == "hyp")).all()
    assert (pairs.loc[pairs["relation"] == "no-rel", "grade"] == 0).all()
    assert set(pairs["relation"].value_counts()) == {(pairs["relation"] == "hyp").sum()}
    grade = {("animal", "duck"): 1 / 3, ("owl", "duck"): 2 / 3, ("car", "duck"): 0}
    for (x, y), expected in grade.items():
        assert drawn_world._grade(x, y) == pytest.approx(expected)
    pd.testing.assert_frame_equal(pairs, drawn_world.taxonomy_pairs().pairs)


def test_logic_of_unknown_words_proves_nothing():
    assert drawn_world.entails("a red duck", "an animal")
    assert not drawn_world.entails("a car", "an animal")
    assert drawn_world.entails("a zebra", "an animal")


@pytest.fixture
def scenes(tmp_path):
    scenes = list(sample_scenes("test", 60, seed=0))
    table = {
        "name": [f"{i}.png" for i in range(60)],
        "scene": [scene.to_json() for scene in scenes],
    }
    pd.DataFrame(table).to_parquet(tmp_path / "test.parquet")
    return tmp_path / "test.parquet"


def test_scenes_of_two_objects_have_no_label(scenes):
    labels, left_out = drawn_world.scene_labels(scenes)
    assert len(labels) + left_out == 60
    assert left_out > 0
    assert set(labels.values()) <= set(taxonomy.CONCEPTS)


def test_a_file_without_scenes_is_named(tmp_path):
    pd.DataFrame({"name": ["1.png"]}).to_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_text("no table")
    for name in ("a.parquet", "b.parquet", "absent.parquet"):
        with pytest.raises(InputError, match=f"{name}: not a readable table of scenes"):
            drawn_world.scene_labels(tmp_path / name)


def test_the_tasks_of_the_drawn_world_declare_what_they_need(scenes, items, settings):
    settings["drawn_world"] = {"scenes": str(scenes), "templates": ["{}", "a picture of {}"]}
    tasks = {task.name: task for task in all_tasks(settings)}
    assert list(tasks) == task_names(settings)
    needs = embedding_needs(items, settings)
    assert {"a duck", "a picture of an animal", "a red vehicle"} <= set(needs.strings)
    assert not needs.image_sets
    rng = np.random.default_rng(0)
    labels, _ = drawn_world.scene_labels(scenes)
    embeddings = Embeddings(
        images=rng.standard_normal((len(labels), 4)).astype(np.float32),
        texts=rng.standard_normal((len(needs.strings), 4)).astype(np.float32),
        root=np.ones(4, dtype=np.float32) / 2,
        names=tuple(labels),
        strings=needs.strings,
        provenance={},
    )
    for name in ("length_matched", "taxonomy_pairs", "classification"):
        table = tasks[name].items(items, embeddings)
        assert len(table)
        assert tasks[name].values(table)
        assert tasks[name].provenance(items)
