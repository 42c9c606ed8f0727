"""An NLI model: any sequence-classification checkpoint of transformers with the three relations.

Checkpoints disagree on the order of the labels, and a wrong order silently inverts every filter.
So labels are found by name in the checkpoint's config, and a canary pair of each relation is
classified when the model is opened.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.halving import Halving
from hierarcaps.runtime.progress import progress
from hierarcaps.runtime.torch_setup import choose_device, load_pretrained, load_weights
from hierarcaps.text_models.positions import usable_positions

LABELS = ("entailment", "neutral", "contradiction")
ENTAILMENT, NEUTRAL, CONTRADICTION = range(3)

Pair = tuple[str, str]
"""Premise and hypothesis."""

CANARIES: dict[str, Pair] = {
    "entailment": ("a red car", "a car"),
    "contradiction": ("a red car", "a blue car"),
}


# Separators between premise and hypothesis that each family was trained with. (The tokeniser of
# transformers 5 writes two for DeBERTa's first version.)
SEPARATORS = {
    "albert": 1,
    "bart": 2,
    "bert": 1,
    "camembert": 2,
    "deberta": 1,
    "deberta-v2": 1,
    "distilbert": 1,
    "electra": 1,
    "modernbert": 1,
    "mpnet": 2,
    "roberta": 2,
    "xlm-roberta": 2,
}


class NLIModel:
    """Classifies (premise, hypothesis) pairs.

    Args:
        model: hub id or local folder of a sequence-classification checkpoint.
        revision: commit or tag of a hub model.
        batch_tokens: padded tokens classified at once (pairs x length of the longest); fewer where
            memory does not hold them.
        max_length: longest pair in tokens; a longer one is answered neutral, never truncated.
        canaries: relation -> a pair that certainly has it; empty to skip the check.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        InputError: no such model, a family whose pairs are not known, labels without the three
            names, or a canary misclassified.
    """

    def __init__(
        self,
        model: str,
        revision: str | None = None,
        batch_tokens: int = 8192,
        max_length: int = 256,
        canaries: Mapping[str, Sequence[str]] = CANARIES,
        device: str = "auto",
    ) -> None:
        self.name = model
        self.batch_tokens = batch_tokens
        self.device = choose_device(device)
        options = {"revision": revision or "main"}
        self.tokenizer = load_pretrained("AutoTokenizer", model, **options)
        self.model = load_weights("AutoModelForSequenceClassification", model, **options)
        self.model.to(self.device).eval()
        ends = (self.tokenizer.sep_token_id, self.tokenizer.eos_token_id)
        self._separator = next((token for token in ends if token is not None), None)
        self._collapses_separators = self._check_template()
        positions = usable_positions(self.model.config, self.tokenizer.pad_token_id, max_length)
        self.max_length = min(max_length, positions)
        self._columns = resolve_labels(self.model.config.id2label, model)
        self._cache: dict[Pair, np.ndarray] = {}
        self._halving = Halving("NLI")
        self._too_long: set[Pair] = set()
        self.check(canaries)

    def check(self, canaries: Mapping[str, Sequence[str]]) -> None:
        """Classify a pair of each relation.

        Raises:
            InputError: an unknown relation, or a pair that is classified as another.
        """
        for relation, pair in canaries.items():
            if relation not in LABELS:
                raise InputError(
                    f"nli.canaries: found {relation!r}, expected one of {', '.join(LABELS)}"
                )
            premise, hypothesis = pair
            found = LABELS[int(self.probabilities([(premise, hypothesis)])[0].argmax())]
            if found != relation:
                raise InputError(
                    f"NLI model {self.name}: the canary pair ({premise!r}, {hypothesis!r}) was "
                    f"classified as {found}, expected {relation}: are its labels named wrongly?"
                )

    def _is_readable(self, ids: Sequence[int]) -> bool:
        """Whether a pair fits, of known words and without a separator spelled out in a text."""
        unknown, separator = self.tokenizer.unk_token_id, self._separator
        separators = SEPARATORS[self.model.config.model_type] + 1
        known = unknown is None or unknown not in ids
        return len(ids) <= self.max_length and known and ids.count(separator) == separators

    def _check_template(self) -> bool:
        """Check how premise and hypothesis are joined; return whether one separator is too many.

        Canaries cannot see this: with another template a model is worse, not wrong.
        """
        family = self.model.config.model_type
        separators = SEPARATORS.get(family)
        if separators is None:
            raise InputError(
                f"NLI model {self.name}: how its family ({family}) joins premise and hypothesis is "
                f"not known here, expected one of {', '.join(sorted(SEPARATORS))}"
            )
        separator = self._separator
        template = self.tokenizer("a", "a")["input_ids"]
        found = template.count(separator) - 1  # and one at the end
        if self.tokenizer.pad_token_id is None or separator is None or found not in (1, 2):
            raise InputError(
                f"NLI model {self.name}: its tokeniser joins two texts as the tokens {template}, "
                f"expected {separators} separator(s) ({separator}) between them, one at the end, "
                "and a padding token"
            )
        if found < separators:
            raise InputError(
                f"NLI model {self.name}: its tokeniser writes one separator between premise and "
                f"hypothesis, where {family} was trained with {separators}"
            )
        return found > separators

    def _encode(self, pairs: Sequence[Pair]) -> dict[str, list[list[int]]]:
        encoded = dict(self.tokenizer([p for p, _ in pairs], [h for _, h in pairs]))
        if self._collapses_separators:
            twice = [self._separator] * 2
            for row, ids in enumerate(encoded["input_ids"]):
                second = next(i for i in range(len(ids)) if ids[i : i + 2] == twice)
                for values in encoded.values():
                    values[row] = [*values[row][:second], *values[row][second + 1 :]]
        return encoded

    def probabilities(self, pairs: Sequence[Pair]) -> np.ndarray:
        """Return the probabilities of (entailment, neutral, contradiction), float32 (N, 3).

        A pair with a word unknown to the tokenizer, longer than ``max_length`` or with a separator
        spelled out in it is answered neutral with probability 1: what cannot be read neither
        entails nor contradicts.
        Equal pairs are classified once, also across calls.
        """
        if not pairs:
            return np.zeros((0, 3), dtype=np.float32)
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._cache]
        if new:
            self._classify(new)
        return np.stack([self._cache[pair] for pair in pairs])

    def is_too_long(self, pair: Pair) -> bool:
        """Whether a pair that was asked for is longer than ``max_length``."""
        return pair in self._too_long

    def _classify(self, pairs: list[Pair]) -> None:
        import torch

        from hierarcaps.runtime.onednn import linear_by_onednn

        encoded = self._encode(pairs)
        ids = encoded["input_ids"]
        unreadable = np.array([0, 1, 0], dtype=np.float32)
        readable = []
        for index, row in enumerate(ids):
            if self._is_readable(row):
                readable.append(index)
            else:
                self._cache[pairs[index]] = unreadable
                if len(row) > self.max_length:
                    self._too_long.add(pairs[index])
        readable.sort(key=lambda index: len(ids[index]))

        def classify(part: list[int]) -> np.ndarray:
            rows = {key: [values[index] for index in part] for key, values in encoded.items()}
            inputs = self.tokenizer.pad(rows, return_tensors="pt").to(self.device)
            logits = self.model(**inputs).logits[:, self._columns].float()
            return torch.softmax(logits, dim=-1).cpu().numpy()

        with torch.inference_mode(), linear_by_onednn(self.device, few_shapes=True):
            for batch in progress(list(self._batches(readable, ids)), "NLI"):
                for part, result in self._halving(classify, batch):
                    for index, row in zip(part, result, strict=True):
                        self._cache[pairs[index]] = row

    def _batches(self, order: list[int], ids: list[list[int]]) -> list[list[int]]:
        """Cut indices sorted by length into batches of at most ``batch_tokens`` padded tokens."""
        batches: list[list[int]] = []
        for index in order:
            if batches and len(ids[index]) * (len(batches[-1]) + 1) <= self.batch_tokens:
                batches[-1].append(index)
            else:
                batches.append([index])
        return batches


def open_nli(model: str | Path, settings: Mapping[str, Any]) -> NLIModel:
    """Open the NLI model of the params section ``nli``; ``model`` is a folder or a hub id."""
    keys = ("revision", "batch_tokens", "max_length", "canaries", "device")
    return NLIModel(str(model), **{key: settings[key] for key in keys if key in settings})


def resolve_labels(id2label: Mapping[int, str], name: str) -> list[int]:
    """Return the output columns of entailment, neutral and contradiction, found by label name.

    Names match in any case and by their stem (``ENTAILMENT``, ``entail``, ``contradict``).

    Raises:
        InputError: a relation has no column, or more than one, or is named ``not_entailment``.
    """
    columns = []
    labels: dict[int, Any] = {int(column): str(label) for column, label in id2label.items()}
    for stem in ("entail", "neutral", "contradict"):
        found = [column for column, label in labels.items() if label.lower().startswith(stem)]
        if len(found) != 1:
            raise InputError(
                f"NLI model {name}: found the labels {', '.join(labels.values())}, "
                f"expected one each of {', '.join(LABELS)}"
            )
        columns += found
    return columns
