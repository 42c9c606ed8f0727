"""The total loss of alignment, and what is watched beside it."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hierarcaps.alignment.losses import (
    EntailmentConeLoss,
    HardExampleLoss,
    PriorPreservationLoss,
    RadialEmbeddingLoss,
)
from hierarcaps.alignment.settings import AlignmentSettings
from hierarcaps.geometry.sphere import exterior_angle, radius

TERMS = ("total", "triplet", "prior", "hard")


@dataclass(frozen=True)
class TextBatch:
    """Unit embeddings of the texts of B items with T tiers.

    Attributes:
        positives: (B, T, D), general to specific.
        negatives: (B, T - 1, D), the i-th contradicting the i-th positive; None without. The
            last tier is no parent of a triplet: its negative is in the prior alone.
        root: (D,).
    """

    positives: Tensor
    negatives: Tensor | None
    root: Tensor

    @classmethod
    def from_texts(cls, texts: Tensor, n_tiers: int, root: Tensor) -> "TextBatch":
        """Split (B, T, D) or (B, 2 T, D) embeddings: tiers, then their negatives."""
        negatives = texts[:, n_tiers:-1] if texts.shape[1] > n_tiers else None
        return cls(texts[:, :n_tiers], negatives, root)

    def triplets(self) -> tuple[Tensor, Tensor, Tensor | None, Tensor]:
        """Arguments of a triplet loss: parents, children, negatives (B, T - 1, D), and the root."""
        return self.positives[:, :-1], self.positives[:, 1:], self.negatives, self.root


class AlignmentLoss(nn.Module):
    """Total loss, ``w_prior L_prior + w_triplet mean(L) + w_hard L_hard`` (reference 10, 1, 1).

    L is the radial embedding or the entailment-cone loss.
    """

    def __init__(self, settings: AlignmentSettings) -> None:
        super().__init__()
        if settings.objective == "re":
            self.triplet_loss: nn.Module = RadialEmbeddingLoss()
        else:
            self.triplet_loss = EntailmentConeLoss(settings.eps, settings.margin)
        self.prior_loss = PriorPreservationLoss()
        self.hard_loss = HardExampleLoss(self.triplet_loss)
        self.weights = {
            "triplet": settings.triplet_weight,
            "prior": settings.prior_weight,
            "hard": settings.hard_weight,
        }

    def forward(self, batch: TextBatch, texts: Tensor, original: Tensor) -> Tensor:
        """Return the terms, (4,), in the order of ``TERMS``; the first is to be minimised.

        Args:
            batch: the embeddings as tiers and negatives.
            texts: all embeddings of the items, (B, K, D), a text counting as often as it occurs.
            original: their embeddings by the original text tower, (B, K, D).
        """
        # A term of weight 0 is still reported: an ablation is judged by what it gives up.
        triplet = self.triplet_loss(*batch.triplets()).mean()
        prior = self.prior_loss(texts, original)
        hard = self.hard_loss(*batch.triplets())
        terms = {"triplet": triplet, "prior": prior, "hard": hard}
        total = sum(weight * terms[name] for name, weight in self.weights.items() if weight > 0)
        return torch.stack([torch.as_tensor(total).to(triplet), triplet, prior, hard])


@torch.no_grad()
def watch(batch: TextBatch, tiers: tuple[int, ...]) -> dict[str, float]:
    """What the losses are meant to move, as means over the items of a batch.

    Returns:
        ``radius_1`` ... for each tier in use; ``angle_positive`` and ``angle_negative``, the
        exterior angles of continuations and contradictions, and ``angle_margin``, the latter minus
        the former (radians); ``angle_violations``, the share of triplets without a margin; and
        ``radius_violations``, the share of neighbouring tiers whose radius does not rise.
    """
    parent, child, negative, root = batch.triplets()
    radii = radius(batch.positives, root)
    positive_angle = exterior_angle(parent, child, root)
    values = {f"radius_{tier}": radii[:, i].mean() for i, tier in enumerate(tiers)}
    values["radius_violations"] = (radii[:, 1:] <= radii[:, :-1]).float().mean()
    values["angle_positive"] = positive_angle.mean()
    if negative is not None:
        negative_angle = exterior_angle(parent, negative, root)
        values["angle_negative"] = negative_angle.mean()
        values["angle_margin"] = (negative_angle - positive_angle).mean()
        values["angle_violations"] = (negative_angle <= positive_angle).float().mean()
    return {name: float(value) for name, value in values.items()}
