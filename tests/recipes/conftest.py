"""Fixtures of the recipe tests."""

import pytest
from tiny_alignment import make_encoder, make_items

from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.models.open_clip_family.encoder import OpenClipEncoder


@pytest.fixture
def encoder() -> OpenClipEncoder:
    return make_encoder()


@pytest.fixture
def items() -> list[CaptionHierarchy]:
    return make_items(24)


@pytest.fixture
def held_out() -> list[CaptionHierarchy]:
    return make_items(6, seed=1)
