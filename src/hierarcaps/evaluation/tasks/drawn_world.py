"""What the drawn world itself knows: pairs of words, labels of scenes, its tree, its logic."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from hierarcaps.data.class_tree import ClassTree
from hierarcaps.evaluation.tasks.lexical import COLUMNS, LexicalEntailment
from hierarcaps.runtime.errors import InputError
from hierarcaps.scenes import logic, taxonomy
from hierarcaps.scenes.grammar import parse
from hierarcaps.scenes.scene import Scene

SEED = 0


def text_of(kind: str, colour: str | None = None) -> str:
    """Return a kind as a caption: "a duck", "a red animal", "food", "red food"."""
    noun = taxonomy.NOUNS[kind]
    words = [colour, noun.mass or noun.singular] if colour else [noun.mass or noun.singular]
    text = " ".join(words)
    return text if noun.mass else f"{taxonomy.article(text)} {text}"


def entails(premise: str, hypothesis: str) -> bool:
    """Return whether the logic finds that ``premise`` entails ``hypothesis``.

    True as well where the grammar knows one of them not: such a pair proves nothing.
    """
    first, second = parse(premise), parse(hypothesis)
    return first is None or second is None or logic.entails(first, second)


def length_matched_pairs() -> pd.DataFrame:
    """Return pairs of a general and a specific text with equally many words.

    A category or a middle level against each concept below it, plain ("an animal", "a duck") and,
    as ``coloured``, with the same colour on both sides, the colour that training never shows on the
    concept left out. Pairs that no wording of ``text_of`` makes equally long are left out.

    Columns: ``concept``, ``general``, ``specific``, ``coloured`` (bool).
    """
    rows = []
    for concept in taxonomy.CONCEPTS:
        held_out = taxonomy.held_out_colour(concept)
        colours = [colour for colour in taxonomy.COLOURS if colour != held_out]
        for above in taxonomy.ancestors(concept)[1:-1]:
            for colour in (None, *colours):
                general, specific = text_of(above, colour), text_of(concept, colour)
                if len(general.split()) == len(specific.split()):
                    rows.append((concept, general, specific, colour is not None))
    return pd.DataFrame(rows, columns=["concept", "general", "specific", "coloured"])


def taxonomy_pairs() -> LexicalEntailment:
    """Return the lexical task on the taxonomy's words, as many pairs of each relation.

    ``hyp`` (X below Y), ``r-hyp`` (X above Y), ``cohyp`` (the same parent) and ``no-rel``
    (different categories), the latter three a seeded sample of the size of the first. The grade is
    the share of what Y says that holds of X: of the kinds from Y up to its category, those that
    X belongs to. A duck is an animal (1); an animal is a duck in one of three respects (animal, not
    bird, not duck); a car in none.
    """
    kinds = [kind for kind in taxonomy.KINDS if kind != taxonomy.ROOT]
    by_relation: dict[str, list[tuple[str, str]]] = {
        "hyp": [], "r-hyp": [], "cohyp": [], "no-rel": [],
    }  # fmt: skip
    for x in kinds:
        for y in kinds:
            if relation := _relation(x, y):
                by_relation[relation].append((x, y))
    rng = np.random.default_rng(SEED)
    size = len(by_relation["hyp"])
    rows = []
    for relation, pairs in by_relation.items():
        chosen = rng.choice(len(pairs), min(size, len(pairs)), replace=False)
        rows += [(*pairs[index], "N", relation, _grade(*pairs[index])) for index in sorted(chosen)]
    table = pd.DataFrame(rows, columns=COLUMNS)
    for column in ("word", "hypernym"):
        table[f"{column}_text"] = [text_of(kind) for kind in table[column]]
    return LexicalEntailment("taxonomy_pairs", table, {"source": "taxonomy of the drawn world"})


def _relation(x: str, y: str) -> str | None:
    if x == y:
        return None
    if y in taxonomy.ancestors(x):
        return "hyp"
    if x in taxonomy.ancestors(y):
        return "r-hyp"
    if taxonomy.category(x) != taxonomy.category(y):
        return "no-rel"
    return "cohyp" if taxonomy.PARENTS[x] == taxonomy.PARENTS[y] else None


def _grade(x: str, y: str) -> float:
    said = set(taxonomy.ancestors(y)[:-1])
    return len(said.intersection(taxonomy.ancestors(x))) / len(said)


def scene_labels(path: str | Path) -> tuple[dict[str, str], int]:
    """Return the concept of each scene with one object, by image name, and how many have two.

    A picture of two objects has no single right label, so it takes no part in classification.

    Raises:
        InputError: not a table of scenes.
    """
    # Read here, so that an edit of the drawings' code does not evaluate every model again.
    try:
        table = pd.read_parquet(path, columns=["name", "scene"])
    except (OSError, ValueError) as error:
        reason = str(error).split("\n", 1)[0]
        raise InputError(f"{path}: not a readable table of scenes ({reason})") from None
    scenes = {name: Scene.from_json(text) for name, text in table.itertuples(index=False)}
    labels = {n: s.subject.concept for n, s in scenes.items() if s.companion is None}
    return labels, len(scenes) - len(labels)


def class_tree() -> ClassTree:
    """Return the taxonomy as a class hierarchy, from ``thing`` to the concepts."""
    return ClassTree({kind: [parent] for kind, parent in taxonomy.PARENTS.items()})


def superclasses() -> Mapping[str, str]:
    """Return concept -> category."""
    return {concept: taxonomy.category(concept) for concept in taxonomy.CONCEPTS}
