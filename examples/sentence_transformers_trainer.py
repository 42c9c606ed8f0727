"""The radial-embedding loss in the trainer of sentence-transformers: a loss, and a table of texts.

Run it as ``python examples/sentence_transformers_trainer.py MODEL TABLE OUTPUT``: MODEL is a CLIP
of transformers, TABLE has the columns ``positive`` and ``negative``, each with four captions joined
by `` => ``. It needs sentence-transformers with its extra ``train``. (Named as the library alone,
this file would be imported in its place.)
"""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from torch.nn.functional import normalize

import hierarcaps


def main(arguments: Sequence[str]) -> None:
    """Train a model on a table and save it."""
    name, table, output = arguments
    model = SentenceTransformer(name)
    settings = SentenceTransformerTrainingArguments(
        output, learning_rate=1e-6, num_train_epochs=1, per_device_train_batch_size=32,
        report_to="none",
    )  # fmt: skip
    radial_trainer(model, hierarcaps.read_hierarchies(table), settings).train()
    model.save_pretrained(output)


def radial_trainer(model, items, settings) -> SentenceTransformerTrainer:
    """Return a trainer of the text tower; the image tower stays as it is."""
    clip = model[0].model
    clip.requires_grad_(False)
    clip.text_model.requires_grad_(True)
    clip.text_projection.requires_grad_(True)
    texts = triplets(items)
    return SentenceTransformerTrainer(model, settings, train_dataset=texts, loss=RadialLoss(model))


def triplets(items) -> Dataset:
    """Return a row per triplet: the root, which is the empty string, and three texts."""
    rows = [
        {"root": "", "parent": item.tiers[i], "child": item.tiers[i + 1],
         "negative": item.negatives[i]}
        for item in items
        for i in range(3)
    ]  # fmt: skip
    return Dataset.from_list(rows)


class RadialLoss(torch.nn.Module):
    """The mean of ``L_RE`` over a batch, as a loss of sentence-transformers."""

    def __init__(self, model: SentenceTransformer) -> None:
        super().__init__()
        self.model = model
        self.radial_loss = hierarcaps.RadialEmbeddingLoss()

    def forward(self, columns: Iterable[dict[str, Any]], labels: Any = None) -> torch.Tensor:
        """Return the loss of the tokens of each column, in the order of the table's columns."""
        features = [self.model(column)["sentence_embedding"] for column in columns]
        root, parent, child, negative = (normalize(each, dim=-1) for each in features)
        return self.radial_loss(parent, child, negative, root[0]).mean()


if __name__ == "__main__":
    main(sys.argv[1:])
