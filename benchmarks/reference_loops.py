"""The loops of the paper's own scripts, written anew: what users of those would wait for.

They take transformers' CLIP. Evaluation encodes one picture at a time, then the four texts of one
item at a time, padded to the longest of them. Training computes, per step, the empty string by
itself, all texts padded to the longest, a frozen second text tower on the same texts, angles by
``acos``, and AdamW with its defaults; the whole vocabulary has a gradient.
"""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor

from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.data.images import ImageStore
from hierarcaps.models.transformers_family.encoder import TransformersEncoder


def encode_one_by_one(
    encoder: TransformersEncoder, items: Sequence[CaptionHierarchy], store: ImageStore
) -> None:
    """Encode the picture and the texts of each item."""
    with torch.no_grad():
        for item in items:
            encoder.model.get_image_features(
                pixel_values=encoder.preprocess(store[item.image or ""])[None]
            )
            encoder.model.get_text_features(**_padded(encoder, item.tiers))


class ReferenceTraining:
    """The training step of the radial embedding loss."""

    def __init__(self, encoder: TransformersEncoder, learning_rate: float = 1e-7) -> None:
        self.encoder, self.model = encoder, encoder.model.train()
        self.model.requires_grad_(False)
        self.model.text_model.requires_grad_(True)
        self.model.text_projection.requires_grad_(True)
        self.frozen = copy.deepcopy(self.model).eval().requires_grad_(False)
        self.optimiser = torch.optim.AdamW(self.model.parameters(), lr=learning_rate)

    def step(self, items: Sequence[CaptionHierarchy]) -> float:
        """Train on a batch; return its loss before."""
        self.optimiser.zero_grad()
        root = _unit(self.model, _padded(self.encoder, [""]))[0]
        texts = _padded(self.encoder, [t for i in items for t in (*i.tiers, *(i.negatives or ()))])
        embeddings = _unit(self.model, texts)
        with torch.no_grad():
            original = _unit(self.frozen, texts)
        prior = (1 - (embeddings * original).sum(-1).mean()) / 2
        rows = embeddings.view(len(items), 8, -1)
        positive = _angle(rows[:, :3], rows[:, 1:4], root)
        negative = -_angle(rows[:, :3], rows[:, 4:7], root)
        triplets = (positive + negative).flatten()
        hard = triplets[positive.argmax()] + triplets[negative.argmax()]
        loss = 10 * prior + triplets.mean() + hard
        loss.backward()
        self.optimiser.step()
        return loss.item()


def _padded(encoder: TransformersEncoder, texts: Sequence[str]) -> dict[str, Tensor]:
    options = {"padding": True, "truncation": True, "return_tensors": "pt", "max_length": 77}
    return dict(encoder._tokeniser(list(texts), **options))


def _unit(model: torch.nn.Module, texts: dict[str, Tensor]) -> Tensor:
    features = model.get_text_features(**texts).pooler_output
    return features / features.norm(dim=-1, keepdim=True)


def _angle(parent: Tensor, child: Tensor, root: Tensor) -> Tensor:
    a, b = parent - root, child - parent
    cosine = (a * b).sum(-1) / (a.norm(dim=-1) * b.norm(dim=-1))
    return cosine.clip(-1, 1).acos()
