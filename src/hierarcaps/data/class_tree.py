"""Class hierarchies: a tree (or a directed acyclic graph, as WordNet) and errors measured on it."""

import json
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hierarcaps.runtime.errors import InputError

HIERARCHY_FILES = ("class_hierarchy.txt", "node_names.txt", "dataset_class_info.json")


class ClassTree:
    """Nodes and the nodes above them.

    Args:
        parents: node -> its parents; a node that occurs only as a parent is a root.

    Raises:
        InputError: a node is above itself.
    """

    def __init__(self, parents: Mapping[str, Collection[str]]) -> None:
        self.parents = {node: tuple(above) for node, above in parents.items()}
        for above in list(self.parents.values()):
            for node in above:
                self.parents.setdefault(node, ())
        self._ancestors: dict[str, dict[str, int]] = {}
        self._check_acyclic()

    def __contains__(self, node: object) -> bool:
        return node in self.parents

    @cached_property
    def children(self) -> dict[str, tuple[str, ...]]:
        """Node -> its children, in the order of the nodes."""
        below: dict[str, list[str]] = {node: [] for node in self.parents}
        for node, above in self.parents.items():
            for parent in above:
                below[parent].append(node)
        return {node: tuple(nodes) for node, nodes in below.items()}

    def ancestors(self, node: str) -> dict[str, int]:
        """Return the nodes above ``node`` and itself, with the fewest edges up to each.

        Raises:
            InputError: the node is not in the hierarchy.
        """
        if node not in self.parents:
            raise InputError(f"class {node!r} is not in the hierarchy of {len(self.parents)} nodes")
        if node not in self._ancestors:
            edges = {node: 0}
            waiting = deque([node])
            while waiting:
                below = waiting.popleft()
                for above in self.parents[below]:
                    if above not in edges:
                        edges[above] = edges[below] + 1
                        waiting.append(above)
            self._ancestors[node] = edges
        return self._ancestors[node]

    def heights(self, classes: Iterable[str]) -> dict[str, int]:
        """Return for each node above the classes its longest way down to one of them, in edges."""
        wanted = {node for name in classes for node in self.ancestors(name)}
        heights: dict[str, int] = {}
        for node in self._topological():
            if node in wanted:
                below = [heights[child] for child in self.children[node] if child in wanted]
                heights[node] = 1 + max(below, default=-1)
        return heights

    def superclass(self, node: str, depth: int) -> str | None:
        """Return the node above (or equal) that is ``depth`` edges below a root.

        Returns:
            None where ``node`` itself is less deep, or not in the hierarchy.

        Raises:
            InputError: there are several, since the hierarchy is not a tree.
        """
        if node not in self.parents:
            return None
        found = [above for above in self.ancestors(node) if self._depth[above] == depth]
        if len(found) > 1:
            raise InputError(
                f"class {node!r} has {len(found)} superclasses at depth {depth}, expected one; "
                "coarse labels need a tree, such as BREEDS' modified hierarchy"
            )
        return found[0] if found else None

    @cached_property
    def _depth(self) -> dict[str, int]:
        depth: dict[str, int] = {}
        for node in reversed(self._topological()):
            depth[node] = 1 + min((depth[above] for above in self.parents[node]), default=-1)
        return depth

    def _topological(self) -> list[str]:
        """Return the nodes, each after its children; nodes above a cycle are missing."""
        missing = {node: len(below) for node, below in self.children.items()}
        order = [node for node, count in missing.items() if not count]
        for node in order:
            for above in self.parents[node]:
                missing[above] -= 1
                if not missing[above]:
                    order.append(above)
        return order

    def _check_acyclic(self) -> None:
        cyclic = set(self.parents).difference(self._topological())
        if cyclic:
            raise InputError(f"the class hierarchy has a cycle at {min(cyclic)!r}, expected a tree")


class TreeErrors(NamedTuple):
    """How far predictions are from the truth on a class hierarchy; each ``(N,)``.

    Attributes:
        tree_induced_error: fewest edges from one class to the other over a common ancestor.
        lca_height: height of the lowest common ancestor (Bertinetto et al., 2020), 0 where right.
        precision: share of the predicted class's ancestors, itself included and roots left out,
            that are ancestors of the true one (Kiritchenko et al., 2006).
        recall: share of the true class's ancestors that are ancestors of the predicted one.
    """

    tree_induced_error: NDArray[np.float64]
    lca_height: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]


def tree_errors(
    tree: ClassTree, true: Sequence[str], predicted: Sequence[str], classes: Iterable[str]
) -> TreeErrors:
    """Measure predictions on a class hierarchy.

    Args:
        tree: the hierarchy; a roundabout way in a graph with several parents does not count.
        true: N true classes.
        predicted: N predicted classes.
        classes: all classes that could be predicted; heights are those above them.

    Raises:
        InputError: a class is not in the hierarchy, or two have no common ancestor.
    """
    heights = tree.heights(classes)
    known: dict[tuple[str, str], tuple[float, float, float, float]] = {}
    for pair in zip(true, predicted, strict=True):
        if pair not in known:
            known[pair] = _pair_errors(tree, *pair, heights)
    rows = [known[pair] for pair in zip(true, predicted, strict=True)]
    return TreeErrors(*np.array(rows, dtype=np.float64).reshape(-1, 4).T)


def _pair_errors(
    tree: ClassTree, true: str, predicted: str, heights: Mapping[str, int]
) -> tuple[float, float, float, float]:
    above_true, above_predicted = tree.ancestors(true), tree.ancestors(predicted)
    common = above_true.keys() & above_predicted.keys()
    if not common:
        raise InputError(f"classes {true!r} and {predicted!r} have no common ancestor")
    edges = min(above_true[node] + above_predicted[node] for node in common)
    height = min(heights[node] for node in common)
    informative = [{n for n in s if tree.parents[n]} for s in (above_true, above_predicted)]
    shared = len(informative[0] & informative[1])
    recall, precision = (shared / len(nodes) if nodes else 1.0 for nodes in informative)
    return edges, height, precision, recall


class HyCoCLIPErrors(NamedTuple):
    """Errors on an is-a list as HyCoCLIP and UNCHA report them; each ``(N,)``.

    A class's ancestors are there all nodes above it, roots included and itself not (checked: the
    lists that HyCoCLIP publishes are those of its ``imagenet_isa.txt``), unlike ``TreeErrors``.

    Attributes:
        tie: tree-induced error, fewest edges between the classes, up or down.
        lca: how many ancestors of the predicted class are none of the true one's, plus 1; so 1
            where the prediction is right, and for siblings.
        jaccard: shared ancestors over all ancestors of both.
        precision: shared ancestors over those of the predicted class.
        recall: shared ancestors over those of the true class.
    """

    tie: NDArray[np.float64]
    lca: NDArray[np.float64]
    jaccard: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]


def hycoclip_errors(
    tree: ClassTree, true: Sequence[str], predicted: Sequence[str]
) -> HyCoCLIPErrors:
    """Measure predictions on an is-a list by HyCoCLIP's ``hierarchical_metrics.py``.

    On a tree ``tie`` is the reference's shortest path; in a graph with several parents only ways
    over a common ancestor count.

    Raises:
        InputError: a class is not in the list or is a root, or two have no common ancestor.
    """
    known: dict[tuple[str, str], tuple[float, ...]] = {}
    for pair in zip(true, predicted, strict=True):
        if pair not in known:
            known[pair] = _hycoclip_pair(tree, *pair)
    rows = [known[pair] for pair in zip(true, predicted, strict=True)]
    return HyCoCLIPErrors(*np.array(rows, dtype=np.float64).reshape(-1, 5).T)


def _hycoclip_pair(tree: ClassTree, true: str, predicted: str) -> tuple[float, ...]:
    above_true, above_predicted = tree.ancestors(true), tree.ancestors(predicted)
    of_true, of_predicted = above_true.keys() - {true}, above_predicted.keys() - {predicted}
    if not of_true or not of_predicted:
        raise InputError(f"class {true if not of_true else predicted!r} is a root of the is-a list")
    common = above_true.keys() & above_predicted.keys()
    if not common:
        raise InputError(f"classes {true!r} and {predicted!r} have no common ancestor")
    shared = len(of_true & of_predicted)
    return (
        min(above_true[node] + above_predicted[node] for node in common),
        len(of_predicted) - shared + 1,
        shared / len(of_true | of_predicted),
        shared / len(of_predicted),
        shared / len(of_true),
    )


def read_is_a(path: str | Path) -> ClassTree:
    """Read an is-a list, ``parent child`` a line: HyCoCLIP's, WordNet's or BREEDS's.

    Raises:
        InputError: no such file, a line of another form, or a cycle.
    """
    parents: dict[str, list[str]] = {}
    for parent, child in _rows(Path(path), None, "a parent and a child"):
        parents.setdefault(child, []).append(parent)
    return ClassTree(parents)


@dataclass(frozen=True)
class ImageNetHierarchy:
    """A hierarchy above ImageNet's classes.

    Attributes:
        tree: over WordNet ids.
        names: WordNet id -> its synonyms, joined by commas.
        classes: the WordNet ids of ImageNet's classes, in the order of their indexes.
    """

    tree: ClassTree
    names: Mapping[str, str]
    classes: tuple[str, ...]

    def word(self, node: str) -> str:
        """Return the first synonym of a node."""
        return self.names[node].split(",")[0]


def read_imagenet_hierarchy(folder: str | Path) -> ImageNetHierarchy:
    """Read a hierarchy as BREEDS publishes it (``wordnet`` or ``modified``).

    Expected files: ``class_hierarchy.txt`` (``parent child`` a line), ``node_names.txt``
    (``node <tab> names``) and ``dataset_class_info.json`` (``[[index, node, names], ...]``).

    Raises:
        InputError: a file is missing or a line of another form.
    """
    folder = Path(folder)
    tree = read_is_a(folder / HIERARCHY_FILES[0])
    names = dict(_rows(folder / HIERARCHY_FILES[1], "\t", "a node, a tab and its names"))
    path = folder / HIERARCHY_FILES[2]
    try:
        classes = [(int(row[0]), str(row[1])) for row in json.loads(_text(path))]
    except (ValueError, TypeError, LookupError):
        raise InputError(f"{path}: expected a list of [index, node, names] rows") from None
    for node in tree.parents:
        if node not in names:
            raise InputError(f"{folder / 'node_names.txt'}: has no name for node {node!r}")
    return ImageNetHierarchy(tree, names, tuple(node for _, node in sorted(classes)))


def _rows(path: Path, separator: str | None, expected: str) -> list[tuple[str, str]]:
    rows = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        cells = line.split(separator)
        if len(cells) != 2:
            raise InputError(f"{path}, line {number}: found {line!r}, expected {expected}")
        rows.append((cells[0], cells[1]))
    return rows


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, expected part of a class hierarchy") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file, expected part of a class hierarchy") from None
