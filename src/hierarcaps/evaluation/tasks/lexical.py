"""Lexical entailment: to what degree is X a type of Y?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hierarcaps.evaluation.tasks import space
from hierarcaps.evaluation.tasks.protocol import Items, Radius, Values
from hierarcaps.metrics.intervals import Statistic
from hierarcaps.metrics.ranking import levels, mean, spearman
from hierarcaps.models.embeddings import Embeddings
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import sha256_file

COLUMNS = ["word", "hypernym", "part_of_speech", "relation", "grade"]
HYPERLEX_HEADER = ["WORD1", "WORD2", "POS", "TYPE", "AVG_SCORE"]
PARTS_OF_SPEECH = {"N": "nouns", "V": "verbs"}
# Column: (suffix of its metrics, sign of "is a type of").
SCORES = {"angle": ("", -1.0), "cosine": ("_cosine", 1.0), "radius_rise": ("_radius", 1.0)}


@dataclass(frozen=True)
class LexicalEntailment:
    """Spearman's rho between graded judgements "X is a type of Y" and a model's scores.

    The score of a pair is ``-Xi_r(Y, X)``, the exterior angle with the supposed general word Y as
    the parent: by the paper's definition it is small where X continues outward from Y as seen from
    the root, which is how "X entails Y" looks. It is graded, it has a direction (exchanging X and Y
    changes it), and it has no parameter to tune. Two simpler scores stand beside it: the cosine of
    the words (similarity without direction) and the rise of the radius from Y to X (direction
    without content), for which length or frequency can be put as well.

    ``direction`` is the share of hyponym pairs (relation ``hyp``) in which Y lies nearer to the
    root than X, ties half.

    Attributes:
        name: of the task.
        pairs: columns ``word`` (X), ``hypernym`` (Y), ``part_of_speech`` (N or V), ``relation``,
            ``grade`` (any unit, higher is more a type of) and the texts ``word_text`` and
            ``hypernym_text`` that are embedded.
        sources: provenance.
    """

    name: str
    pairs: pd.DataFrame
    sources: Mapping[str, Any] = field(default_factory=dict)
    version = 2
    unit = "word: pairs that share one may vary together"
    image_set = None

    def items_of_radius(self, items: Items, radius: Radius) -> pd.DataFrame:
        """Return the pairs with unit (both words) and radius_rise."""
        table = self.pairs.assign(unit=self.pairs["word"] + " " + self.pairs["hypernym"])
        general, specific = list(table["hypernym_text"]), list(table["word_text"])
        table["radius_rise"] = radius(specific) - radius(general)
        return table

    def items(self, items: Items, embeddings: Embeddings) -> pd.DataFrame:
        """Return the pairs with radius_rise, angle (radians) and cosine."""
        table = self.items_of_radius(items, lambda texts: space.radii(embeddings, texts))
        general, specific = list(table["hypernym_text"]), list(table["word_text"])
        return table.assign(**space.pair_measures(embeddings, general, specific))

    def values(self, table: pd.DataFrame) -> Mapping[str, Values]:
        """Return rho over all pairs, nouns and verbs, the same of the simpler scores, direction."""
        subsets = {"all": np.ones(len(table), dtype=bool)}
        for tag, name in PARTS_OF_SPEECH.items():
            rows = (table["part_of_speech"] == tag).to_numpy()
            if 0 < rows.sum() < len(table):
                subsets[name] = rows
        values: dict[str, Values] = {}
        for column, (suffix, sign) in SCORES.items():
            if column in table:
                for name, rows in subsets.items():
                    values[f"spearman_{name}{suffix}"] = _rho(
                        table[rows], sign * table[column][rows]
                    )
        values["direction"] = _direction(table[table["relation"].str.startswith("hyp")])
        return values

    def strings(self, items: Items) -> Iterable[str]:
        """Return the texts of all words."""
        return [*self.pairs["word_text"], *self.pairs["hypernym_text"]]

    def provenance(self, items: Items) -> Mapping[str, Any]:
        """Return the source of the pairs."""
        return {**self.sources, "pairs": len(self.pairs)}


def _rho(rows: pd.DataFrame, scores: pd.Series) -> Statistic:
    grades, values = levels(rows["grade"]), levels(scores)  # sorted once, not in each resample
    return Statistic(lambda counts: spearman(grades, values, counts), len(rows), _words(rows))


def _direction(rows: pd.DataFrame) -> Statistic:
    right = (np.sign(rows["radius_rise"].to_numpy(float)) + 1) / 2
    return Statistic(lambda counts: mean(right, counts), len(rows), _words(rows))


def _words(rows: pd.DataFrame) -> np.ndarray:
    """Return the two words of each pair, as numbers (N, 2)."""
    codes = pd.factorize(rows[["word", "hypernym"]].to_numpy().ravel())[0]
    return codes.reshape(len(rows), 2)


def hyperlex(file: str, template: str) -> LexicalEntailment:
    """Return the task on HyperLex (Vulić et al., 2017): 2,616 pairs of nouns and verbs.

    Args:
        file: ``hyperlex-all.txt``, as published.
        template: text of a word, ``{}`` standing for it; ``"{}"`` is the bare word.

    Raises:
        InputError: unreadable or of another form, or a template without ``{}``.
    """
    pairs = read_hyperlex(file)
    check_template(template)
    for column in ("word", "hypernym"):
        pairs[f"{column}_text"] = [template.replace("{}", word) for word in pairs[column]]
    sources = {"file": file, "sha256": sha256_file(file), "template": template}
    return LexicalEntailment("hyperlex", pairs, sources)


def read_hyperlex(path: str | Path) -> pd.DataFrame:
    """Return HyperLex's pairs with ``COLUMNS``; grades in [0, 6].

    Raises:
        InputError: unreadable, another header, no rows, one with too few fields or without a
            grade from 0 to 6.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable HyperLex file ({error})") from None
    if not lines or lines[0].split()[:5] != HYPERLEX_HEADER:
        found = lines[0][:60] if lines else ""
        raise InputError(
            f"{path}: found the header {found!r}, expected {' '.join(HYPERLEX_HEADER)} ..."
        )
    rows: list[tuple[str, str, str, str, float]] = []
    for number, line in enumerate(lines[1:], start=2):
        try:
            word, hypernym, tag, relation, grade = line.split()[:5]
            if tag not in PARTS_OF_SPEECH or not 0 <= float(grade) <= 6:
                raise ValueError
            rows.append((word, hypernym, tag, relation, float(grade)))
        except ValueError:
            raise InputError(
                f"{path}, line {number}: found {line[:60]!r}, expected {' '.join(HYPERLEX_HEADER)}"
            ) from None
    if not rows:
        raise InputError(f"{path}: no pairs of words below the header")
    return pd.DataFrame(rows, columns=COLUMNS)


def check_template(template: str) -> None:
    """Raise InputError where a template has no place for the word."""
    if template.count("{}") != 1:
        raise InputError(f"template {template!r}: expected one '{{}}', the place of the word")
