"""Zero-shot classification, coarse and fine, and how far mistakes are on a class hierarchy."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hierarcaps.data.class_tree import HyCoCLIPErrors, hycoclip_errors, tree_errors
from hierarcaps.data.image_sets import ImageSet
from hierarcaps.evaluation.tasks import drawn_world
from hierarcaps.evaluation.tasks.labelled_images import LabelledImages, labelled_folder
from hierarcaps.evaluation.tasks.lexical import check_template
from hierarcaps.evaluation.tasks.protocol import Items
from hierarcaps.geometry.spaces import similarity_matrix
from hierarcaps.models.embeddings import Embeddings
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import sha256_file
from hierarcaps.scenes import taxonomy

TOP = 5
HYCOCLIP_METRICS = [f"hycoclip_{name}" for name in HyCoCLIPErrors._fields]


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

    With an is-a list also ``hycoclip_tie``, ``_lca``, ``_jaccard``, ``_precision`` and ``_recall``,
    by the protocol of HyCoCLIP (Pal et al., 2025) and UNCHA and not this project's (see
    ``class_tree.HyCoCLIPErrors``). What they publish is of ImageNet's 1,000 classes on WordNet,
    with seven prompts of their own.
    """

    name: str
    data: LabelledImages
    templates: Sequence[str]
    version = 1
    unit = "image"

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
        vectors = self._class_vectors(embeddings, data.words)
        similarity = similarity_matrix(geometry, images, vectors)
        own = np.array([classes.index(label) for label in data.labels])
        right = similarity[np.arange(len(own)), own][:, None]
        # Equal similarities count against the model, as in retrieval.
        rank = (similarity >= right).sum(axis=1)
        predicted = [classes[index] for index in similarity.argmax(axis=1)]
        table = pd.DataFrame({"image": data.names, "unit": data.names, "label": data.labels})
        table["predicted"], table["rank"] = predicted, rank
        if data.superclass:
            coarse = sorted(data.superclass_words)
            vectors = self._class_vectors(embeddings, data.superclass_words)
            nearest = similarity_matrix(geometry, images, vectors).argmax(axis=1)
            table["coarse_label"] = [data.superclass[label] for label in data.labels]
            table["coarse_predicted"] = [coarse[i] for i in nearest]
            table["coarse_of_predicted"] = [data.superclass[label] for label in predicted]
        if data.tree is not None:
            errors = tree_errors(data.tree, list(data.labels), predicted, classes)
            table["tree_induced_error"], table["lca_height"] = errors[:2]
            table["hierarchical_precision"], table["hierarchical_recall"] = errors[2:]
        if data.is_a is not None:
            of_others = hycoclip_errors(data.is_a, list(data.labels), predicted)
            table[HYCOCLIP_METRICS] = np.column_stack(of_others)
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
        for metric in HYCOCLIP_METRICS:
            if metric in table:
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
        sources={
            "source": "drawn scenes",
            "sha256": sha256_file(scenes),
            "left_out_scenes_of_two_objects": left_out,
        },
    )
    return Classification("classification", data, tuple(templates))


def folder_classification(dataset: str, settings: Mapping[str, Any]) -> Classification:
    """Return the task ``classification_{dataset}`` on a folder of images for each class.

    Args:
        dataset: name of the data set.
        settings: those of ``labelled_images.labelled_folder``, and ``templates``.

    Raises:
        InputError: as there, or a template without ``{}``.
    """
    _check_templates(settings["templates"])
    data = labelled_folder(dataset, settings)
    return Classification(f"classification_{dataset}", data, tuple(settings["templates"]))


def _check_templates(templates: Sequence[str]) -> None:
    if not templates:
        raise InputError("templates: found none, expected one or more such as 'a photo of a {}.'")
    for template in templates:
        check_template(template)
