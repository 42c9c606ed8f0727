"""Errors on a class hierarchy, on trees small enough to count by hand."""

import json

import numpy as np
import pytest

from hierarcaps.data.class_tree import ClassTree, read_imagenet_hierarchy, tree_errors
from hierarcaps.runtime.errors import InputError

PARENTS = {
    "animal": ["thing"], "bird": ["animal"], "duck": ["bird"], "owl": ["bird"],
    "cat": ["animal"], "vehicle": ["thing"], "car": ["vehicle"],
}  # fmt: skip
CLASSES = ("duck", "owl", "cat", "car")


@pytest.fixture
def tree() -> ClassTree:
    return ClassTree(PARENTS)


@pytest.mark.parametrize(
    ("true", "predicted", "edges", "height", "precision", "recall"),
    [
        ("duck", "duck", 0, 0, 1, 1),
        ("duck", "owl", 2, 1, 2 / 3, 2 / 3),  # bird: duck and owl are 1 below
        ("duck", "cat", 3, 2, 1 / 2, 1 / 3),  # animal: duck is 2 below
        ("cat", "duck", 3, 2, 1 / 3, 1 / 2),
        ("duck", "car", 5, 3, 0, 0),
        ("duck", "bird", 1, 1, 1, 2 / 3),  # a right but general answer is precise
    ],
)
def test_errors_by_hand(tree, true, predicted, edges, height, precision, recall):
    errors = tree_errors(tree, [true], [predicted], CLASSES)
    assert [float(column[0]) for column in errors] == pytest.approx(
        [edges, height, precision, recall]
    )


def test_a_graph_takes_the_shortest_way_and_the_lowest_ancestor():
    graph = ClassTree({**PARENTS, "toy": ["thing"], "model car": ["toy", "vehicle"]})
    errors = tree_errors(graph, ["model car"], ["car"], (*CLASSES, "model car"))
    assert (errors.tree_induced_error[0], errors.lca_height[0]) == (2, 1)


def test_superclasses_are_at_a_depth(tree):
    assert [tree.superclass(name, 1) for name in CLASSES] == ["animal"] * 3 + ["vehicle"]
    assert tree.superclass("cat", 3) is None  # less deep
    assert tree.superclass("unicorn", 1) is None
    graph = ClassTree({**PARENTS, "toy": ["thing"], "model car": ["toy", "vehicle"]})
    with pytest.raises(InputError, match="2 superclasses at depth 1"):
        graph.superclass("model car", 1)


def test_user_errors_are_one_sentence(tree):
    with pytest.raises(InputError, match="'unicorn' is not in the hierarchy"):
        tree_errors(tree, ["duck"], ["unicorn"], CLASSES)
    with pytest.raises(InputError, match="cycle at 'a'"):
        ClassTree({"a": ["b"], "b": ["a"], "c": ["b"]})
    with pytest.raises(InputError, match="no common ancestor"):
        tree_errors(ClassTree({"a": ["x"], "b": ["y"]}), ["a"], ["b"], ["a", "b"])


def _write_hierarchy(folder):
    (folder / "class_hierarchy.txt").write_text("n0 n1\nn1 n2\nn1 n3\n")
    (folder / "node_names.txt").write_text("n0\tentity\nn1\tfish\nn2\ttench, Tinca\nn3\teel\n")
    (folder / "dataset_class_info.json").write_text(json.dumps([[1, "n3", "eel"], [0, "n2", "t"]]))


def test_reads_the_published_format(tmp_path):
    _write_hierarchy(tmp_path)
    hierarchy = read_imagenet_hierarchy(tmp_path)
    assert hierarchy.classes == ("n2", "n3")
    assert hierarchy.word("n2") == "tench"
    np.testing.assert_allclose(
        tree_errors(hierarchy.tree, ["n2"], ["n3"], hierarchy.classes).tree_induced_error, 2
    )


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("class_hierarchy.txt", "n0 n1 n2\n", "line 1: found 'n0 n1 n2'"),
        ("class_hierarchy.txt", "n0 n9\n", "no name for node 'n9'"),
        ("dataset_class_info.json", "{", "expected a list of"),
        ("node_names.txt", None, "no such file"),
    ],
)
def test_bad_files_are_named(tmp_path, file, text, message):
    _write_hierarchy(tmp_path)
    (tmp_path / file).unlink()
    if text is not None:
        (tmp_path / file).write_text(text)
    with pytest.raises(InputError, match=message) as error:
        read_imagenet_hierarchy(tmp_path)
    assert file.split("_")[0] in str(error.value) or "node_names" in str(error.value)
