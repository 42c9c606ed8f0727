"""RE alignment of an encoder with really pre-trained towers, on the official test set.

The effects of the paper must show on real weights, within bounds that leave room for the order of
items and for kernels; the numbers are no results of the paper's models. A quarter of an hour on two
cores: ``make test-long``, not part of ``make test-reproducibility``.
"""

from pathlib import Path

import pytest

from hierarcaps.alignment.run import align_model
from hierarcaps.data.hierarchy import read_hierarchies
from hierarcaps.data.images import open_images
from hierarcaps.evaluation.results import interval_of
from hierarcaps.evaluation.tasks.lexical import hyperlex
from hierarcaps.evaluation.tasks.ordering import Ordering
from hierarcaps.evaluation.tasks.protocol import Task
from hierarcaps.evaluation.tasks.retrieval import Retrieval
from hierarcaps.models.embed import embed_test_set
from hierarcaps.models.embedding_needs import EmbeddingNeeds
from hierarcaps.models.embeddings import read_embeddings
from hierarcaps.models.registry import load_model
from hierarcaps.runtime.torch_setup import choose_device

RECIPE = {"objective": "re", "learning_rate": 1e-6, "max_steps": 1000, "validate_every": 1000}
RETRIEVAL = ("image_to_text_r1", "text_to_image_r1")


def measured(model: Path, data: Path, path: Path) -> dict[str, float]:
    """Return the metrics of three tasks on the official items, by name."""
    items = read_hierarchies(data / "hierarcaps" / "hierarcaps_test.csv")
    lexical = hyperlex(str(data / "hyperlex" / "hyperlex-all.txt"), "{}")
    needs = EmbeddingNeeds(tuple(sorted(set(lexical.strings(items)))))
    encoder = load_model({"open_clip": str(model)}, 0, choose_device("cpu"))
    embed_test_set(encoder, items, open_images(data / "hierarcaps" / "test_imgs"), path, 64, needs)
    embeddings, found = read_embeddings(path), {}
    tasks: tuple[Task, ...] = (Ordering(), Retrieval(), lexical)
    for task in tasks:
        table = task.items(items, embeddings)
        for name, values in task.values(table).items():
            few = {"seed": 0, "resamples": 1}  # no interval is asked for
            found[name] = interval_of(values, few, table["unit"]).value
    return found


@pytest.mark.long
def test_re_alignment_shows_on_real_weights(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, texts = real_data / "real_encoder", real_data / "hierarcaps"
    if not model.is_dir():
        pytest.skip(f"no real encoder in {real_data}")
    monkeypatch.chdir(tmp_path)
    align_model(
        {"open_clip": str(model)}, RECIPE, 0,
        training_path=texts / "hierarcaps_test_expanded.csv.gz", # less the rows of test images
        validation_path=texts / "train100.tsv",
        images_path=None,
        left_out_path=texts / "hierarcaps_test.csv",
        folder=tmp_path / "aligned",
    )  # fmt: skip
    before = measured(model, real_data, tmp_path / "before.safetensors")
    after = measured(tmp_path / "aligned", real_data, tmp_path / "after.safetensors")
    print({name: (before[name], after[name]) for name in ("tau_d", "spearman_all", *RETRIEVAL)})
    assert before["tau_d"] == pytest.approx(0.82, abs=0.01)
    assert after["tau_d"] >= 0.92
    assert after["spearman_all"] >= 0.38 > before["spearman_all"]
    for name in RETRIEVAL:
        assert after[name] >= before[name] - 0.02, name
