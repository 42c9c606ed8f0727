"""Pre-training: the loss, reproducible checkpoints that open_clip loads, and bad input."""

import csv
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file
from tiny_clip import TINY

from hierarcaps.models.meru_family.encoder import load_meru
from hierarcaps.models.open_clip_family.encoder import encode_cropped, load_open_clip, open_clip
from hierarcaps.models.open_clip_family.packing import causal_tower
from hierarcaps.models.packing import encode_packed
from hierarcaps.pretraining.objectives import (
    MAX_LOGIT_SCALE,
    MeruObjective,
    contrastive_loss,
    make_objective,
)
from hierarcaps.pretraining.pictures import write_pixels
from hierarcaps.pretraining.run import pretrain
from hierarcaps.pretraining.scene_tensors import Vocabulary, normalise, read_scenes
from hierarcaps.runtime.errors import InputError

COLOURS = {"red": (220, 30, 30), "green": (30, 180, 60), "blue": (40, 60, 220), "white": (240,) * 3}
FILES = ("open_clip_config.json", "open_clip_model.safetensors", "curve.csv")
SETTINGS: dict[str, Any] = {
    "architecture": TINY,
    "steps": 60,
    "batch_size": 16,
    "captions": 1,
    "peak_learning_rate": 3e-3,
    "weight_decay": 0.1,
    "gradient_clip": 1.0,
    "warmup": 0.1,
}

MERU: dict[str, Any] = {"objective": "meru", "entailment_weight": 0.2}


def png(colour: tuple[int, ...], seed: int) -> bytes:
    noise = np.random.default_rng(seed).normal(0, 12, (24, 24, 3))
    buffer = io.BytesIO()
    Image.fromarray(np.clip(noise + colour, 0, 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """64 plain pictures in four colours: both splits in one file."""
    rows = []
    for number in range(64):
        name = list(COLOURS)[number % len(COLOURS)]
        tiers = ["something", "a colour", name, f"a {name} square"]
        image = png(COLOURS[name], number)
        rows.append(
            {"name": f"{number}.png", "image": image, "captions": tiers[2:], "tiers": tiers}
        )
    path = tmp_path_factory.mktemp("scenes") / "scenes.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def run(
    scenes: Path, folder: Path, seed: int = 0, pixels: Path | None = None, **changes: Any
) -> Path:
    pretrain(SETTINGS | changes, seed, scenes, scenes, folder, pixels)
    return folder


@pytest.fixture(scope="module")
def trained(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(scenes, tmp_path_factory.mktemp("trained"))


def test_training_learns_and_measures(trained: Path):
    with (trained / "curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["step", "loss", "learning_rate", "validation_recall_at_1"]
    assert float(rows[-1]["loss"]) < 0.5 * float(rows[0]["loss"])
    recalls = [
        float(row["validation_recall_at_1"]) for row in rows if row["validation_recall_at_1"]
    ]
    assert len(recalls) == 5
    assert recalls[-1] == 1.0
    assert rows[-1]["step"] == "60"


def test_others_may_read_the_checkpoint(trained: Path):
    modes = {(trained / name).stat().st_mode for name in FILES}
    assert len(modes) == 1


def test_reported_recall_is_that_of_the_written_checkpoint(trained: Path, scenes: Path):
    encoder = load_open_clip(str(trained), None, torch.device("cpu"))
    table = pq.read_table(scenes)
    texts = sorted({tiers[-1] for tiers in table["tiers"].to_pylist()})
    with torch.inference_mode():
        vectors = encoder.encode_text(encoder.tokenise(texts))
        hits = 0
        for content, tiers in zip(
            table["image"].to_pylist(), table["tiers"].to_pylist(), strict=True
        ):
            pixels = encoder.preprocess(Image.open(io.BytesIO(content)))[None]
            hits += texts[int((encoder.encode_image(pixels) @ vectors.T).argmax())] == tiers[-1]
    assert hits == 64


def test_same_seed_same_bytes_and_another_seed_another_model(
    trained: Path, scenes: Path, tmp_path: Path
):
    run(scenes, tmp_path / "again")
    run(scenes, tmp_path / "other", seed=1)
    for name in FILES:
        assert (trained / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    weights = [load_file(folder / FILES[1]) for folder in (trained, tmp_path / "other")]
    assert not torch.equal(weights[0]["text_projection"], weights[1]["text_projection"])


def test_pixels_made_once_train_the_same_model(trained: Path, scenes: Path, tmp_path: Path):
    write_pixels(scenes, 16, tmp_path / "pixels.npy")
    again = run(scenes, tmp_path / "model", pixels=tmp_path / "pixels.npy")
    for name in ("open_clip_model.safetensors", "curve.csv"):
        assert (again / name).read_bytes() == (trained / name).read_bytes()
    write_pixels(scenes, 8, tmp_path / "small.npy")
    with pytest.raises(InputError, match="found pixels of shape"):
        run(scenes, tmp_path / "refused", pixels=tmp_path / "small.npy")


def test_plain_open_clip_loads_the_folder_with_its_preprocessing(trained: Path, scenes: Path):
    model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{trained}")
    assert model.visual.image_size == (16, 16)
    image = pq.read_table(scenes)["image"][5].as_py()
    expected = preprocess(Image.open(io.BytesIO(image)))
    ours = normalise(read_scenes(scenes, 16, "captions").images[5])
    torch.testing.assert_close(ours, expected, atol=1e-6, rtol=0)


def test_only_words_of_the_captions_are_trained(trained: Path, scenes: Path, tmp_path: Path):
    untrained = load_file(run(scenes, tmp_path, steps=0) / FILES[1])["token_embedding.weight"]
    changed = (load_file(trained / FILES[1])["token_embedding.weight"] != untrained).any(dim=1)
    tokens = open_clip.SimpleTokenizer(context_length=12)(["red green blue white", "a square"])
    # The padding id behind the end of a text is in the table, but no position attends to it.
    assert set(changed.nonzero().ravel().tolist()) <= set(tokens.ravel().tolist())
    assert changed[tokens[tokens > 0]].all()


def test_no_steps_is_the_freshly_initialised_model(tmp_path: Path):
    run(tmp_path / "absent.parquet", tmp_path / "control", seed=3, steps=0)
    torch.manual_seed(3)
    expected = open_clip.CLIP(**TINY).state_dict()
    weights = load_file(tmp_path / "control" / FILES[1])
    assert set(weights) == set(expected)
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    assert (tmp_path / "control" / "curve.csv").read_text().count("\n") == 1


def test_thread_count_is_restored(scenes: Path, tmp_path: Path):
    before = torch.get_num_threads()
    run(scenes, tmp_path, steps=1)
    assert torch.get_num_threads() == before


def test_loss_is_the_symmetric_cross_entropy_without_an_images_other_captions_as_negatives():
    generator = torch.Generator().manual_seed(0)
    images = F.normalize(torch.randn(5, 8, generator=generator, dtype=torch.float64), dim=-1)
    texts = F.normalize(torch.randn(4, 8, generator=generator, dtype=torch.float64), dim=-1)
    captions_of = [(2, 3), (0, 1), (2, 2), (1, 3), (3, 2)]
    scale = 7.0
    total = 0.0
    for i, captions in enumerate(captions_of):
        for caption in captions:
            own = math.exp(scale * float(images[i] @ texts[caption]))
            others = [text for text in range(4) if text not in captions]
            without = [j for j in range(5) if caption not in captions_of[j]]
            by_image = sum(math.exp(scale * float(images[i] @ texts[text])) for text in others)
            by_text = sum(math.exp(scale * float(images[j] @ texts[caption])) for j in without)
            total += math.log(own / (own + by_image)) + math.log(own / (own + by_text))
    loss = contrastive_loss(images, texts, torch.tensor(captions_of), torch.tensor(scale))
    assert loss.item() == pytest.approx(-total / 20, rel=1e-12)


def test_a_caption_that_all_images_have_teaches_nothing_and_breaks_nothing():
    images = F.normalize(torch.randn(3, 8, dtype=torch.float64), dim=-1).requires_grad_()
    texts = F.normalize(torch.randn(2, 8, dtype=torch.float64), dim=-1)
    everywhere = torch.zeros(3, 1, dtype=torch.int64)
    loss = contrastive_loss(images, texts[:1], everywhere, torch.tensor(7.0))
    assert loss.item() == 0.0
    loss.backward()
    assert not images.grad.any()


def test_with_one_caption_an_image_the_loss_is_that_of_open_clip():
    images, texts = F.normalize(torch.randn(2, 5, 8, dtype=torch.float64), dim=-1)
    scale = torch.tensor(7.0)
    expected = open_clip.ClipLoss()(images, texts, scale)
    assert contrastive_loss(images, texts, torch.arange(5)[:, None], scale).item() == pytest.approx(
        expected.item(), rel=1e-12
    )


def test_compact_vocabulary_encodes_as_the_whole_one():
    texts = ["a red duck", "two ducks on the beach", "something", "a red"]
    vocabulary = Vocabulary(texts, context_length=12)
    torch.manual_seed(0)
    model = open_clip.CLIP(**TINY).eval()
    original = open_clip.SimpleTokenizer(context_length=12)(texts)
    assert torch.equal(vocabulary.used[vocabulary.tokens], original)
    assert torch.equal(vocabulary.encode(texts), vocabulary.tokens)
    with torch.inference_mode():
        expected = model.encode_text(original)
        rows = model.token_embedding.weight[vocabulary.used]
        packed = encode_packed(causal_tower(model), rows, vocabulary.pack(torch.arange(4)))
        model.token_embedding = torch.nn.Embedding.from_pretrained(rows)
        cropped = encode_cropped(model, vocabulary.encode(texts))
    torch.testing.assert_close(packed, expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(cropped, expected, atol=1e-5, rtol=0)


def test_words_are_cut_as_in_their_texts():
    texts = [
        "Two  DUCKS,it's 12 &amp; don't.",
        "a\tred-duck </w> <end_of_text>",
        "the café&eacute; …",
    ]
    vocabulary = Vocabulary(texts, context_length=24)
    original = open_clip.SimpleTokenizer(context_length=24)(texts)
    assert torch.equal(vocabulary.used[vocabulary.tokens], original)


def test_words_that_the_corpus_lacks_are_left_out():
    vocabulary = Vocabulary(["a red duck"], context_length=12)
    without, unknown = (vocabulary.encode([text]) for text in ("a duck", "a purple duck"))
    assert without.ravel().tolist() == [*unknown.ravel().tolist(), 0]


def test_batches_visit_each_scene_once_per_epoch(scenes: Path):
    data = read_scenes(scenes, 16, "captions")
    batches = data.batches(16, 1, torch.Generator().manual_seed(0))
    seen = torch.cat([next(batches)[0] for _ in range(4)])
    assert len(torch.unique(seen.flatten(1), dim=0)) == 64


def test_a_step_takes_different_captions_of_a_scene(scenes: Path):
    data = read_scenes(scenes, 16, "captions")
    _, two = next(data.batches(64, 2, torch.Generator().manual_seed(0)))
    assert (two[:, 0] != two[:, 1]).all()
    _, one = next(data.batches(64, 1, torch.Generator().manual_seed(0)))
    drawn = [data.texts[row].endswith("square") for row in one.ravel().tolist()]
    assert 16 < sum(drawn) < 48


def test_several_captions_a_step_train_too(scenes: Path, tmp_path: Path):
    one, two = (run(scenes, tmp_path / str(n), steps=20, captions=n) for n in (1, 2))
    losses = [
        [float(row["loss"]) for row in csv.DictReader((folder / "curve.csv").open())]
        for folder in (one, two)
    ]
    assert losses[0] != losses[1]
    assert losses[1][-1] < losses[1][0]


class TestBadInput:
    def refuse(self, folder: Path, message: str, scenes: Path, **changes: Any) -> None:
        with pytest.raises(InputError, match=message) as error:
            run(scenes, folder, **changes)
        assert "\n" not in str(error.value)
        assert not list(folder.glob("*"))

    def test_loss_that_is_not_finite(self, scenes: Path, tmp_path: Path):
        self.refuse(
            tmp_path / "m", r"stopped at step \d+: the loss is nan", scenes, peak_learning_rate=1e30
        )

    def test_architecture_that_open_clip_refuses(self, scenes: Path, tmp_path: Path):
        architecture = {**TINY, "colour": "red"}
        self.refuse(tmp_path / "m", "refuses it.*colour", scenes, architecture=architecture)

    def test_fewer_scenes_than_a_batch(self, scenes: Path, tmp_path: Path):
        self.refuse(
            tmp_path / "m", "has 64 scenes, expected at least batch_size", scenes, batch_size=65
        )

    def test_fewer_captions_than_a_step_takes(self, scenes: Path, tmp_path: Path):
        message = "scenes have 2 captions, expected at least captions = 3"
        self.refuse(tmp_path / "m", message, scenes, captions=3)

    def test_absent_scenes(self, tmp_path: Path):
        self.refuse(tmp_path / "m", "not a readable Parquet file", tmp_path / "absent.parquet")

    def test_missing_column(self, scenes: Path, tmp_path: Path):
        path = tmp_path / "s.parquet"
        pq.write_table(pq.read_table(scenes).drop_columns("captions"), path)
        self.refuse(tmp_path / "m", "column 'captions' is missing", path)

    def test_broken_picture(self, tmp_path: Path):
        path = tmp_path / "s.parquet"
        rows = [{"image": png((9, 9, 9), 0), "captions": ["a"], "tiers": ["a"] * 4}] * 20
        rows[7] = {**rows[7], "image": rows[7]["image"][:-200]}
        pq.write_table(pa.Table.from_pylist(rows), path)
        self.refuse(tmp_path / "m", "row 8: the image cannot be decoded", path)

    def test_lists_of_unequal_length(self, tmp_path: Path):
        path = tmp_path / "s.parquet"
        image = png((9, 9, 9), 0)
        rows = [{"image": image, "captions": ["a"] * n, "tiers": ["a"] * 4} for n in (1, 2) * 10]
        pq.write_table(pa.Table.from_pylist(rows), path)
        self.refuse(tmp_path / "m", "unequal numbers of captions", path)


class TestMeru:
    @pytest.fixture(scope="class")
    def trained(self, scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return run(scenes, tmp_path_factory.mktemp("meru"), **MERU)

    def test_training_learns_the_pictures_and_the_lift(self, trained: Path, scenes: Path):
        with (trained / "curve.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert float(rows[-1]["loss"]) < 0.5 * float(rows[0]["loss"])
        assert float(rows[-1]["validation_recall_at_1"]) == 1.0
        encoder = load_meru(str(trained), torch.device("cpu"))
        lift = encoder.provenance()["lift"]
        assert lift["curvature"] != 1.0
        assert lift["visual_alpha"] != pytest.approx(16**-0.5)
        # Measured again from the files, as the probe does.
        table = pq.read_table(scenes)
        texts = sorted({tiers[-1] for tiers in table["tiers"].to_pylist()})
        content, tiers = (table[name].to_pylist() for name in ("image", "tiers"))
        with torch.inference_mode():
            pixels = [encoder.preprocess(Image.open(io.BytesIO(each))) for each in content]
            similarity = encoder.geometry.similarities(
                encoder.encode_image(torch.stack(pixels)).numpy(),
                encoder.encode_text(encoder.tokenise(texts)).numpy(),
            )
        assert [texts[row] for row in similarity.argmax(axis=1)] == [each[-1] for each in tiers]

    def test_same_seed_same_bytes(self, scenes: Path, tmp_path: Path):
        files = ("meru_config.json", "meru_model.safetensors", "curve.csv")
        first, second = (run(scenes, tmp_path / x, steps=5, **MERU) for x in "ab")
        assert sorted(path.name for path in first.iterdir()) == sorted(files)
        assert all((first / x).read_bytes() == (second / x).read_bytes() for x in files)

    def test_loss_is_that_of_the_paper(self):
        objective = make_objective({"architecture": TINY, **MERU}, seed=0)
        assert isinstance(objective, MeruObjective)
        model = objective.model.double()
        with torch.no_grad():
            model.curv.fill_(0.4)
            model.visual_alpha.fill_(-0.9)
        images, texts = torch.randn(
            2, 5, 16, generator=torch.Generator().manual_seed(1), dtype=torch.float64
        )
        row = torch.tensor([0, 1, 0, 2, 3])
        loss = objective.loss(images, texts[:4], row[:, None])
        curvature = math.exp(0.4)

        def lifted(features: torch.Tensor, alpha: torch.Tensor) -> np.ndarray:
            v = (features * alpha.exp()).detach().numpy()
            s = curvature**0.5 * np.linalg.norm(v, axis=1, keepdims=True)
            return np.sinh(s) / s * v

        x, y = lifted(texts, model.textual_alpha)[row], lifted(images, model.visual_alpha)
        times = [np.sqrt(1 / curvature + (v**2).sum(1)) for v in (x, y)]
        inner = curvature * (y @ x.T - np.outer(times[1], times[0]))
        logits = -math.exp(model.clip.logit_scale.item()) * np.arccosh(-inner) / curvature**0.5
        # Images 0 and 2 share a caption: it counts once for others, and not between the two.
        by_image, by_text = logits.copy(), logits.T.copy()
        by_image[:, 2] = by_text[0, 2] = by_text[2, 0] = -np.inf
        by_image[2] = logits[2]
        by_image[2, 0] = -np.inf
        losses = [np.log(np.exp(m).sum(1)) - logits.diagonal() for m in (by_image, by_text)]
        own = inner.diagonal()
        norms = np.linalg.norm(x, axis=1)
        cosine = (times[1] + own * times[0]) / (norms * np.sqrt(own**2 - 1))
        aperture = np.arcsin(np.minimum(1, 0.2 / (curvature**0.5 * norms)))
        excess = np.maximum(0, np.arccos(cosine) - aperture)
        assert excess.mean() > 0
        expected = np.mean(losses) + 0.2 * excess.mean()
        assert loss.item() == pytest.approx(expected)

    def test_scalars_stay_within_their_limits(self):
        objective = make_objective({"architecture": TINY, **MERU}, seed=0)
        with torch.no_grad():
            objective.model.curv.fill_(9.0)
            objective.model.textual_alpha.fill_(9.0)
        objective.clamp()
        assert objective.model.curvature().item() == pytest.approx(10)
        assert objective.model.textual_alpha.item() == 0

    def test_an_unknown_objective_is_refused(self, scenes: Path, tmp_path: Path):
        with pytest.raises(InputError, match="found 'siglip', expected one of clip, meru"):
            run(scenes, tmp_path / "m", objective="siglip")


@pytest.mark.parametrize("objective", ["clip", "meru"])
def test_a_scale_at_its_bound_can_come_back(objective):
    """Clamped in the forward pass it would have no gradient, and stay there for good."""
    settings = {"architecture": TINY, "objective": objective, "entailment_weight": 0.1}
    made = make_objective(settings, seed=0)
    with torch.no_grad():
        made.clip.logit_scale.fill_(9.0)
    made.clamp()
    assert made.clip.logit_scale.exp().item() == pytest.approx(MAX_LOGIT_SCALE)
    features = torch.randn(4, 16, generator=torch.manual_seed(0))
    # All wrong: too sure of it.
    loss = made.loss(features, features.roll(1, 0), torch.arange(4)[:, None])
    loss.backward()
    assert made.clip.logit_scale.grad.item() > 0
