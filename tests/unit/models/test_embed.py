"""Embedding a test set: order, de-duplication, and failures before work is spent."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from small_memory import small_memory

from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.data.image_sets import ImageSet
from hierarcaps.data.images import open_images
from hierarcaps.models.embed import (
    _encoded_on_gpu,
    embed_images,
    embed_test_set,
    embed_texts,
)
from hierarcaps.models.embedding_needs import EmbeddingNeeds
from hierarcaps.models.embeddings import read_embeddings
from hierarcaps.models.open_clip_family.encoder import OpenClipEncoder
from hierarcaps.runtime.errors import InputError

TEXTS = ["a goat on an island", "animal", "a goat", "", "A  GOAT", "animal", "goat on a hill"]
NAMES = ["3.png", "0.png", "4.png", "1.png", "2.png"]


@pytest.fixture
def store(tmp_path: Path):
    rng = np.random.default_rng(0)
    images = []
    for _ in range(5):
        buffer = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)).save(buffer, "PNG")
        images.append(buffer.getvalue())
    names = [f"{number}.png" for number in range(5)]
    pq.write_table(pa.table({"name": names, "image": images}), tmp_path / "images.parquet")
    return open_images(tmp_path / "images.parquet")


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_each_text_gets_its_own_embedding(tiny_encoder: OpenClipEncoder, batch_size: int):
    vectors = embed_texts(tiny_encoder, TEXTS, batch_size)
    assert vectors.dtype == np.float32
    with torch.inference_mode():
        for text, vector in zip(TEXTS, vectors, strict=True):
            alone = tiny_encoder.encode_text(tiny_encoder.tokenise([text]))[0].numpy()
            np.testing.assert_allclose(vector, alone, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_equal_tokens_give_exactly_equal_embeddings(tiny_encoder: OpenClipEncoder):
    vectors = embed_texts(tiny_encoder, TEXTS, batch_size=2)
    np.testing.assert_array_equal(vectors[1], vectors[5])
    np.testing.assert_array_equal(vectors[2], vectors[4])


def test_duplicates_are_encoded_once_and_short_texts_apart(
    tiny_encoder: OpenClipEncoder, monkeypatch: pytest.MonkeyPatch
):
    lengths = []

    def encode_text(tokens: torch.Tensor) -> torch.Tensor:
        lengths.append(tiny_encoder.token_lengths(tokens).tolist())
        return torch.nn.functional.one_hot(torch.arange(len(tokens)), 16).float()

    monkeypatch.setattr(tiny_encoder, "encode_text", encode_text)
    embed_texts(tiny_encoder, TEXTS, batch_size=2)
    assert sorted(lengths) == [[2, 3], [4, 6], [7]]


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_images_in_order(tiny_encoder: OpenClipEncoder, store, batch_size: int):
    vectors = embed_images(tiny_encoder, store, NAMES, batch_size)
    with torch.inference_mode():
        for name, vector in zip(NAMES, vectors, strict=True):
            pixels = tiny_encoder.preprocess(store[name])[None]
            alone = tiny_encoder.encode_image(pixels)[0].numpy()
            np.testing.assert_allclose(vector, alone, atol=1e-6)


def test_towers_on_a_cpu_get_channels_last(tiny_encoder: OpenClipEncoder, store, monkeypatch):
    encode, orders = tiny_encoder.encode_image, set()

    def watched(pixels: torch.Tensor) -> torch.Tensor:
        orders.add(pixels.is_contiguous(memory_format=torch.channels_last))
        return encode(pixels)

    monkeypatch.setattr(tiny_encoder, "encode_image", watched)
    embed_images(tiny_encoder, store, NAMES, 3)
    assert orders == {True}


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_memory_too_small_halves_the_batch_and_says_so(
    tiny_encoder: OpenClipEncoder, store, monkeypatch: pytest.MonkeyPatch, capsys, most: int
):
    texts, images = embed_texts(tiny_encoder, TEXTS, 5), embed_images(tiny_encoder, store, NAMES, 5)
    for name in ("encode_text", "encode_image"):
        monkeypatch.setattr(tiny_encoder, name, small_memory(getattr(tiny_encoder, name), most))
    np.testing.assert_allclose(embed_texts(tiny_encoder, TEXTS, 5), texts, atol=1e-6)
    np.testing.assert_allclose(embed_images(tiny_encoder, store, NAMES, 5), images, atol=1e-6)
    said = [line for line in capsys.readouterr().err.splitlines() if "memory" in line]
    assert said == [
        f"embedding {kind}: memory does not hold 5 at once, goes on with {most}"
        for kind in ("texts", "images")
    ]


def test_a_memory_that_holds_not_one_is_a_sentence(
    tiny_encoder: OpenClipEncoder, store, monkeypatch: pytest.MonkeyPatch
):
    for name in ("encode_text", "encode_image"):
        monkeypatch.setattr(tiny_encoder, name, small_memory(getattr(tiny_encoder, name), 0))
    with pytest.raises(InputError, match="embedding texts: memory does not hold a batch of one"):
        embed_texts(tiny_encoder, TEXTS, 5)
    with pytest.raises(InputError, match="embedding images: memory does not hold a batch of one"):
        embed_images(tiny_encoder, store, NAMES, 5)


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_a_gpu_encodes_what_threads_decode(tiny_encoder, store, batch_size: int):
    """Its path, on a CPU: the encoder alone says which device it is."""
    batches = [NAMES[start : start + batch_size] for start in range(0, len(NAMES), batch_size)]
    found = torch.cat(list(_encoded_on_gpu(tiny_encoder, store, batches, 2))).numpy()
    np.testing.assert_allclose(found, embed_images(tiny_encoder, store, NAMES, 3), atol=1e-6)


def test_a_broken_picture_is_named_and_the_rest_is_left(tiny_encoder, tmp_path: Path):
    for name in NAMES:
        Image.new("RGB", (20, 20), "teal").save(tmp_path / name)
    (tmp_path / "4.png").write_bytes((tmp_path / "4.png").read_bytes()[:40])
    broken = open_images(tmp_path)
    with pytest.raises(InputError, match=r"4\.png"):
        embed_images(tiny_encoder, broken, NAMES, 2)
    with pytest.raises(InputError, match=r"4\.png"):
        list(_encoded_on_gpu(tiny_encoder, broken, [NAMES], 2))


def test_absent_image_is_found_before_any_is_encoded(
    tiny_encoder: OpenClipEncoder, store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tiny_encoder, "encode_image", lambda images: pytest.fail("encoded"))
    with pytest.raises(InputError, match=r"no image named '9\.png'"):
        embed_images(tiny_encoder, store, ["0.png", "9.png"], batch_size=1)


def test_embeddings_that_are_not_numbers_are_refused(
    tiny_encoder: OpenClipEncoder, store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(
        tiny_encoder, "encode_image", lambda images: torch.full((len(images), 16), torch.nan)
    )
    with pytest.raises(InputError, match=r"embedding of '0\.png' is not finite"):
        embed_images(tiny_encoder, store, ["0.png"], batch_size=1)


def test_test_set_file(tiny_encoder: OpenClipEncoder, store, tmp_path: Path):
    items = [
        CaptionHierarchy("0", ("animal", "a goat", "goat on a hill", "goat, hill, sun"), "1.png"),
        CaptionHierarchy("1", ("animal", "a cow", "cow on a hill", "cow, hill, sun"), "0.png"),
    ]
    for name in ("first", "second"):
        embed_test_set(tiny_encoder, items, store, tmp_path / name, batch_size=3)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    embeddings = read_embeddings(tmp_path / "first")
    assert embeddings.names == ("0.png", "1.png")
    assert embeddings.strings == tuple(sorted({tier for item in items for tier in item.tiers}))
    root = embed_texts(tiny_encoder, [""], 1)[0]
    np.testing.assert_allclose(embeddings.root, root, atol=1e-6)
    goat = embed_texts(tiny_encoder, ["a goat"], 1)[0]
    row = embeddings.text_rows(["a goat"])[0]
    np.testing.assert_allclose(embeddings.texts[row], goat, atol=1e-6)
    assert embeddings.provenance["weights_sha256"]


def test_items_need_images(tiny_encoder: OpenClipEncoder, store, tmp_path: Path):
    item = CaptionHierarchy("7", ("a", "b", "c", "d"))
    with pytest.raises(InputError, match="item '7' has no image"):
        embed_test_set(tiny_encoder, [item], store, tmp_path / "e.safetensors")
    assert not (tmp_path / "e.safetensors").exists()


def test_needs_of_tasks_are_embedded_beside_the_test_set(
    tiny_encoder: OpenClipEncoder, store, tmp_path: Path
):
    items = [CaptionHierarchy("0", ("animal", "a goat", "goat on a hill", "goat, sun"), "1.png")]
    (tmp_path / "zoo").mkdir()
    Image.new("RGB", (20, 20), "teal").save(tmp_path / "zoo" / "cow.png")
    needs = EmbeddingNeeds(
        ("a cow", "animal"), (ImageSet("zoo", str(tmp_path / "zoo"), ("cow.png",)),)
    )
    embed_test_set(tiny_encoder, items, store, tmp_path / "file", needs=needs)
    embeddings = read_embeddings(tmp_path / "file")
    assert embeddings.names == ("1.png", "zoo/cow.png")
    assert embeddings.strings == tuple(sorted({*items[0].tiers, "a cow"}))
    alone = embed_images(tiny_encoder, needs.images(), ["zoo/cow.png"], 1)[0]
    np.testing.assert_allclose(embeddings.images[1], alone, atol=1e-6)
