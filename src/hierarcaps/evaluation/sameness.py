"""What a published value and one of ours have in common, by the parameters of the run.

Two numbers can be compared where they are of the same weights, on the same split, by the same
protocol. What the weights learned from, and from which seeds, is settled where the weights are the
same. A fact that no source states of the published value is not known, which is not the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from hierarcaps.evaluation.tasks.names import TEST_SET_TASKS, task_names

# The test set of the published values, and the checked files that hold it here.
OFFICIAL_TEST_SET = "official HierarCaps test set"
OFFICIAL_FILES = {"hierarchies": "data/official/test.csv", "images": "data/official/test.parquet"}
# What the authors aligned their models on, as published values name it, and its checked file.
AUTHORS_TRAINING = "the authors' training file"
AUTHORS_TRAINING_FILE = "data/published/hierarcaps/hierarcaps_train.csv.gz"
# Precision, recall and tau_d as the authors' own evaluator computes them.
REFERENCE_PROTOCOL = "reference evaluator"
REFERENCE_THRESHOLDS = 50
# Checkpoints that open_clip has by architecture and tag, by their id on the hub.
HUB_IDS = {
    ("ViT-B-32", "openai"): "openai/clip-vit-base-patch32",
    ("ViT-B-32-quickgelu", "openai"): "openai/clip-vit-base-patch32",
    ("ViT-L-14", "openai"): "openai/clip-vit-large-patch14",
    ("ViT-L-14-quickgelu", "openai"): "openai/clip-vit-large-patch14",
}

Verdict = Literal["same", "differs", "not known"]


class Measured(NamedTuple):
    """Whose number it is: a model of the parameters, ``zeroshot`` or an objective, and a task."""

    model: str
    objective: str
    task: str


@dataclass(frozen=True)
class Fact:
    """One thing that decides a number, of the published one and of ours.

    Attributes:
        name: what it is.
        published: of the published value; empty where no source states it.
        ours: the same of ours, in the same words where it is the same.
        shown: whether differences are spelled out, or follow from another fact.
    """

    name: str
    published: str
    ours: str
    shown: bool = True

    @property
    def verdict(self) -> Verdict:
        """Whether both are known to be the same."""
        if not self.published:
            return "not known"
        return "same" if self.published == self.ours else "differs"

    def __str__(self) -> str:
        if self.verdict == "same" or not self.shown:
            return self.name
        beside = f"; published: {self.published}" if self.published else ""
        return f"{self.name} (ours: {self.ours}{beside})"


def facts(published: Mapping[str, str], ours: Measured, params: Mapping[str, Any]) -> list[Fact]:
    """Return what decides both numbers: weights, training data, seeds, split, protocol.

    Args:
        published: ``weights`` (id on the hub), ``training``, ``split`` and ``protocol`` of the
            published value, each empty where it is not known.
        ours: what was measured here.
        params: the run's parameters, complete.
    """
    weights = Fact("weights", published["weights"], weights_of(ours, params))
    if ours.objective == "zeroshot":
        made = [
            Fact(name, weights.published, weights.ours, False)
            for name in ("training data", "seeds")
        ]
    else:
        alignment = params["alignment"]
        seeds = ", ".join(map(str, alignment["seeds"]))
        made = [
            Fact("training data", published["training"], _training_of(alignment["training"])),
            Fact("seeds", "", seeds),  # no source names one
        ]
    return [
        weights,
        *made,
        Fact("split", published["split"], split_of(ours.task, params)),
        Fact("protocol", published["protocol"], protocol_of(ours, params)),
    ]


def _training_of(path: str) -> str:
    return AUTHORS_TRAINING if path == AUTHORS_TRAINING_FILE else path


def comparable(found: Iterable[Fact]) -> bool:
    """Return whether all facts are known to be the same."""
    return all(fact.verdict == "same" for fact in found)


def status(found: Iterable[Fact]) -> str:
    """Return in words what is the same, what differs and what is not known."""
    by_verdict: dict[Verdict, list[str]] = {"same": [], "differs": [], "not known": []}
    for fact in found:
        by_verdict[fact.verdict].append(str(fact))
    return ". ".join(
        f"{verdict.capitalize()}: {', '.join(named)}"
        for verdict, named in by_verdict.items()
        if named
    )


def weights_of(ours: Measured, params: Mapping[str, Any]) -> str:
    """Return the checkpoint's id on the hub, or what is known of other weights."""
    known = checkpoint(params["models"][ours.model])
    return known if ours.objective == "zeroshot" else f"aligned here from {known}"


def checkpoint(entry: Mapping[str, Any]) -> str:
    """Return the id on the hub of an entry of ``models:``, or its name or path as it stands."""
    for family in ("transformers", "meru", "text_only"):
        if family in entry:
            return entry[family]
    name, tag = entry["open_clip"], entry.get("pretrained")
    if tag is None:
        return name.removeprefix("hf-hub:")
    return HUB_IDS.get((name, tag), f"{name}, {tag}")


def split_of(task: str, params: Mapping[str, Any]) -> str:
    """Return what a task measures on: the official test set only where its files were checked.

    By a run's own list of hashes (``official_checksums``, ``downloads``) other files pass.
    """
    if task in TEST_SET_TASKS:
        test_set = params["test_set"]
        if own := test_set.get("official_checksums"):
            return f"{test_set['name']}, by the hashes of {own}"
        if all(test_set[key] == path for key, path in OFFICIAL_FILES.items()):
            return OFFICIAL_TEST_SET
        return f"{test_set['name']}, {test_set['hierarchies']}"
    evaluation = params["evaluation"]
    if task == "hyperlex":
        path = evaluation["hyperlex"]["file"]
    else:
        path = evaluation["captions"][task.removeprefix("retrieval_")]["captions"]
    return f"{path}, by the hashes of {params['downloads']}" if params.get("downloads") else path


def protocol_of(ours: Measured, params: Mapping[str, Any]) -> str:
    """Return the reference protocol's name where the run follows it, else what it does."""
    if ours.task not in ("hierarchical_retrieval", "ordering"):
        return "this project's"
    root, thresholds = _root(ours, params), params["evaluation"]["thresholds"]
    own = [] if root == "empty" else [f"root {root}"]
    if ours.task == "hierarchical_retrieval" and thresholds != REFERENCE_THRESHOLDS:
        own.append(f"{thresholds} thresholds")
    return ", ".join(own) or REFERENCE_PROTOCOL


def _root(ours: Measured, params: Mapping[str, Any]) -> str:
    if ours.objective == "zeroshot":
        return params["models"][ours.model].get("root", "empty")
    alignment = params["alignment"]
    own = alignment["objectives"][ours.objective]
    return own.get("root", alignment["recipe"].get("root", "empty"))


def not_run(wanted: Measured, params: Mapping[str, Any]) -> str:
    """Return why a published value has no number of ours, in words."""
    alignment = params["alignment"]
    if wanted.model not in params["models"]:
        return f"Not run: no model {wanted.model} in this study"
    if wanted.objective not in {"zeroshot", *alignment["objectives"]}:
        return f"Not run: no objective {wanted.objective} in this study"
    if wanted.objective != "zeroshot" and wanted.model not in alignment["models"]:
        return f"Not run: {wanted.model} is not aligned in this study"
    if wanted.task not in task_names(params["evaluation"]):
        return f"Not run: no task {wanted.task} in this study"
    return "Not run: not defined for this model"
