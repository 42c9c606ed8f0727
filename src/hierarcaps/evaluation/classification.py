"""Zero-shot classification, coarse and fine, and how far mistakes are on a class hierarchy."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hierarcaps.class_tree import ClassTree, read_imagenet_hierarchy, tree_errors
from hierarcaps.embeddings import Embeddings
from hierarcaps.errors import InputError
from hierarcaps.evaluation import drawn_world
from hierarcaps.evaluation.lexical import check_template
from hierarcaps.evaluation.protocol import Items
from hierarcaps.image_sets import ImageSet, cifar_superclasses, is_cifar, labelled_files
from hierarcaps.scenes import taxonomy

TOP = 5


@dataclass(frozen=True)
class LabelledImages:
    """Images with one class each.

    Attributes:
        names: of the images, as they are embedded.
        labels: their classes.
        words: class -> its words in a prompt; its keys are all classes that can be predicted.
        superclass: class -> super-class; empty where there are no coarse labels.
        superclass_words: super-class -> its words.
        tree: class hierarchy with all classes; None where there is none.
        image_set: where images beside those of the test set come from.
        sources: provenance: files, and what was left out.
    """

    names: Sequence[str]
    labels: Sequence[str]
    words: Mapping[str, str]
    superclass: Mapping[str, str] = field(default_factory=dict)
    superclass_words: Mapping[str, str] = field(default_factory=dict)
    tree: ClassTree | None = None
    image_set: ImageSet | None = None
    sources: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Classification:
    """Zero-shot classification by the class prompt that is nearest to the image.

    A class is the mean of its prompts' embeddings in the model's geometry, one prompt per template:
    on the sphere their normalised mean (Radford et al., 2021). Ties go to the first class in the
    order of code points.

    ``fine_accuracy`` and ``fine_top5_accuracy`` are over classes, ``coarse_accuracy`` over
    super-classes with prompts of their own, ``coarse_accuracy_of_fine`` over the super-classes of
    the predicted classes. On a hierarchy: ``tree_induced_error`` and ``lca_height`` (edges, lower
    is better; ``..._of_mistakes`` over wrong answers only), ``hierarchical_precision`` and
    ``hierarchical_recall`` (see ``class_tree.TreeErrors``).
    """

    name: str
    data: LabelledImages
    templates: Sequence[str]

    @property
    def image_set(self) -> ImageSet | None:
        """Images beside those of the test set, or None."""
        return self.data.image_set

    def items(self, items: Items, embeddings: Embeddings) -> pd.DataFrame:
        """Return per image its class, the predicted one, and the rank (from 1) of its class."""
        data = self.data
        images = embeddings.images[embeddings.image_rows(data.names)]
        classes = sorted(data.words)
        geometry = embeddings.geometry
        similarity = geometry.similarities(images, self._class_vectors(embeddings, data.words))
        own = np.array([classes.index(label) for label in data.labels])
        right = similarity[np.arange(len(own)), own][:, None]
        # Equal similarities count against the model, as in retrieval.
        rank = (similarity >= right).sum(axis=1)
        predicted = [classes[index] for index in similarity.argmax(axis=1)]
        columns = {"image": data.names, "label": data.labels, "predicted": predicted, "rank": rank}
        table = pd.DataFrame(columns)
        if data.superclass:
            coarse = sorted(data.superclass_words)
            vectors = self._class_vectors(embeddings, data.superclass_words)
            nearest = geometry.similarities(images, vectors).argmax(axis=1)
            table["coarse_label"] = [data.superclass[label] for label in data.labels]
            table["coarse_predicted"] = [coarse[i] for i in nearest]
            table["coarse_of_predicted"] = [data.superclass[label] for label in predicted]
        if data.tree is not None:
            errors = tree_errors(data.tree, list(data.labels), predicted, classes)
            table["tree_induced_error"], table["lca_height"] = errors[:2]
            table["hierarchical_precision"], table["hierarchical_recall"] = errors[2:]
        return table

    def values(self, table: pd.DataFrame) -> Mapping[str, np.ndarray]:
        """Return the metrics' values per image."""
        wrong = table["label"] != table["predicted"]
        values = {"fine_accuracy": (~wrong).to_numpy(float)}
        if len(self.data.words) > TOP:
            values[f"fine_top{TOP}_accuracy"] = (table["rank"] <= TOP).to_numpy(float)
        if "coarse_label" in table:
            for metric, column in (
                ("coarse_accuracy", "coarse_predicted"),
                ("coarse_accuracy_of_fine", "coarse_of_predicted"),
            ):
                values[metric] = (table["coarse_label"] == table[column]).to_numpy(float)
        if "lca_height" in table:
            for metric in ("tree_induced_error", "lca_height"):
                values[metric] = table[metric].to_numpy(float)
                values[f"{metric}_of_mistakes"] = table[metric].where(wrong).to_numpy(float)
            for metric in ("hierarchical_precision", "hierarchical_recall"):
                values[metric] = table[metric].to_numpy(float)
        return values

    def strings(self, items: Items) -> Iterable[str]:
        """Return all prompts."""
        return [
            prompt
            for words in (*self.data.words.values(), *self.data.superclass_words.values())
            for prompt in self._prompts(words)
        ]

    def provenance(self, items: Items) -> Mapping[str, Any]:
        """Return the sources, the templates and the numbers of images and classes."""
        counts = {"images": len(self.data.names), "classes": len(self.data.words)}
        return {**self.data.sources, **counts, "templates": list(self.templates)}

    def _prompts(self, words: str) -> list[str]:
        return [template.replace("{}", words) for template in self.templates]

    def _class_vectors(self, embeddings: Embeddings, words: Mapping[str, str]) -> np.ndarray:
        """Return (K, D) float32 in the order of the sorted classes."""
        prompts = [prompt for name in sorted(words) for prompt in self._prompts(words[name])]
        vectors = embeddings.texts[embeddings.text_rows(prompts)]
        return embeddings.geometry.mean(vectors.reshape(len(words), len(self.templates), -1))


def drawn_classification(scenes: str, templates: Sequence[str]) -> Classification:
    """Return the task on the drawn test scenes: concepts, categories, the taxonomy."""
    _check_templates(templates)
    labels, left_out = drawn_world.scene_labels(scenes)
    data = LabelledImages(
        names=list(labels),
        labels=list(labels.values()),
        words={concept: drawn_world.text_of(concept) for concept in taxonomy.CONCEPTS},
        superclass=drawn_world.superclasses(),
        superclass_words={name: drawn_world.text_of(name) for name in taxonomy.CATEGORIES},
        tree=drawn_world.class_tree(),
        sources={"source": "drawn scenes", "left_out_scenes_of_two_objects": left_out},
    )
    return Classification("classification", data, tuple(templates))


def folder_classification(dataset: str, settings: Mapping[str, Any]) -> Classification:
    """Return the task ``classification_{dataset}`` on a folder of images for each class.

    Args:
        dataset: name of the data set.
        settings: ``images`` (folder of class folders, or of CIFAR's binary files) and
            ``templates``; optionally ``superclasses`` (CSV ``class,superclass``), or ``hierarchy``
            (folder of an ImageNet hierarchy; class folders are then WordNet ids) with ``depth`` (of
            the super-classes below the root).

    Raises:
        InputError: missing or empty folders, an incomplete map of super-classes, classes of which
            none is in the hierarchy.
    """
    _check_templates(settings["templates"])
    files = labelled_files(settings["images"])
    sources: dict[str, Any] = {"images": settings["images"]}
    if "hierarchy" in settings:
        data = _on_hierarchy(dataset, settings, files, sources)
    else:
        classes = sorted({label for _, label in files})
        superclass = _superclasses(settings, classes)
        data = LabelledImages(
            **_images(dataset, settings, files),
            words={name: name.replace("_", " ") for name in classes},
            superclass=superclass,
            superclass_words={name: name.replace("_", " ") for name in superclass.values()},
            sources=sources,
        )
    return Classification(f"classification_{dataset}", data, tuple(settings["templates"]))


def _images(
    dataset: str, settings: Mapping[str, Any], files: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    image_set = ImageSet(dataset, settings["images"], tuple(file for file, _ in files))
    labels = [label for _, label in files]
    return {"names": image_set.names, "labels": labels, "image_set": image_set}


def _superclasses(settings: Mapping[str, Any], classes: Sequence[str]) -> Mapping[str, str]:
    if "superclasses" not in settings:
        return cifar_superclasses(settings["images"]) if is_cifar(settings["images"]) else {}
    above = read_superclasses(settings["superclasses"])
    missing = [name for name in classes if name not in above]
    if missing:
        raise InputError(f"{settings['superclasses']}: no super-class for class {missing[0]!r}")
    return {name: above[name] for name in classes}


def _on_hierarchy(
    dataset: str,
    settings: Mapping[str, Any],
    files: Sequence[tuple[str, str]],
    sources: Mapping[str, Any],
) -> LabelledImages:
    hierarchy = read_imagenet_hierarchy(settings["hierarchy"])
    superclass: dict[str, str] = {}
    kept = {label for _, label in files if label in hierarchy.tree}
    if "depth" in settings:
        above = {name: hierarchy.tree.superclass(name, settings["depth"]) for name in sorted(kept)}
        superclass = {name: node for name, node in above.items() if node is not None}
        kept = set(superclass)
    if not kept:
        raise InputError(
            f"{settings['images']}: no class folder is in {settings['hierarchy']}, expected "
            f"WordNet ids such as {hierarchy.classes[0]!r}"
        )
    left_out = sorted({label for _, label in files} - kept)
    return LabelledImages(
        **_images(dataset, settings, [row for row in files if row[1] in kept]),
        words={name: hierarchy.word(name) for name in sorted(kept)},
        superclass=superclass,
        superclass_words={node: hierarchy.word(node) for node in superclass.values()},
        tree=hierarchy.tree,
        sources={
            **sources,
            "hierarchy": settings["hierarchy"],
            "left_out_classes_not_in_hierarchy": left_out,
        },
    )


def read_superclasses(path: str | Path) -> dict[str, str]:
    """Return class -> super-class of a CSV file with the columns ``class`` and ``superclass``."""
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        return {row["class"]: row["superclass"] for row in rows}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a readable table of super-classes ({error})") from None
    except KeyError as error:
        raise InputError(f"{path}: no column {error}, expected class,superclass") from None


def _check_templates(templates: Sequence[str]) -> None:
    if not templates:
        raise InputError("templates: found none, expected one or more such as 'a photo of a {}.'")
    for template in templates:
        check_template(template)
