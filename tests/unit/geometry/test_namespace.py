"""Geometry is one formula for numpy and torch: the same numbers, and numpy needs no torch."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hierarcaps.geometry import lorentz, sphere

CURVATURE = 0.7
FUNCTIONS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "sphere radius": lambda x, y, root: sphere.radius(x, root),
    "sphere angle": sphere.exterior_angle,
    "sphere aperture": lambda x, y, root: sphere.half_aperture(sphere.radius(x, root), 0.3),
    "lorentz radius": lambda x, y, root: lorentz.radius(x, CURVATURE),
    "lorentz distance": lambda x, y, root: lorentz.distance(x, y, CURVATURE),
    "lorentz inner": lambda x, y, root: lorentz.pairwise_inner(x, y, CURVATURE),
    "lorentz distances": lambda x, y, root: lorentz.pairwise_distance(x, y, CURVATURE),
    "lorentz angle": lambda x, y, root: lorentz.exterior_angle(x, y, CURVATURE),
    "lorentz aperture": lambda x, y, root: lorentz.half_aperture(x, CURVATURE),
    "lorentz lift": lambda x, y, root: lorentz.exp_map0(x, CURVATURE),
    "lorentz tangent": lambda x, y, root: lorentz.log_map0(x, CURVATURE),
    "lorentz mean": lambda x, y, root: lorentz.mean(x, CURVATURE),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-3, 1.0, 20.0]))
@settings(max_examples=25, deadline=None)
def test_numpy_and_torch_agree(name: str, seed: int, scale: float) -> None:
    draw = np.random.default_rng(seed)
    x, y = scale * draw.normal(size=(2, 6, 5))
    root = draw.normal(size=5)
    # The places where masks decide: the vertex, the root, and a child that is its parent.
    x[0], x[1], y[2] = 0, root, x[2]
    of_numpy = FUNCTIONS[name](x, y, root)
    of_torch = FUNCTIONS[name](*map(torch.from_numpy, (x, y, root)))
    assert isinstance(of_numpy, np.ndarray)
    # The distance of equal points is the square root of what is left of inner products of 10^4.
    np.testing.assert_allclose(of_numpy, of_torch.numpy(), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_numpy_keeps_the_precision(name: str, dtype: str) -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 4, 3)).astype(dtype)
    assert FUNCTIONS[name](x, y, x[0]).dtype == dtype


def test_geometry_of_arrays_needs_no_torch() -> None:
    code = (
        "import sys, numpy as np; from hierarcaps.geometry.spaces import Lorentz, Sphere\n"
        "x = np.eye(3, dtype=np.float32)\n"
        "for each in (Sphere(), Lorentz(1.0)):\n"
        "    each.radii(x, x[0]), each.exterior_angles(x, x[::-1], x[0]), each.mean(x[:, None])\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
