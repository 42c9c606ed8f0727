"""Embedding files: exact round trip, stable bytes, and broken files named."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from hierarcaps.models.embeddings import Embeddings, read_embeddings, write_embeddings
from hierarcaps.runtime.errors import InputError


@pytest.fixture
def embeddings() -> Embeddings:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(6, 8)).astype(np.float32)
    provenance = {"open_clip": "ViT-B-32", "parameters": 3}
    return Embeddings(
        vectors[:2], vectors[2:5], vectors[5], ("b.png", "a.png"), ("a", "b => c", "ü"), provenance
    )


def test_round_trip_is_exact_and_bytes_are_stable(tmp_path: Path, embeddings: Embeddings):
    for name in ("first.safetensors", "second.safetensors"):
        write_embeddings(tmp_path / name, embeddings)
    assert (tmp_path / "first.safetensors").read_bytes() == (
        tmp_path / "second.safetensors"
    ).read_bytes()
    back = read_embeddings(tmp_path / "first.safetensors")
    for name in ("images", "texts", "root"):
        np.testing.assert_array_equal(getattr(back, name), getattr(embeddings, name))
    assert (back.names, back.strings) == (embeddings.names, embeddings.strings)
    assert back.provenance == embeddings.provenance


def test_vectors_are_mapped_and_outlive_a_file_that_is_written_again(tmp_path, embeddings):
    path = tmp_path / "e.safetensors"
    write_embeddings(path, embeddings)
    back = read_embeddings(path)
    assert not back.images.flags.owndata
    assert not back.texts.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        back.texts[0] = 0
    write_embeddings(path, replace(embeddings, texts=embeddings.texts + 1))
    np.testing.assert_array_equal(back.texts, embeddings.texts)


def test_numbers_of_another_type_are_refused(tmp_path, embeddings):
    path = tmp_path / "e.safetensors"
    write_embeddings(path, embeddings)
    with safe_open(path, framework="numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    save_file({**tensors, "texts": tensors["texts"].astype(np.float16)}, path, metadata)
    with pytest.raises(InputError, match="numbers of type F16, expected F32"):
        read_embeddings(path)


def test_others_may_read_the_file(tmp_path: Path, embeddings: Embeddings):
    path = tmp_path / "e.safetensors"
    write_embeddings(path, embeddings)
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_rows_by_name(embeddings: Embeddings):
    np.testing.assert_array_equal(embeddings.image_rows(["a.png", "b.png", "a.png"]), [1, 0, 1])
    np.testing.assert_array_equal(embeddings.text_rows(["ü", "a"]), [2, 0])
    with pytest.raises(InputError, match="caption 'd' has no embedding"):
        embeddings.text_rows(["a", "d"])


def test_broken_files_are_named(tmp_path: Path, embeddings: Embeddings):
    path = tmp_path / "e.safetensors"
    with pytest.raises(InputError, match="no such file"):
        read_embeddings(path)
    write_embeddings(path, embeddings)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match="not a whole file of embeddings"):
        read_embeddings(path)
    save_file({"images": embeddings.images}, path)
    with pytest.raises(InputError, match="not a whole file of embeddings"):
        read_embeddings(path)


def test_shapes_that_contradict_the_names(tmp_path: Path, embeddings: Embeddings):
    path = tmp_path / "e.safetensors"
    write_embeddings(path, embeddings)
    wrong = Embeddings(
        embeddings.images[:1],
        embeddings.texts,
        embeddings.root,
        embeddings.names,
        embeddings.strings,
        {},
    )
    write_embeddings(path, wrong)
    with pytest.raises(InputError, match=r"found images of shape \(1, 8\)"):
        read_embeddings(path)


def test_reading_needs_no_torch():
    code = "import sys, hierarcaps.models.embeddings as e; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
