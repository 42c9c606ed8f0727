"""The reference recipe in its plainest form, written from the equations alone.

Per step: a forward pass of the frozen copy, texts padded to the longest of the batch, angles by
``acos``, AdamW over the whole text tower and its whole vocabulary. It shares nothing with the
package but open_clip's modules.
"""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

Chain = tuple[Sequence[str], Sequence[str]]
"""Four tiers and their negatives."""


def angle(u: Tensor, v: Tensor) -> Tensor:
    return torch.acos((u * v).sum(-1) / (u.norm(dim=-1) * v.norm(dim=-1)))


class PlainRecipe:
    def __init__(
        self,
        model: nn.Module,
        tokeniser,
        learning_rate: float,
        objective: str = "re",
        eps: float = 0.1,
        margin: float = 0.1,
        weights: tuple[float, float, float] = (10.0, 1.0, 1.0),
    ) -> None:
        self.model, self.tokeniser = model, tokeniser
        self.original = copy.deepcopy(model)
        self.objective, self.eps, self.margin, self.weights = objective, eps, margin, weights
        model.requires_grad_(True)
        model.visual.requires_grad_(False)
        model.logit_scale.requires_grad_(False)
        trained = [p for p in model.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(trained, lr=learning_rate)

    def embed(self, model: nn.Module, texts: list[str]) -> Tensor:
        tokens = self.tokeniser(texts)
        longest = int(tokens.argmax(dim=1).max()) + 1
        x = model.token_embedding(tokens[:, :longest]) + model.positional_embedding[:longest]
        x = model.transformer(x, attn_mask=model.attn_mask[:longest, :longest])
        x = model.ln_final(x)[torch.arange(len(texts)), tokens.argmax(dim=1)]
        x = x @ model.text_projection
        return x / x.norm(dim=-1, keepdim=True)

    def triplet(self, e: Tensor, positive: Tensor, negative: Tensor, root: Tensor) -> Tensor:
        xi_positive = angle(e - root, positive - e)
        xi_negative = angle(e - root, negative - e)
        if self.objective == "re":
            return xi_positive - xi_negative
        theta = torch.asin(torch.clamp(self.eps / (e - root).norm(dim=-1), max=1))
        excess = torch.clamp(xi_positive - theta, min=0)
        missing = torch.clamp(self.margin - torch.clamp(xi_negative - theta, min=0), min=0)
        return excess + missing

    def losses(self, batch: Sequence[Chain]) -> dict[str, Tensor]:
        texts = [text for tiers, negatives in batch for text in (*tiers, *negatives)]
        e = self.embed(self.model, ["", *texts])
        with torch.no_grad():
            original = self.embed(self.original, texts)
        root, e = e[0], e[1:]
        prior = (1 - (e * original).sum(-1).mean()) / 2
        triplets, positive_angles, negative_angles = [], [], []
        for item in e.view(len(batch), 8, -1):
            for tier in range(3):
                parent, child, negative = item[tier], item[tier + 1], item[4 + tier]
                triplets.append(self.triplet(parent, child, negative, root))
                positive_angles.append(angle(parent - root, child - parent))
                negative_angles.append(angle(parent - root, negative - parent))
        triplets = torch.stack(triplets)
        hard = triplets[torch.stack(positive_angles).argmax()]
        hard = hard + triplets[(-torch.stack(negative_angles)).argmax()]
        mean = triplets.mean()
        w_prior, w_triplet, w_hard = self.weights
        total = w_prior * prior + w_triplet * mean + w_hard * hard
        return {"total": total, "triplet": mean, "prior": prior, "hard": hard}

    def step(self, batch: Sequence[Chain]) -> dict[str, float]:
        losses = self.losses(batch)
        self.optimiser.zero_grad()
        losses["total"].backward()
        self.optimiser.step()
        return {name: value.item() for name, value in losses.items()}
