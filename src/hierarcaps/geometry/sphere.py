"""Geometry of the entailment root: radius, exterior angle, half-aperture.

Pure functions of tensors. Embeddings have unit length in their last dimension ``D``; all other
dimensions broadcast, so a single root ``(D,)`` serves a batch ``(..., D)``. The root ``r`` is the
embedding of the empty string.

No angle is the ``acos`` of a clipped cosine, whose gradient is infinite where two vectors are
parallel: that is where fine-tuning drives them.
"""

import math

import torch
from torch import Tensor


def radius(embeddings: Tensor, root: Tensor) -> Tensor:
    """Distance to the root, ``d_r(e) = ||e - r||``: small is generic, large is specific.

    Args:
        embeddings: ``(..., D)``.
        root: ``(D,)``, or any shape that broadcasts with ``embeddings``.

    Returns:
        ``(...)``, in ``[0, 2]`` for unit vectors. The gradient is zero where ``e = r``.

    >>> radius(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), root=torch.tensor([1.0, 0.0]))
    tensor([0.0000, 1.4142])
    """
    return torch.linalg.vector_norm(embeddings - root, dim=-1)


def angle_between(u: Tensor, v: Tensor) -> Tensor:
    """Angle between two vectors, ``2 atan2(|u^ - v^|, |u^ + v^|)`` with ``u^ = u / |u|``.

    Args:
        u: ``(..., D)``, lengths of the order of one.
        v: ``(..., D)``, likewise.

    Returns:
        ``(...)``, radians in ``[0, pi]``. Where a vector is no longer than the spacing of floating
        numbers at one, its direction is rounding noise: the angle is 0 with zero gradient.
    """
    u_length = torch.linalg.vector_norm(u, dim=-1, keepdim=True)
    v_length = torch.linalg.vector_norm(v, dim=-1, keepdim=True)
    smallest = torch.finfo(u_length.dtype).eps
    defined = (u_length > smallest) & (v_length > smallest)
    # The division must be harmless in masked places too: a NaN there would survive the mask
    # in the backward pass.
    u = u / torch.where(defined, u_length, 1.0)
    v = v / torch.where(defined, v_length, 1.0)
    difference = torch.linalg.vector_norm(u - v, dim=-1)
    total = torch.linalg.vector_norm(u + v, dim=-1)
    defined = defined.squeeze(-1)
    angle = 2.0 * torch.atan2(difference, torch.where(defined, total, 1.0))
    return torch.where(defined, angle, 0.0)


def exterior_angle(parent: Tensor, child: Tensor, root: Tensor) -> Tensor:
    """Exterior angle ``Xi_r(e, e') = angle(e - r, e' - e)`` of a parent e and a child e'.

    It is small where the child continues outward from its parent as seen from the root, which is
    how "e' entails e" looks in the embedding space.

    Args:
        parent: ``(..., D)``, the more general text e.
        child: ``(..., D)``, its supposed continuation e'.
        root: ``(D,)``, or any shape that broadcasts.

    Returns:
        ``(...)``, radians in ``[0, pi]``; 0 with zero gradient where ``e = r`` or ``e' = e``.

    >>> root, parent = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    >>> exterior_angle(parent, child=torch.tensor([-1.0, 0.0]), root=root)
    tensor(1.5708)
    """
    return angle_between(parent - root, child - parent)


def half_aperture(radius: Tensor, eps: float) -> Tensor:
    """Half-aperture of the entailment cone at a distance from the root, ``sin theta = eps / d``.

    Args:
        radius: ``(...)``, distances ``d >= 0`` to the root.
        eps: cone constant, ``> 0``, in units of the radius.

    Returns:
        ``(...)``, radians in ``(0, pi/2]``. Nearer to the root than ``eps`` no cone exists; the
        half-aperture is ``pi/2`` there, with zero gradient.
    """
    # Compared as a quotient: eps / d may round to 1, where asin has an infinite slope.
    sine = eps / radius.clamp_min(torch.finfo(radius.dtype).tiny)
    defined = sine < 1.0
    return torch.where(defined, torch.asin(torch.where(defined, sine, 0.0)), math.pi / 2)
