"""The loss terms are the reference implementation's, on vectors for which it says what they are."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from hierarcaps.alignment.objective import TERMS, AlignmentLoss, TextBatch
from hierarcaps.alignment.settings import AlignmentSettings


def test_all_terms_are_those_of_the_reference(real_data):
    folder = real_data / "reference_losses"
    expected = json.loads((folder / "reference_losses.json").read_text())
    with np.load(folder / "reference_losses.npz") as file:
        vectors = {name: F.normalize(torch.from_numpy(file[name]), dim=-1) for name in file.files}
    texts = torch.cat([vectors["positives"], vectors["negatives"]], dim=1)
    original = torch.cat([vectors["original_positives"], vectors["original_negatives"]], dim=1)
    batch = TextBatch.from_texts(texts, 4, vectors["root"])
    terms = AlignmentLoss(AlignmentSettings("re"))(batch, texts, original)
    for name, value in zip(TERMS, terms.tolist(), strict=True):
        assert value == pytest.approx(expected[name], rel=0, abs=1e-9), name
