"""Images with classes, and what is known above the classes: super-classes or a hierarchy."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hierarcaps.data.class_tree import (
    HIERARCHY_FILES,
    ClassTree,
    ImageNetHierarchy,
    read_imagenet_hierarchy,
    read_is_a,
)
from hierarcaps.data.image_sets import (
    ImageSet,
    cifar_superclasses,
    content_sha256,
    is_cifar,
    labelled_files,
)
from hierarcaps.data.tables import read_table
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import sha256_file


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
        is_a: is-a list with all classes, for HyCoCLIP's metrics; None: they are not measured.
        image_set: where images beside those of the test set come from.
        sources: provenance: files, and what was left out.
    """

    names: Sequence[str]
    labels: Sequence[str]
    words: Mapping[str, str]
    superclass: Mapping[str, str] = field(default_factory=dict)
    superclass_words: Mapping[str, str] = field(default_factory=dict)
    tree: ClassTree | None = None
    is_a: ClassTree | None = None
    image_set: ImageSet | None = None
    sources: Mapping[str, Any] = field(default_factory=dict)


def labelled_folder(dataset: str, settings: Mapping[str, Any]) -> LabelledImages:
    """Return the images of a folder, under the name of their data set.

    The classes that can be predicted are those of the folder. On a hierarchy, classes that are not
    in it (or less deep than the super-classes) are left out with their images; the provenance lists
    them.

    Args:
        dataset: name of the data set.
        settings: ``images`` (folder of class folders, or of CIFAR's binary files); optionally
            ``superclasses`` (CSV ``class,superclass``; CIFAR needs none), or ``hierarchy`` (folder
            of an ImageNet hierarchy; class folders are then WordNet ids) with ``depth`` (of the
            super-classes below the root); ``is_a`` (an is-a list with all classes).

    Raises:
        InputError: missing or empty folders, an incomplete map of super-classes, classes of which
            none is in the hierarchy, or one is not in the is-a list.
    """
    files = labelled_files(settings["images"])
    sources: dict[str, Any] = {
        "images": settings["images"],
        "images_sha256": content_sha256(settings["images"], files),
    }
    of_kind = _on_hierarchy if "hierarchy" in settings else _flat
    found = of_kind(dataset, settings, files, sources)
    return _with_is_a_list(found, settings["is_a"]) if "is_a" in settings else found


def _with_is_a_list(images: LabelledImages, path: str) -> LabelledImages:
    tree = read_is_a(path)
    missing = [name for name in sorted(images.words) if name not in tree]
    if missing:
        raise InputError(f"{path}: class {missing[0]!r} is not in the is-a list")
    sources = {**images.sources, "is_a": path, "is_a_sha256": sha256_file(path)}
    return replace(images, is_a=tree, sources=sources)


def _flat(
    dataset: str,
    settings: Mapping[str, Any],
    files: Sequence[tuple[str, str]],
    sources: Mapping[str, Any],
) -> LabelledImages:
    if "superclasses" in settings:
        sources = {**sources, "superclasses_sha256": sha256_file(settings["superclasses"])}
    classes = sorted({label for _, label in files})
    superclass = _superclasses(settings, classes)
    return LabelledImages(
        **_images(dataset, settings, files),
        words={name: name.replace("_", " ") for name in classes},
        superclass=superclass,
        superclass_words={name: name.replace("_", " ") for name in superclass.values()},
        sources=sources,
    )


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


def _class_words(hierarchy: ImageNetHierarchy, classes: Sequence[str]) -> dict[str, str]:
    """Return class -> its first synonym, or where other classes begin with it, the next one.

    ImageNet has two classes "maillot" and two "crane": with equal prompts no model could tell them.
    """
    first = {name: hierarchy.word(name) for name in classes}
    times = Counter(first.values())
    words = {}
    for name in classes:
        others = [each.strip() for each in hierarchy.names[name].split(",")[1:]]
        unused = [each for each in others if each not in times]
        words[name] = unused[0] if times[first[name]] > 1 and unused else first[name]
    return words


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
    words = _class_words(hierarchy, sorted(kept))
    shared = Counter(words.values())
    return LabelledImages(
        **_images(dataset, settings, [row for row in files if row[1] in kept]),
        words=words,
        superclass=superclass,
        superclass_words={node: hierarchy.word(node) for node in superclass.values()},
        tree=hierarchy.tree,
        sources={
            **sources,
            "hierarchy": settings["hierarchy"],
            "hierarchy_sha256": {
                name: sha256_file(Path(settings["hierarchy"], name)) for name in HIERARCHY_FILES
            },
            "left_out_classes_not_in_hierarchy": left_out,
            "left_out_images": sum(label not in kept for _, label in files),
            "classes_with_the_words_of_another": sorted(n for n in kept if shared[words[n]] > 1),
        },
    )


def read_superclasses(path: str | Path) -> dict[str, str]:
    """Return class -> super-class of a CSV file with the columns ``class`` and ``superclass``."""
    table = read_table(path, ("class", "superclass"), what="table of super-classes")
    above: dict[str, str] = {}
    for index, (name, cell) in enumerate(zip(*table.columns.values(), strict=True)):
        superclass = (cell or "").strip()
        if not name or not superclass:
            raise InputError(f"{table.where(index)}: expected a class and its super-class")
        if above.setdefault(name, superclass) != superclass:
            raise InputError(
                f"{table.where(index)}: class {name!r} has the super-classes {above[name]!r} and "
                f"{superclass!r}, expected one"
            )
    return above
