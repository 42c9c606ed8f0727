"""Hyperbolic geometry on the hyperboloid (the Lorentz model), as MERU uses it.

Pure functions of tensors, or of numpy arrays alike. A point of the hyperboloid
``-t^2 + |x|^2 = -1/c`` is given by its space components ``x``, of length ``D`` in the last
dimension; its time component is ``t = sqrt(1/c + |x|^2)``, so every ``x`` is a point. ``curvature``
is ``c > 0``, the hyperboloid's being ``-c``. The root is the vertex, ``x = 0``: the most general
place. As ``c`` goes to 0, all that is here goes to its counterpart of Euclidean space.

Equations: Desai et al., "Hyperbolic Image-Text Representations" (2023), and Le et al. (2019) for
the cones. They are evaluated in forms without the differences of nearly equal numbers, and without
the ``acos`` and ``acosh`` of a clipped argument, whose gradients are infinite or lost where points
meet: distances by ``asinh``, angles by ``atan2``.
"""

from typing import Any

from hierarcaps.geometry import sphere
from hierarcaps.geometry.namespace import Array, length, namespace

Curvature = Any  # a number, or a scalar tensor

MIN_RADIUS = 0.1
"""MERU's constant K of the entailment cones, in units of ``1 / sqrt(c)``."""
# sinh of more would leave no digits to the time component of single precision.
_LARGEST_ANGLE = 11.0


def exp_map0(vectors: Array, curvature: Curvature) -> Array:
    """Lift tangent vectors at the vertex to the hyperboloid, ``x = sinh(s) v / s``.

    ``s = sqrt(c) |v|``, cut off at 11 (where ``|x|`` is 30,000 ``/ sqrt(c)``).

    Args:
        vectors: ``(..., D)``, finite.
        curvature: ``c``, a number or a scalar tensor.

    Returns:
        ``(..., D)``, the space components.
    """
    xp = namespace(vectors)
    angle = _root(curvature) * length(vectors)[..., None]
    # Near the vertex sinh(s) / s is 1 + s^2 / 6 to all digits; the quotient would be 0 / 0 there.
    small = angle < _smallest(angle) ** 0.25
    safe = xp.where(small, 1.0, angle)
    lifted = xp.sinh(xp.clip(safe, None, _LARGEST_ANGLE)) / safe
    factor = xp.where(small, 1 + angle**2 / 6, lifted)
    return factor * vectors


def log_map0(points: Array, curvature: Curvature) -> Array:
    """Return the tangent vectors at the vertex of points: the inverse of :func:`exp_map0`.

    Args:
        points: ``(..., D)``.
        curvature: ``c``.

    Returns:
        ``(..., D)``; their lengths are the distances to the vertex.
    """
    xp = namespace(points)
    angle = _root(curvature) * length(points)[..., None]
    small = angle < _smallest(angle) ** 0.25
    safe = xp.where(small, 1.0, angle)
    return xp.where(small, 1 - angle**2 / 6, xp.arcsinh(safe) / safe) * points


def radius(points: Array, curvature: Curvature) -> Array:
    """Distance to the vertex, ``asinh(sqrt(c) |x|) / sqrt(c)``: small is generic.

    Args:
        points: ``(..., D)``.
        curvature: ``c``.

    Returns:
        ``(...)``, >= 0. The gradient is zero at the vertex.
    """
    root = _root(curvature)
    return namespace(points).arcsinh(root * length(points)) / root


def distance(first: Array, second: Array, curvature: Curvature) -> Array:
    """Length of the geodesic between two points, ``2 asinh(sqrt(c) q / 2) / sqrt(c)``.

    ``q^2 = |x - y|^2 - (t_x - t_y)^2`` is the squared Lorentzian length of the chord.

    Args:
        first: ``(..., D)``.
        second: ``(..., D)``, or any shape that broadcasts.
        curvature: ``c``.

    Returns:
        ``(...)``, >= 0; 0 with zero gradient where both are one point.
    """
    root = _root(curvature)
    chord = first - second
    rise = (chord * (first + second)).sum(-1)
    rise = rise / (_time(first, curvature) + _time(second, curvature)) * root
    squared = (chord * chord).sum(-1) - rise**2
    return 2 * namespace(first).arcsinh(root * _square_root(squared) / 2) / root


def pairwise_inner(first: Array, second: Array, curvature: Curvature) -> Array:
    """Lorentzian inner products ``<x, y> = x . y - t_x t_y`` of all pairs.

    Higher is nearer: ``-c <x, y> = cosh(sqrt(c) d(x, y))``. It is what MERU ranks by.

    Args:
        first: ``(N, D)``.
        second: ``(M, D)``.
        curvature: ``c``.

    Returns:
        ``(N, M)``, at most ``-1/c`` up to rounding.
    """
    times = _time(first, curvature)[:, None] * _time(second, curvature)
    return first @ second.T - times / curvature


def pairwise_distance(first: Array, second: Array, curvature: Curvature) -> Array:
    """Distances of all pairs, cheap enough to train with: one matrix product.

    Unlike :func:`distance` this does not resolve points nearer to each other than the square root
    of the spacing of numbers: they are at distance 0, with zero gradient.

    Args:
        first: ``(N, D)``.
        second: ``(M, D)``.
        curvature: ``c``.

    Returns:
        ``(N, M)``, >= 0.
    """
    excess = -curvature * pairwise_inner(first, second, curvature) - 1
    # cosh(s) - 1 = 2 sinh(s / 2)^2; what is no larger than the spacing of numbers at 1 is rounding.
    xp = namespace(excess)
    half = _square_root(xp.where(excess > _smallest(excess), excess / 2, 0.0))
    return 2 * xp.arcsinh(half) / _root(curvature)


def exterior_angle(parent: Array, child: Array, curvature: Curvature) -> Array:
    """Exterior angle at a parent x of the triangle of the vertex, x and its child y.

    The angle at x between the geodesic from the vertex, continued, and the geodesic to y: small
    where the child continues outward from its parent. With ``y`` split into ``y_1`` along ``x`` and
    ``y_2`` across it, both directions in the tangent space at ``x`` give
    ``atan2(|y_2|, sqrt(c) (t_x y_1 - |x| t_y))``.

    Args:
        parent: ``(..., D)``, the more general text.
        child: ``(..., D)``, or any shape that broadcasts.
        curvature: ``c``.

    Returns:
        ``(...)``, radians in ``[0, pi]``; 0 with zero gradient where the parent is the vertex or
        the child its parent.
    """
    xp = namespace(parent)
    norm, step = length(parent), child - parent
    smallest = _smallest(norm)
    defined = (norm > smallest) & (length(step) > smallest)
    # Harmless numbers in masked places: a NaN there would survive the mask in the backward pass.
    safe = xp.where(defined, norm, 1.0)
    outward = parent / safe[..., None]
    rise = (outward * step).sum(-1)
    across = length(step - rise[..., None] * outward)
    ahead = _ahead(safe, rise, across, _time(parent, curvature), _time(child, curvature), curvature)
    angle = xp.arctan2(xp.where(defined, across, 0.0), xp.where(defined, ahead, 1.0))
    return xp.where(defined, angle, 0.0)


def _ahead(
    norm: Array,
    rise: Array,
    across: Array,
    parent_time: Array,
    child_time: Array,
    curvature: Curvature,
) -> Array:
    """Return ``sqrt(c) (t_x y_1 - |x| t_y)``, ``(...)``, ``y_1 = |x| + rise``."""
    xp = namespace(norm)
    along = norm + rise
    first, second = parent_time * along, norm * child_time
    # Where both terms are positive they cancel, but the difference of their squares is known:
    # c (t_x y_1)^2 - c (|x| t_y)^2 = (y_1 - |x|)(y_1 + |x|) - c |x|^2 |y_2|^2.
    squares = rise * (along + norm) - curvature * norm**2 * across**2
    forward = along > 0
    quotient = squares / xp.where(forward, first + second, 1.0)
    return xp.where(forward, quotient, first - second)


def half_aperture(points: Array, curvature: Curvature, min_radius: float = MIN_RADIUS) -> Array:
    """Half-aperture of a point's entailment cone, ``asin(2 K / (sqrt(c) |x|))``.

    Args:
        points: ``(..., D)``.
        curvature: ``c``.
        min_radius: K > 0.

    Returns:
        ``(...)``, radians in ``(0, pi/2]``: nearer to the vertex than ``2 K / sqrt(c)`` no cone
        exists, and the value is ``pi/2`` with zero gradient.
    """
    return sphere.half_aperture(_root(curvature) * length(points), 2 * min_radius)


def mean(points: Array, curvature: Curvature) -> Array:
    """Mean of points in the tangent space at the vertex, lifted again (MERU's prompt ensembles).

    Args:
        points: ``(..., K, D)``.
        curvature: ``c``.

    Returns:
        ``(..., D)``.
    """
    # The checker takes the mean of either kind for torch's.
    return exp_map0(log_map0(points, curvature).mean(-2), curvature)  # pyrefly: ignore[bad-return]


def _time(points: Array, curvature: Curvature) -> Array:
    """Return ``sqrt(c) t``, ``(...)``, at least 1."""
    return namespace(points).sqrt(1 + curvature * (points * points).sum(-1))


def _root(curvature: Curvature) -> Curvature:
    return curvature**0.5


def _smallest(like: Array) -> float:
    return float(namespace(like).finfo(like.dtype).eps)


def _square_root(squared: Array) -> Array:
    """Return the square root; 0 with zero gradient where rounding left nothing above zero."""
    xp = namespace(squared)
    defined = squared > 0
    return xp.where(defined, xp.sqrt(xp.where(defined, squared, 1.0)), 0.0)
