"""Angles and radii: against an independent oracle, and at the points where they degenerate."""

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import normalize

from hierarcaps.geometry.sphere import angle_between, exterior_angle, half_aperture, radius

DTYPES = [torch.float32, torch.float64]
seeds = st.integers(0, 2**31 - 1)


def unit_vectors(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return normalize(torch.randn(*shape, generator=generator, dtype=dtype), dim=-1)


def oracle_angle(u: np.ndarray, v: np.ndarray) -> float:
    """The law of cosines in 60 decimal digits, which shares nothing with the tested formula."""
    with mpmath.workdps(60):
        u_exact, v_exact = mpmath.matrix(u.tolist()), mpmath.matrix(v.tolist())
        cosine = mpmath.fdot(u_exact, v_exact) / (mpmath.norm(u_exact) * mpmath.norm(v_exact))
        return float(mpmath.acos(max(-1, min(1, cosine))))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("closeness", [0.0, 1e-3, 1e-6])
def test_exterior_angle_equals_the_law_of_cosines(dtype: torch.dtype, closeness: float) -> None:
    """``closeness`` > 0 makes nearly collinear vectors, where acos in floating point fails."""
    for seed in range(5):
        u, noise = unit_vectors(seed, 2, 16, dtype=dtype)
        v = noise if closeness == 0 else u * 0.7 + closeness * noise
        expected = oracle_angle(u.numpy(), v.numpy())
        tolerance = 8 * torch.finfo(dtype).eps
        assert angle_between(u, v).item() == pytest.approx(expected, abs=tolerance)
        assert angle_between(u, -v).item() == pytest.approx(math.pi - expected, abs=tolerance)


def test_exterior_angle_in_the_plane() -> None:
    root = torch.zeros(2, dtype=torch.float64)
    parent = torch.tensor([1.0, 0.0], dtype=torch.float64)
    children = torch.tensor([[2.0, 0.0], [1.0, 3.0], [0.5, 0.0], [2.0, -1.0]], dtype=torch.float64)
    expected = torch.tensor([0.0, math.pi / 2, math.pi, math.pi / 4], dtype=torch.float64)
    torch.testing.assert_close(exterior_angle(parent, children, root), expected)


def test_batch_dimensions_broadcast() -> None:
    parent, child = unit_vectors(0, 3, 4, 8), unit_vectors(1, 3, 4, 8)
    roots = unit_vectors(2, 3, 1, 8)
    angles = exterior_angle(parent, child, roots)
    assert angles.shape == (3, 4)
    assert radius(parent, roots).shape == (3, 4)
    torch.testing.assert_close(angles[1, 2], exterior_angle(parent[1, 2], child[1, 2], roots[1, 0]))


@settings(deadline=None, max_examples=30)
@given(seed=seeds)
def test_rotating_everything_changes_nothing(seed: int) -> None:
    parent, child, root = unit_vectors(seed, 3, 12)
    square = torch.randn(12, 12, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    rotation = torch.linalg.qr(square).Q
    torch.testing.assert_close(
        exterior_angle(parent @ rotation, child @ rotation, root @ rotation),
        exterior_angle(parent, child, root),
    )
    torch.testing.assert_close(radius(parent @ rotation, root @ rotation), radius(parent, root))


@settings(deadline=None, max_examples=30)
@given(seed=seeds)
def test_ranges(seed: int) -> None:
    parent, child, root = unit_vectors(seed, 3, 4, dtype=torch.float32)
    assert 0 <= exterior_angle(parent, child, root).item() <= math.pi + 1e-6
    assert 0 <= radius(parent, root).item() <= 2 + 1e-6
    assert 0 < half_aperture(radius(parent, root), 0.1).item() <= math.pi / 2 + 1e-6


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", ["parent is root", "child is parent", "all equal", "rounding"])
def test_zero_length_vectors_give_zero_and_no_gradient(dtype: torch.dtype, case: str) -> None:
    parent, child, root = (x.clone() for x in unit_vectors(0, 3, 16, dtype=dtype))
    if case in ("parent is root", "all equal"):
        parent = root.clone()
    if case in ("child is parent", "all equal"):
        child = parent.clone()
    if case == "rounding":
        child = parent.clone()
        child[0] = torch.nextafter(child[0], torch.ones((), dtype=dtype))
    points = [x.requires_grad_() for x in (parent, child, root)]
    angle = exterior_angle(*points)
    angle.backward()
    assert angle.item() == 0
    for point in points:
        assert point.grad is not None
        assert torch.count_nonzero(point.grad) == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("factor", [2.0, 0.5, 1.0 + 1e-6])
def test_gradient_is_finite_on_a_line_through_the_root(dtype: torch.dtype, factor: float) -> None:
    for seed in range(10):
        parent, root = (x.clone().requires_grad_() for x in unit_vectors(seed, 2, 16, dtype=dtype))
        child = (root + factor * (parent - root)).detach().requires_grad_()
        exterior_angle(parent, child, root).backward()
        for point in (parent, child, root):
            assert point.grad is not None
            assert torch.isfinite(point.grad).all()


def test_gradient_equals_finite_differences() -> None:
    points = [x.clone().requires_grad_() for x in unit_vectors(3, 3, 6)]
    assert torch.autograd.gradcheck(exterior_angle, points)
    assert torch.autograd.gradcheck(lambda e, r: half_aperture(radius(e, r), 0.1), points[:2])


def test_masked_entries_leave_the_rest_of_the_batch_alone() -> None:
    parent, child = (x.clone() for x in unit_vectors(4, 2, 3, 8))
    child[1] = parent[1]
    parent.requires_grad_()
    root = unit_vectors(5, 8)
    exterior_angle(parent, child, root).sum().backward()
    assert parent.grad is not None
    assert torch.isfinite(parent.grad).all()
    assert parent.grad.norm(dim=-1).tolist()[1] == 0
    assert (parent.grad.norm(dim=-1)[[0, 2]] > 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_half_aperture(dtype: torch.dtype) -> None:
    eps = 0.1
    distances = torch.tensor([0.0, 0.05, 0.1, 0.2, 2.0], dtype=dtype, requires_grad=True)
    apertures = half_aperture(distances, eps)
    expected = [math.pi / 2] * 3 + [math.asin(0.5), math.asin(0.05)]
    torch.testing.assert_close(apertures, torch.tensor(expected, dtype=dtype))
    apertures.sum().backward()
    assert distances.grad is not None
    assert torch.isfinite(distances.grad).all()
    assert distances.grad[:3].tolist() == [0.0, 0.0, 0.0]
    assert (distances.grad[3:] < 0).all()
