"""Training of the small NLI model on pairs that the drawn world's logic labelled.

A BERT cross-encoder of three layers: enough to bind words to their object, compare across the two
captions, and gather the result. Three things make it learn in two CPU minutes what takes a plain
model many times as long: attention that starts by looking at like words (query and key weights
begin equal, so that two tokens attend to each other as far as their embeddings agree), a label for
each word of the hypothesis beside that of the pair, and short captions first.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hierarcaps.nli.model import LABELS, NLIModel
from hierarcaps.nli.pairs import LabelledPair, sample_pairs
from hierarcaps.nli.word_labels import IGNORED, word_relations
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import sha256_json, write_json
from hierarcaps.runtime.progress import progress
from hierarcaps.runtime.torch_setup import declare_torchvision_ops
from hierarcaps.text_models.tokenizer import PAD, train_word_tokenizer
from hierarcaps.text_models.training import (
    Schedule,
    batch_order,
    fit,
    save_pretrained,
    write_curve,
)

EASY_SHARE, EASY_DETAIL = 0.3, 0.4
COMPANION_SHARE = 0.35
COMPARING_LAYER = -2
"""Hidden states that the word labels are read from: the last layer only gathers them."""


def train_nli(settings: Mapping[str, Any], output: str | Path, curve: str | Path) -> None:
    """Train and save a checkpoint that ``NLIModel`` opens like any other.

    Args:
        settings: ``steps``, ``batch_size``, ``learning_rate``, ``seed``, and of the model
            ``width``, ``layers``, ``heads``.
        output: folder of the checkpoint (config.json, model.safetensors, tokenizer.json).
        curve: CSV of the loss.

    Raises:
        InputError: the loss is not finite.
    """
    import torch

    schedule = Schedule(
        steps=settings["steps"],
        batch_size=settings["batch_size"],
        learning_rate=settings["learning_rate"],
        seed=settings["seed"],
    )
    pairs = training_pairs(schedule)
    tokenizer = train_word_tokenizer(
        (text for pair in pairs for text in (pair.premise, pair.hypothesis)), pair_template=True
    )
    torch.manual_seed(schedule.seed)
    model = build_classifier(len(tokenizer), tokenizer.pad_token_id, settings)
    trainer = _Trainer(model, tokenizer, pairs)
    order = batch_order(trainer.lengths, schedule, shuffle=False)
    output = Path(output)
    state = output.with_name(f".{output.name}.state")
    key = sha256_json([dict(settings), [(p.premise, p.hypothesis, p.attributes) for p in pairs]])
    losses = fit(trainer.module, trainer.loss, order, schedule, state, key, "NLI")
    save_pretrained(output, model, tokenizer)
    write_curve(curve, losses)
    state.unlink(missing_ok=True)


def training_pairs(schedule: Schedule) -> list[LabelledPair]:
    """Return the pairs of all steps in training order: short captions of one object first."""
    total = schedule.steps * schedule.batch_size
    easy = round(EASY_SHARE * total)
    seed = schedule.seed
    bar = progress(None, "NLI pairs", total=total)
    pairs: list[LabelledPair] = []
    phases = (
        sample_pairs(easy, f"train/{seed}/easy", EASY_DETAIL, 0.0),
        sample_pairs(total - easy, f"train/{seed}", 1.0, COMPANION_SHARE),
    )
    for phase in phases:
        for pair in phase:
            pairs.append(pair)
            bar.update()
    bar.close()
    return pairs


def build_classifier(vocabulary: int, pad_token: int, settings: Mapping[str, Any]) -> Any:
    """Return an untrained BERT classifier whose attention starts by matching like words."""
    declare_torchvision_ops()
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    width, heads = settings["width"], settings["heads"]
    if width % heads:
        raise InputError(f"nli width {width} is no multiple of its {heads} heads")
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        num_hidden_layers=settings["layers"],
        num_attention_heads=heads,
        intermediate_size=2 * width,
        max_position_embeddings=128,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=pad_token,
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
    )
    model: Any = BertForSequenceClassification(config)
    with torch.no_grad():
        for layer in model.bert.encoder.layer:
            attention = layer.attention.self
            attention.query.weight.normal_(std=width**-0.5)
            attention.key.weight.copy_(attention.query.weight)
    return model


class _Trainer:
    """Encoded pairs, and the loss of a batch of them."""

    def __init__(self, model: Any, tokenizer: Any, pairs: Sequence[LabelledPair]) -> None:
        import torch

        encoded = tokenizer([p.premise for p in pairs], [p.hypothesis for p in pairs])
        self.ids = [np.array(row) for row in encoded["input_ids"]]
        self.segments = [np.array(row) for row in encoded["token_type_ids"]]
        self.lengths = [len(row) for row in self.ids]
        self.labels = np.array([LABELS.index(pair.label) for pair in pairs])
        self.word_labels = [
            _token_labels(word_relations(pair.hypothesis, pair.attributes), length)
            for pair, length in zip(pairs, self.lengths, strict=True)
        ]
        self.pad = tokenizer.convert_tokens_to_ids(PAD)
        self.model = model
        self.word_head = torch.nn.Linear(model.config.hidden_size, len(LABELS))
        self.module = torch.nn.ModuleDict({"model": model, "word_head": self.word_head})

    def loss(self, batch: np.ndarray) -> Any:
        """Return the loss of the pairs' labels plus that of the hypotheses' word labels."""
        import torch
        from torch.nn.functional import cross_entropy

        ids = self._padded(self.ids, batch, self.pad)
        output = self.model(
            input_ids=ids,
            token_type_ids=self._padded(self.segments, batch, 0),
            attention_mask=(ids != self.pad).long(),
            output_hidden_states=True,
        )
        words = self.word_head(output.hidden_states[COMPARING_LAYER])
        return cross_entropy(output.logits, torch.from_numpy(self.labels[batch])) + cross_entropy(
            words.flatten(0, 1), self._padded(self.word_labels, batch, IGNORED).flatten()
        )

    @staticmethod
    def _padded(rows: Sequence[np.ndarray], batch: np.ndarray, value: int) -> Any:
        import torch

        table = np.full((len(batch), max(len(rows[index]) for index in batch)), value)
        for row, index in zip(table, batch, strict=True):
            row[: len(rows[index])] = rows[index]
        return torch.from_numpy(table)


def _token_labels(words: list[int], length: int) -> np.ndarray:
    """Place the labels of the hypothesis's words before the final token of the pair."""
    labels = np.full(length, IGNORED)
    labels[length - 1 - len(words) : length - 1] = words
    return labels


def evaluate_nli(nli: NLIModel, size: int, seed: int, report: str | Path) -> dict[str, Any]:
    """Measure a model on held-out pairs of the drawn world, and write the report.

    Returns:
        ``accuracy`` by relation and by kind of pair, ``n`` likewise, and for each relation that the
        filters act on the ``precision`` at thresholds of its probability.
    """
    pairs = list(sample_pairs(size, f"held out/{seed}", 1.0, COMPANION_SHARE))
    probabilities = nli.probabilities([(pair.premise, pair.hypothesis) for pair in pairs])
    truth = np.array([LABELS.index(pair.label) for pair in pairs])
    right = probabilities.argmax(1) == truth
    groups: dict[str, list[bool]] = defaultdict(list)
    for pair, correct in zip(pairs, right, strict=True):
        for name in (pair.label, f"pairs: {pair.kind}", f"{pair.kind}: {pair.label}", "all"):
            groups[name].append(bool(correct))
    content = {
        "accuracy": {name: float(np.mean(values)) for name, values in sorted(groups.items())},
        "n": {name: len(values) for name, values in sorted(groups.items())},
        "precision": {
            LABELS[column]: {
                f"{threshold}": _precision(probabilities[:, column] >= threshold, truth == column)
                for threshold in (0.5, 0.8, 0.9, 0.95)
            }
            for column in (0, 2)
        },
    }
    write_json(report, content)
    return content


def _precision(chosen: np.ndarray, positive: np.ndarray) -> float:
    return float(positive[chosen].mean()) if chosen.any() else 0.0
