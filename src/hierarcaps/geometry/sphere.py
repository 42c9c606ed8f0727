"""Geometry of the entailment root: radius, exterior angle, half-aperture.

Pure functions of tensors, or of numpy arrays alike. Embeddings have unit length in their last
dimension ``D``; all other dimensions broadcast, so a single root ``(D,)`` serves a batch
``(..., D)``. The root ``r`` is the embedding of the empty string.

No angle is the ``acos`` of a clipped cosine, whose gradient is infinite where two vectors are
parallel: that is where fine-tuning drives them.
"""

import math

from hierarcaps.geometry.namespace import Array, length, namespace


def radius(embeddings: Array, root: Array) -> Array:
    """Distance to the root, ``d_r(e) = ||e - r||``: small is generic, large is specific.

    Args:
        embeddings: ``(..., D)``.
        root: ``(D,)``, or any shape that broadcasts with ``embeddings``.

    Returns:
        ``(...)``, in ``[0, 2]`` for unit vectors. The gradient is zero where ``e = r``.

    >>> import torch
    >>> radius(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), root=torch.tensor([1.0, 0.0]))
    tensor([0.0000, 1.4142])
    """
    return length(embeddings - root)


def angle_between(u: Array, v: Array) -> Array:
    """Angle between two vectors, ``2 atan2(|u^ - v^|, |u^ + v^|)`` with ``u^ = u / |u|``.

    Args:
        u: ``(..., D)``, lengths of the order of one.
        v: ``(..., D)``, likewise.

    Returns:
        ``(...)``, radians in ``[0, pi]``. Where a vector is no longer than the spacing of floating
        numbers at one, its direction is rounding noise: the angle is 0 with zero gradient.
    """
    xp = namespace(u)
    u_length, v_length = length(u)[..., None], length(v)[..., None]
    smallest = xp.finfo(u_length.dtype).eps
    defined = (u_length > smallest) & (v_length > smallest)
    # The division must be harmless in masked places too: a NaN there would survive the mask
    # in the backward pass.
    u = u / xp.where(defined, u_length, 1.0)
    v = v / xp.where(defined, v_length, 1.0)
    difference, total, defined = length(u - v), length(u + v), defined[..., 0]
    angle = 2.0 * xp.arctan2(difference, xp.where(defined, total, 1.0))
    return xp.where(defined, angle, 0.0)


def exterior_angle(parent: Array, child: Array, root: Array) -> Array:
    """Exterior angle ``Xi_r(e, e') = angle(e - r, e' - e)`` of a parent e and a child e'.

    It is small where the child continues outward from its parent as seen from the root, which is
    how "e' entails e" looks in the embedding space.

    Args:
        parent: ``(..., D)``, the more general text e.
        child: ``(..., D)``, its supposed continuation e'.
        root: ``(D,)``, or any shape that broadcasts.

    Returns:
        ``(...)``, radians in ``[0, pi]``; 0 with zero gradient where ``e = r`` or ``e' = e``.

    >>> import torch
    >>> root, parent = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    >>> exterior_angle(parent, child=torch.tensor([-1.0, 0.0]), root=root)
    tensor(1.5708)
    """
    return angle_between(parent - root, child - parent)


def half_aperture(radius: Array, eps: float) -> Array:
    """Half-aperture of the entailment cone at a distance from the root, ``sin theta = eps / d``.

    Args:
        radius: ``(...)``, distances ``d >= 0`` to the root.
        eps: cone constant, ``> 0``, in units of the radius.

    Returns:
        ``(...)``, radians in ``(0, pi/2]``. Nearer to the root than ``eps`` no cone exists; the
        half-aperture is ``pi/2`` there, with zero gradient.
    """
    # Compared as a quotient: eps / d may round to 1, where asin has an infinite slope.
    xp = namespace(radius)
    sine = eps / xp.clip(radius, xp.finfo(radius.dtype).tiny, None)
    defined = sine < 1.0
    return xp.where(defined, xp.arcsin(xp.where(defined, sine, 0.0)), math.pi / 2)
