"""Losses: equations, degenerate points, invariances, and how RE and EC hang together."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import normalize

from hierarcaps.alignment.losses import (
    EntailmentConeLoss,
    HardExampleLoss,
    PriorPreservationLoss,
    RadialEmbeddingLoss,
)

DTYPES = [torch.float32, torch.float64]
TRIPLET_LOSSES = [RadialEmbeddingLoss(), EntailmentConeLoss(eps=0.1, margin=0.3)]
seeds = st.integers(0, 2**31 - 1)


def unit_vectors(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return normalize(torch.randn(*shape, generator=generator, dtype=dtype), dim=-1)


def triplets(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
    """Parent, child, negative ``(*shape, 12)`` and root ``(12,)``, all requiring gradients."""
    points = [*unit_vectors(seed, 3, *shape, 12, dtype=dtype), unit_vectors(seed + 1, 12).to(dtype)]
    return tuple(point.clone().requires_grad_() for point in points)


def oracle_angle(parent: Tensor, child: Tensor, root: Tensor) -> Tensor:
    """The exterior angle by the law of cosines in the triangle root, parent, child."""
    a = (parent - root).norm(dim=-1)
    b = (child - parent).norm(dim=-1)
    c = (child - root).norm(dim=-1)
    return math.pi - torch.acos(((a**2 + b**2 - c**2) / (2 * a * b)).clamp(-1, 1))


def total(loss: nn.Module, points: tuple[Tensor, ...]) -> Tensor:
    return loss(*points).sum()


@settings(deadline=None, max_examples=30)
@given(seed=seeds)
def test_radial_embedding_equation(seed: int) -> None:
    parent, child, negative, root = triplets(seed, 5, 3)
    expected = oracle_angle(parent, child, root) - oracle_angle(parent, negative, root)
    torch.testing.assert_close(RadialEmbeddingLoss()(parent, child, negative, root), expected)
    torch.testing.assert_close(
        RadialEmbeddingLoss()(parent, child, None, root), oracle_angle(parent, child, root)
    )


@settings(deadline=None, max_examples=30)
@given(seed=seeds, eps=st.floats(0.01, 0.5), margin=st.floats(0, 3))
def test_entailment_cone_equation(seed: int, eps: float, margin: float) -> None:
    parent, child, negative, root = triplets(seed, 5, 3)
    theta = torch.asin((eps / (parent - root).norm(dim=-1)).clamp(max=1))
    inside = (oracle_angle(parent, child, root) - theta).clamp(min=0)
    outside = (oracle_angle(parent, negative, root) - theta).clamp(min=0)
    loss = EntailmentConeLoss(eps, margin)
    torch.testing.assert_close(
        loss(parent, child, negative, root), inside + (margin - outside).clamp(min=0)
    )
    torch.testing.assert_close(loss(parent, child, None, root), inside)


def test_prior_preservation_equation() -> None:
    e = unit_vectors(0, 7, 12)
    loss = PriorPreservationLoss()
    assert loss(e, e).item() == pytest.approx(0, abs=1e-15)
    assert loss(e, -e).item() == pytest.approx(1)
    other = unit_vectors(1, 7, 12)
    cosines = nn.functional.cosine_similarity(e, other, dim=-1)
    torch.testing.assert_close(loss(e, other), (1 - cosines.mean()) / 2)


@pytest.mark.parametrize("triplet_loss", TRIPLET_LOSSES)
def test_hard_examples_are_the_two_extreme_triplets(triplet_loss: nn.Module) -> None:
    for seed in range(20):
        parent, child, negative, root = triplets(seed, 4, 3)
        losses = triplet_loss(parent, child, negative, root).flatten()
        worst = oracle_angle(parent, child, root).argmax()
        nearest = (-oracle_angle(parent, negative, root)).argmax()
        hard = HardExampleLoss(triplet_loss)
        torch.testing.assert_close(
            hard(parent, child, negative, root), losses[worst] + losses[nearest]
        )
        alone = triplet_loss(parent, child, None, root).flatten()[worst]
        torch.testing.assert_close(hard(parent, child, None, root), alone)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", [*TRIPLET_LOSSES, *map(HardExampleLoss, TRIPLET_LOSSES)])
@pytest.mark.parametrize(
    "case", ["general", "collinear", "equal texts", "parent is root", "all are the root"]
)
def test_gradients_are_finite(loss: nn.Module, dtype: torch.dtype, case: str) -> None:
    for seed in range(10):
        parent, child, negative, root = (p.detach() for p in triplets(seed, 2, 3, dtype=dtype))
        if case == "collinear":
            child, negative = root + 1.5 * (parent - root), root + 0.5 * (parent - root)
        elif case == "equal texts":
            child = negative = parent
        elif case == "parent is root":
            parent = root.expand_as(parent)
        elif case == "all are the root":
            parent = child = negative = root.expand_as(parent)
        points = [p.clone().requires_grad_() for p in (parent, child, negative, root)]
        value = loss(*points).sum()
        value.backward()
        assert torch.isfinite(value)
        for point in points:
            assert point.grad is not None
            assert torch.isfinite(point.grad).all()


@settings(deadline=None, max_examples=20)
@given(seed=seeds)
def test_a_rotation_changes_no_loss(seed: int) -> None:
    points = triplets(seed, 4, 3)
    square = torch.randn(12, 12, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    rotation = torch.linalg.qr(square).Q
    rotated = tuple(point @ rotation for point in points)
    for loss in [*TRIPLET_LOSSES, *map(HardExampleLoss, TRIPLET_LOSSES)]:
        torch.testing.assert_close(total(loss, rotated), total(loss, points))


@pytest.mark.parametrize("loss", TRIPLET_LOSSES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_swapping_parent_and_child_raises_the_loss(loss: nn.Module, dtype: torch.dtype) -> None:
    """On chains that lead outward from the root, as hierarchies should."""
    for seed in range(20):
        root, direction, noise, negative = unit_vectors(seed, 4, 12, dtype=dtype)
        parent = normalize(root + 0.5 * direction, dim=-1)
        child = normalize(root + 1.0 * direction + 0.05 * noise, dim=-1)
        right = loss(parent, child, negative, root)
        assert right < loss(child, parent, negative, root)


@pytest.mark.parametrize("loss", TRIPLET_LOSSES)
def test_descent_turns_the_child_outward(loss: nn.Module) -> None:
    parent, child, negative, root = (p.detach() for p in triplets(3, 6))
    child = child.clone().requires_grad_()
    optimiser = torch.optim.SGD([child], lr=0.05)
    before = oracle_angle(parent, child, root).mean().item()
    for _ in range(50):
        optimiser.zero_grad()
        loss(parent, normalize(child, dim=-1), negative, root).mean().backward()
        optimiser.step()
    assert oracle_angle(parent, normalize(child, dim=-1), root).mean().item() < before - 0.1


def relative_gradient_distance(margin: float, eps: float) -> float:
    """Distance between the gradients of EC and RE, over the length of RE's."""
    points = triplets(0, 64, 3)
    cone = torch.autograd.grad(EntailmentConeLoss(eps, margin)(*points).mean(), points)
    radial = torch.autograd.grad(RadialEmbeddingLoss()(*points).mean(), points)
    distance = sum((a - b).square().sum() for a, b in zip(cone, radial, strict=True))
    return math.sqrt(distance / sum(b.square().sum() for b in radial))


def test_entailment_cone_tends_to_radial_embedding_as_the_margin_grows() -> None:
    """From a margin of pi on, every negative counts, and the half-apertures cancel.

    What is left is the margin, a constant, and the texts inside a cone, whose share vanishes with
    eps: ``L_EC - margin -> L_RE``, in value and gradient.
    """
    by_margin = [relative_gradient_distance(margin, eps=1e-4) for margin in (0.5, 1.5, 2.0, 3.15)]
    assert by_margin == sorted(by_margin, reverse=True)
    assert by_margin[0] > 0.5
    assert by_margin[-1] < 1e-10

    points = triplets(0, 64, 3)
    radial = RadialEmbeddingLoss()(*points)
    for eps in (1e-2, 1e-4):
        cone = EntailmentConeLoss(eps, margin=math.pi)(*points) - math.pi
        torch.testing.assert_close(cone, radial)


@pytest.mark.parametrize(("eps", "margin"), [(0.0, 0.1), (-1.0, 0.1), (0.1, -0.1), (math.nan, 0.1)])
def test_entailment_cone_refuses_values_without_meaning(eps: float, margin: float) -> None:
    with pytest.raises(ValueError, match="eps > 0"):
        EntailmentConeLoss(eps, margin)
