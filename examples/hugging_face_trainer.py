"""The radial-embedding loss in the ``Trainer`` of transformers: its collator and its loss.

Run it as ``python examples/hugging_face_trainer.py MODEL TABLE OUTPUT``: MODEL is a CLIP of
transformers, TABLE has the columns ``positive`` and ``negative``, each with four captions joined by
`` => ``. It needs accelerate beside transformers.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch.nn.functional import normalize
from transformers import AutoImageProcessor, AutoTokenizer, CLIPModel, Trainer, TrainingArguments

import hierarcaps


def main(arguments: Sequence[str]) -> None:
    """Train a model on a table and save it."""
    name, table, output = arguments
    model, tokenizer = CLIPModel.from_pretrained(name), AutoTokenizer.from_pretrained(name)
    settings = TrainingArguments(output, learning_rate=1e-6, num_train_epochs=1, report_to="none")
    trainer = radial_trainer(model, tokenizer, hierarcaps.read_hierarchies(table), settings)
    trainer.train()
    trainer.save_model()
    tokenizer.save_pretrained(output)
    AutoImageProcessor.from_pretrained(name).save_pretrained(output)  # so that images fit, too


def radial_trainer(model, tokenizer, items, settings: TrainingArguments) -> Trainer:
    """Return a trainer of the text tower; the image tower stays as it is."""
    model.requires_grad_(False)
    model.text_model.requires_grad_(True)
    model.text_projection.requires_grad_(True)
    settings.remove_unused_columns = False  # triplets are no arguments of the model
    return RadialTrainer(
        model, settings, data_collator=Triplets(tokenizer), train_dataset=list(items)
    )


@dataclass
class Triplets:
    """Makes a batch of hierarchies one batch of texts: the empty string, then all triplets."""

    tokenizer: Any

    def __call__(self, items: Sequence[hierarcaps.CaptionHierarchy]) -> dict[str, Any]:
        """Return tokens of ``[""]``, 3 N parents, their children and their negatives."""
        texts = [""]
        texts += [text for item in items for text in item.tiers[:3]]
        texts += [text for item in items for text in item.tiers[1:]]
        texts += [text for item in items for text in item.negatives[:3]]
        return self.tokenizer(texts, padding=True, truncation=True, return_tensors="pt")


class RadialTrainer(Trainer):
    """A trainer whose loss is the mean of ``L_RE`` over the triplets of a batch."""

    radial_loss = hierarcaps.RadialEmbeddingLoss()

    def compute_loss(self, model, inputs, return_outputs=False, **_):
        """Return the loss of a batch from the collator."""
        outputs = model.text_model(**inputs)
        embeddings = normalize(model.text_projection(outputs.pooler_output), dim=-1)
        root, (parent, child, negative) = embeddings[0], embeddings[1:].chunk(3)
        loss = self.radial_loss(parent, child, negative, root).mean()
        return (loss, outputs) if return_outputs else loss


if __name__ == "__main__":
    main(sys.argv[1:])
