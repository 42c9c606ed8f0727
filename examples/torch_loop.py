"""The radial-embedding loss in a training loop of your own: three lines, marked (1) to (3).

Run it as ``python examples/torch_loop.py MODEL TABLE OUTPUT``: MODEL is a CLIP of transformers,
TABLE has the columns ``positive`` and ``negative``, each with four captions joined by `` => ``.
``hierarcaps.align`` is the paper's whole recipe, with what keeps the model near its original.
"""

import sys
from collections.abc import Sequence

import torch
from torch.nn.functional import normalize
from torch.utils.data import DataLoader
from transformers import AutoImageProcessor, AutoTokenizer, CLIPModel

import hierarcaps


def main(arguments: Sequence[str]) -> None:
    """Train a model on a table and save it."""
    name, table, output = arguments
    model, tokenizer = CLIPModel.from_pretrained(name), AutoTokenizer.from_pretrained(name)
    for step, loss in enumerate(train(model, tokenizer, hierarcaps.read_hierarchies(table))):
        print(f"step {step}: {loss:.4f}")
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)
    AutoImageProcessor.from_pretrained(name).save_pretrained(output)  # so that images fit, too


def train(model, tokenizer, items, learning_rate=1e-6, epochs=1):
    """Train the text tower; yield the loss of each step."""
    radial_loss = hierarcaps.RadialEmbeddingLoss()  # (1)
    trained = [*model.text_model.parameters(), *model.text_projection.parameters()]
    optimiser = torch.optim.AdamW(trained, learning_rate)
    triplets = [
        (item.tiers[i], item.tiers[i + 1], item.negatives[i]) for item in items for i in range(3)
    ]
    for _ in range(epochs):
        for parents, children, negatives in DataLoader(triplets, batch_size=32, shuffle=True):
            # The root is the empty string, embedded by the model as it is now.
            embeddings = embed(model, tokenizer, ["", *parents, *children, *negatives])  # (2)
            root, parent, child, negative = embeddings.split([1, *[len(parents)] * 3])
            loss = radial_loss(parent, child, negative, root[0]).mean()  # (3)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            yield loss.item()


def embed(model, tokenizer, texts: Sequence[str]) -> torch.Tensor:
    """Return unit embeddings, (B, D): radii and angles are of the unit sphere."""
    tokens = tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
    pooled = model.text_model(**tokens.to(model.device)).pooler_output
    return normalize(model.text_projection(pooled), dim=-1)


if __name__ == "__main__":
    main(sys.argv[1:])
