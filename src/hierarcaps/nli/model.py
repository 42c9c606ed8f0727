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
from hierarcaps.runtime.progress import progress
from hierarcaps.runtime.torch_setup import choose_device, load_pretrained, load_weights

LABELS = ("entailment", "neutral", "contradiction")
ENTAILMENT, NEUTRAL, CONTRADICTION = range(3)

Pair = tuple[str, str]
"""Premise and hypothesis."""

CANARIES: dict[str, Pair] = {
    "entailment": ("a red car", "a car"),
    "contradiction": ("a red car", "a blue car"),
}


class NLIModel:
    """Classifies (premise, hypothesis) pairs.

    Args:
        model: hub id or local folder of a sequence-classification checkpoint.
        revision: commit or tag of a hub model.
        batch_tokens: padded tokens classified at once (pairs x length of the longest).
        max_length: longest pair in tokens; a longer one is answered neutral, never truncated.
        canaries: relation -> a pair that certainly has it; empty to skip the check.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        InputError: no such model, labels without the three names, or a canary misclassified.
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
        positions = getattr(self.model.config, "max_position_embeddings", max_length)
        self.max_length = min(max_length, positions)
        self._columns = resolve_labels(self.model.config.id2label, model)
        self._cache: dict[Pair, np.ndarray] = {}
        self._check(canaries)

    def _check(self, canaries: Mapping[str, Sequence[str]]) -> None:
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

    def probabilities(self, pairs: Sequence[Pair]) -> np.ndarray:
        """Return the probabilities of (entailment, neutral, contradiction), float32 (N, 3).

        A pair with a word unknown to the tokenizer, or longer than ``max_length``, is answered
        neutral with probability 1: what cannot be read neither entails nor contradicts.
        Equal pairs are classified once, also across calls.
        """
        if not pairs:
            return np.zeros((0, 3), dtype=np.float32)
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._cache]
        if new:
            self._classify(new)
        return np.stack([self._cache[pair] for pair in pairs])

    def _classify(self, pairs: list[Pair]) -> None:
        import torch

        encoded = self.tokenizer([p for p, _ in pairs], [h for _, h in pairs])
        ids = encoded["input_ids"]
        unknown = self.tokenizer.unk_token_id
        unreadable = np.array([0, 1, 0], dtype=np.float32)
        readable = []
        for index, row in enumerate(ids):
            if len(row) > self.max_length or (unknown is not None and unknown in row):
                self._cache[pairs[index]] = unreadable
            else:
                readable.append(index)
        readable.sort(key=lambda index: len(ids[index]))
        with torch.inference_mode():
            for batch in progress(list(self._batches(readable, ids)), "NLI"):
                rows = {key: [values[index] for index in batch] for key, values in encoded.items()}
                inputs = self.tokenizer.pad(rows, return_tensors="pt").to(self.device)
                logits = self.model(**inputs).logits[:, self._columns].float()
                result = torch.softmax(logits, dim=-1).cpu().numpy()
                for index, row in zip(batch, result, strict=True):
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
