"""Losses of text-only alignment: pure modules on tensors.

A triplet is ``(e, e', e'')``: a general text, its continuation, and a text that contradicts e.
Triplet losses take ``(parent, child, negative, root)``, embeddings of shape ``(..., D)`` and a root
``(D,)``, and return one value per triplet, ``(...)``; averaging is the caller's. Without negatives
(``None``) they keep the term of the continuation alone.
"""

import torch
from torch import Tensor, nn

from hierarcaps.geometry.sphere import exterior_angle, half_aperture, radius


class RadialEmbeddingLoss(nn.Module):
    """Radial embedding loss, ``L_RE = Xi_r(e, e') - Xi_r(e, e'')``.

    It only contrasts two angles at the same parent: no margin and no absolute threshold.

    >>> root, parent = torch.tensor([1.0, 0.0]), torch.tensor([[0.0, 1.0]])
    >>> child, negative = torch.tensor([[-1.0, 0.0]]), torch.tensor([[0.0, -1.0]])
    >>> RadialEmbeddingLoss()(parent, child, negative, root)
    tensor([-0.7854])
    """

    def forward(
        self, parent: Tensor, child: Tensor, negative: Tensor | None, root: Tensor
    ) -> Tensor:
        """Return the loss of each triplet, ``(...)``, in ``[-pi, pi]``."""
        loss = exterior_angle(parent, child, root)
        if negative is not None:
            loss = loss - exterior_angle(parent, negative, root)
        return loss


class EntailmentConeLoss(nn.Module):
    """Entailment-cone loss, ``L_EC = E(e, e') + max(0, margin - E(e, e''))``.

    The excess ``E(e, e') = max(0, Xi_r(e, e') - theta_r(e))`` is by how much a text leaves the cone
    of half-aperture ``sin theta_r(e) = eps / d_r(e)`` behind its parent.

    Args:
        eps: cone constant, ``> 0``, in units of the radius.
        margin: excess that a negative should have, ``>= 0``, radians.

    >>> root, parent = torch.tensor([1.0, 0.0]), torch.tensor([[0.0, 1.0]])
    >>> child, negative = torch.tensor([[-1.0, 0.0]]), torch.tensor([[0.0, -1.0]])
    >>> EntailmentConeLoss(eps=0.1, margin=0.1)(parent, child, negative, root)
    tensor([1.5000])
    """

    def __init__(self, eps: float = 0.1, margin: float = 0.1) -> None:
        super().__init__()
        if not eps > 0 or not margin >= 0:
            raise ValueError(f"expected eps > 0 and margin >= 0, got {eps} and {margin}")
        self.eps = eps
        self.margin = margin

    def forward(
        self, parent: Tensor, child: Tensor, negative: Tensor | None, root: Tensor
    ) -> Tensor:
        """Return the loss of each triplet, ``(...)``, ``>= 0``."""
        aperture = half_aperture(radius(parent, root), self.eps)
        loss = torch.relu(exterior_angle(parent, child, root) - aperture)
        if negative is not None:
            excess = torch.relu(exterior_angle(parent, negative, root) - aperture)
            loss = loss + torch.relu(self.margin - excess)
        return loss


class PriorPreservationLoss(nn.Module):
    """Distance to the frozen original tower, ``L_prior = (1 - mean cos(e, e_original)) / 2``."""

    def forward(self, embeddings: Tensor, original: Tensor) -> Tensor:
        """Return the scalar loss, in ``[0, 1]``, of unit vectors ``(..., D)`` and ``(..., D)``."""
        return (1.0 - (embeddings * original).sum(dim=-1).mean()) / 2.0


class HardExampleLoss(nn.Module):
    """The triplet loss once more, at the two hardest triplets of the batch.

    ``L_hard = L(argmax Xi_r(e, e')) + L(argmax -Xi_r(e, e''))``: the continuation that turns away
    most, and the contradiction that turns away least. Without negatives, the former alone.

    Args:
        triplet_loss: loss L of a triplet.
    """

    def __init__(self, triplet_loss: nn.Module) -> None:
        super().__init__()
        self.triplet_loss = triplet_loss

    def forward(
        self, parent: Tensor, child: Tensor, negative: Tensor | None, root: Tensor
    ) -> Tensor:
        """Return the scalar loss over all triplets ``(..., D)`` of the batch."""
        parent, child = parent.flatten(0, -2), child.flatten(0, -2)
        negative = None if negative is None else negative.flatten(0, -2)
        with torch.no_grad():
            hardest = exterior_angle(parent, child, root).argmax().unsqueeze(0)
            if negative is not None:
                nearest = exterior_angle(parent, negative, root).argmin().unsqueeze(0)
                hardest = torch.cat([hardest, nearest])
        return self.triplet_loss(
            parent[hardest],
            child[hardest],
            None if negative is None else negative[hardest],
            root,
        ).sum()
