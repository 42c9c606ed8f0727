"""The hyperboloid: against hyperbolic trigonometry, near Euclid, and where points coincide."""

import math
from collections.abc import Callable

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hierarcaps.geometry import lorentz, sphere

DTYPES = [torch.float32, torch.float64]
CURVATURES = [0.1, 1.0, 7.3]
seeds = st.integers(0, 2**31 - 1)


def vectors(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Random vectors with lengths of about one."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=dtype) / shape[-1] ** 0.5


def oracle_distance(x: np.ndarray, y: np.ndarray, curvature: float) -> mpmath.mpf:
    """``acosh(-c <x, y>) / sqrt(c)`` in 60 digits."""
    x, y, c = mpmath.matrix(x.tolist()), mpmath.matrix(y.tolist()), mpmath.mpf(curvature)
    times = [mpmath.sqrt(1 / c + mpmath.fdot(v, v)) for v in (x, y)]
    inner = mpmath.fdot(x, y) - times[0] * times[1]
    return mpmath.acosh(-c * inner) / mpmath.sqrt(c)


def oracle_angle(x: np.ndarray, y: np.ndarray, curvature: float) -> float:
    """Exterior angle by the hyperbolic law of cosines, from the three sides in 60 digits."""
    with mpmath.workdps(60):
        k = mpmath.sqrt(mpmath.mpf(curvature))
        zero = np.zeros_like(x)
        a, b, c = (k * oracle_distance(*p, curvature) for p in ((zero, x), (x, y), (zero, y)))
        cosine = mpmath.cosh(a) * mpmath.cosh(b) - mpmath.cosh(c)
        return float(mpmath.pi - mpmath.acos(cosine / (mpmath.sinh(a) * mpmath.sinh(b))))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("curvature", CURVATURES)
@pytest.mark.parametrize("nearness", [1.0, 1e-3])
def test_distances_and_angles_obey_hyperbolic_trigonometry(
    dtype: torch.dtype, curvature: float, nearness: float
):
    eps = torch.finfo(dtype).eps
    for seed in range(5):
        x, step = vectors(seed, 2, 8, dtype=dtype)
        y = x + nearness * step
        a, b = x.numpy().astype(np.float64), y.numpy().astype(np.float64)
        with mpmath.workdps(60):
            expected = float(oracle_distance(a, b, curvature))
        # What rounding the points themselves changes is relative to how near they are.
        assert lorentz.distance(x, y, curvature).item() == pytest.approx(expected, rel=200 * eps)
        angle = lorentz.exterior_angle(x, y, curvature).item()
        assert angle == pytest.approx(oracle_angle(a, b, curvature), abs=200 * eps)
        pair = lorentz.pairwise_distance(x[None], y[None], curvature).item()
        assert pair == pytest.approx(expected, rel=1e3 * eps / nearness**2)


@pytest.mark.parametrize("curvature", CURVATURES)
def test_points_lie_on_the_hyperboloid_at_the_lengths_of_their_tangents(curvature: float):
    tangents = vectors(0, 20, 8)
    points = lorentz.exp_map0(tangents, curvature)
    torch.testing.assert_close(lorentz.radius(points, curvature), tangents.norm(dim=-1))
    torch.testing.assert_close(lorentz.log_map0(points, curvature), tangents)
    origin = torch.zeros(8, dtype=torch.float64)
    torch.testing.assert_close(
        lorentz.distance(points, origin, curvature), lorentz.radius(points, curvature)
    )
    own = lorentz.pairwise_inner(points, points, curvature).diagonal()
    torch.testing.assert_close(own, torch.full_like(own, -1 / curvature))


@settings(deadline=None, max_examples=30)
@given(seed=seeds, curvature=st.sampled_from(CURVATURES))
def test_a_geodesic_from_the_vertex_goes_straight_on(seed: int, curvature: float):
    direction = vectors(seed, 8)
    near, far = (lorentz.exp_map0(t * direction, curvature) for t in (0.7, 1.9))
    assert lorentz.exterior_angle(near, far, curvature).item() == pytest.approx(0, abs=1e-7)
    assert lorentz.exterior_angle(far, near, curvature).item() == pytest.approx(math.pi, abs=1e-7)
    length = 1.2 * direction.norm().item()
    assert lorentz.distance(near, far, curvature).item() == pytest.approx(length)


@settings(deadline=None, max_examples=30)
@given(seed=seeds, curvature=st.sampled_from(CURVATURES))
def test_ranges_and_symmetry(seed: int, curvature: float):
    x, y = vectors(seed, 2, 5, 4, dtype=torch.float32)
    distances = lorentz.pairwise_distance(x, y, curvature)
    assert (distances >= 0).all()
    torch.testing.assert_close(distances, lorentz.pairwise_distance(y, x, curvature).T)
    angles = lorentz.exterior_angle(x[:, None], y, curvature)
    assert angles.shape == (5, 5)
    assert ((angles >= 0) & (angles <= math.pi + 1e-6)).all()
    apertures = lorentz.half_aperture(x, curvature)
    assert ((apertures > 0) & (apertures <= math.pi / 2 + 1e-6)).all()
    # The order by inner products is that of negative distances.
    order = lorentz.pairwise_inner(x.double(), y.double(), curvature).argsort(dim=1)
    exact = lorentz.pairwise_distance(x.double(), y.double(), curvature)
    assert torch.equal(order, (-exact).argsort(dim=1))


def test_small_curvature_approaches_euclid():
    x, y, origin = *vectors(1, 2, 6, 8), torch.zeros(8, dtype=torch.float64)
    expected: dict[str, torch.Tensor] = {
        "radius": x.norm(dim=-1),
        "distance": (x - y).norm(dim=-1),
        "angle": sphere.exterior_angle(x, y, origin),
        "lifted": x,
        "mean": x.mean(dim=-2),
    }

    def errors(curvature: float) -> dict[str, float]:
        found = {
            "radius": lorentz.radius(x, curvature),
            "distance": lorentz.distance(x, y, curvature),
            "angle": lorentz.exterior_angle(x, y, curvature),
            "lifted": lorentz.exp_map0(x, curvature),
            "mean": lorentz.mean(x, curvature),
        }
        return {key: (found[key] - expected[key]).abs().max().item() for key in expected}

    coarse, fine = errors(1e-2), errors(1e-4)
    for name in expected:
        assert 0 < fine[name] < 1e-3, name
        # The difference is proportional to the curvature.
        assert fine[name] == pytest.approx(coarse[name] / 100, rel=0.1), name


def test_half_aperture():
    curvature = 4.0
    points = torch.tensor([[0.0, 0.0], [0.05, 0.0], [0.0, 0.2]], dtype=torch.float64)
    expected = torch.tensor([math.pi / 2, math.pi / 2, math.asin(0.5)], dtype=torch.float64)
    torch.testing.assert_close(lorentz.half_aperture(points, curvature), expected)


FUNCTIONS: dict[str, Callable[..., torch.Tensor]] = {
    "exp_map0": lambda x, y, c: lorentz.exp_map0(x, c),
    "log_map0": lambda x, y, c: lorentz.log_map0(x, c),
    "radius": lambda x, y, c: lorentz.radius(x, c),
    "distance": lorentz.distance,
    "pairwise_distance": lambda x, y, c: lorentz.pairwise_distance(x[None], y[None], c),
    "exterior_angle": lorentz.exterior_angle,
    "half_aperture": lambda x, y, c: lorentz.half_aperture(x, c),
}
CASES = {
    "apart": lambda x, y: (x, y),
    "parent at the vertex": lambda x, y: (0 * x, y),
    "child at the vertex": lambda x, y: (x, 0 * x),
    "one point": lambda x, y: (x, x.clone()),
    "all at the vertex": lambda x, y: (0 * x, 0 * x),
    "rounding apart": lambda x, y: (x, x * (1 + torch.finfo(x.dtype).eps)),
    "one line": lambda x, y: (x, 1.5 * x),
    "across the vertex": lambda x, y: (x, -x),
    "far": lambda x, y: (1e3 * x, 1e3 * y),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_values_and_gradients_are_finite_everywhere(dtype, case, function):
    for seed in range(3):
        pair = CASES[case](*vectors(seed, 2, 6, dtype=dtype))
        x, y = (each.clone().requires_grad_() for each in pair)
        log_curvature = torch.tensor(0.3, dtype=dtype, requires_grad=True)
        value = FUNCTIONS[function](x, y, log_curvature.exp())
        value.sum().backward()
        assert value.isfinite().all()
        for leaf in (x, y, log_curvature):
            assert leaf.grad is None or leaf.grad.isfinite().all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", ["parent at the vertex", "one point", "all at the vertex"])
def test_an_angle_of_no_triangle_is_zero_without_gradient(dtype: torch.dtype, case: str):
    x, y = (each.clone().requires_grad_() for each in CASES[case](*vectors(0, 2, 6, dtype=dtype)))
    angle = lorentz.exterior_angle(x, y, 1.0)
    angle.backward()
    assert angle.item() == 0
    assert x.grad is not None
    assert torch.count_nonzero(x.grad) == 0


def test_gradients_equal_finite_differences():
    x, y = (each.clone().requires_grad_() for each in vectors(3, 2, 6))
    curvature = torch.tensor(0.8, dtype=torch.float64, requires_grad=True)
    for function in FUNCTIONS.values():
        assert torch.autograd.gradcheck(function, (x, y, curvature))


def test_features_too_long_to_lift_keep_their_direction():
    vector = torch.tensor([300.0, 400.0])
    point = lorentz.exp_map0(vector, 1.0)
    assert point.isfinite().all()
    torch.testing.assert_close(point / point.norm(), vector / 500)
    assert lorentz.radius(point, 1.0).item() == pytest.approx(11, rel=1e-5)
