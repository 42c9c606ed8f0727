from dataclasses import replace

import numpy as np
import pytest

from hierarcaps.evaluation.tasks.ordering import Ordering
from hierarcaps.evaluation.tasks.roots import ROOTS, RootAblation
from hierarcaps.geometry.spaces import Lorentz, Sphere


def test_the_empty_string_is_the_root_of_every_other_task(items, ideal):
    table = RootAblation(50).items(items, ideal)
    ordering = Ordering().items(items, ideal)
    np.testing.assert_array_equal(table["tau_d_empty"], ordering["tau"])
    # From the centre of the sphere all texts are equally far.
    assert (table["tau_d_origin"] == 0).all()
    assert (table["recall_origin"] <= 0.25).all()
    assert table["recall_empty"].mean() > table["recall_origin"].mean()
    assert np.isfinite(table[[f"precision_{root}" for root in ROOTS]]).all(axis=None)


@pytest.mark.parametrize("geometry", [Lorentz(1.0), Sphere("mean")], ids=repr)
def test_other_roots_are_asked_only_of_what_is_measured_from_the_empty_string(
    items, ideal, geometry
):
    table = RootAblation(50).items(items, replace(ideal, geometry=geometry))
    assert table.drop(columns=["item_id", "unit"]).isna().all(axis=None)
