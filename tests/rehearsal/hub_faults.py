"""Requests that a server keeps, and what it lets go wrong with them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Fault:
    """What goes wrong with the first ``times`` requests whose path matches (a pattern of shells).

    Attributes:
        path: e.g. ``*/model.safetensors``.
        times: of how many requests.
        status: answer this, and nothing else.
        headers: beside it, e.g. ``Retry-After``.
        cut_after: hang up after so many bytes of the content.
        flip: change the first byte of the content.
        wait: seconds before the answer.
    """

    path: str
    times: int = 1
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    flip: bool = False
    wait: float = 0.0


@dataclass(frozen=True)
class Asked:
    """A request that came: its ``path`` without the query, and ``headers`` in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]
