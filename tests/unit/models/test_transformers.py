"""The transformers adapter: what is loaded, what is reported, and what is refused."""

import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_transformers import TINY, tiny_siglip2

from hierarcaps.models import hub
from hierarcaps.models.registry import load_model
from hierarcaps.models.transformers_family.encoder import load_transformers
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import sha256_file

CPU = torch.device("cpu")
TEXTS = ["", "a goat", "an animal on a hill", "a long text, " * 40]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("tiny")
    return {name: make(root / name) for name, make in TINY.items()}


@pytest.fixture
def clip(folders: dict[str, Path], tmp_path: Path) -> Path:
    return shutil.copytree(folders["clip"], tmp_path / "model")


@pytest.mark.parametrize("name", TINY)
def test_embeddings_are_those_of_transformers_itself(folders: dict[str, Path], name: str):
    encoder = load_transformers(str(folders[name]), CPU)
    model = transformers.AutoModel.from_pretrained(folders[name]).eval()
    tokeniser = transformers.AutoTokenizer.from_pretrained(folders[name])
    processor = transformers.AutoImageProcessor.from_pretrained(folders[name], backend="pil")
    length = 64 if name == "align" else 12
    inputs = tokeniser(
        TEXTS, padding="max_length", truncation=True, max_length=length, return_tensors="pt"
    )
    image = Image.effect_mandelbrot((40, 24), (-2, -1, 1, 1), 50).convert("RGB")
    with torch.inference_mode():
        expected = F.normalize(model.get_text_features(**inputs).pooler_output, dim=-1)
        text = encoder.encode_text(encoder.tokenise(TEXTS))
        torch.testing.assert_close(text, expected, atol=1e-5, rtol=0)
        pixels = processor(images=image, return_tensors="pt")["pixel_values"]
        expected = F.normalize(model.get_image_features(pixels).pooler_output, dim=-1)
        images = encoder.encode_image(encoder.preprocess(image)[None])
        torch.testing.assert_close(images, expected, atol=1e-6, rtol=0)


def test_only_what_matters_is_encoded(folders: dict[str, Path]):
    lengths = {}
    for name, folder in folders.items():
        encoder = load_transformers(str(folder), CPU)
        lengths[name] = encoder.token_lengths(encoder.tokenise(["", "ab"])).tolist()
    assert lengths == {"clip": [2, 4], "align": [2, 4], "siglip": [12, 12]}


def test_old_configurations_pool_at_the_highest_token(clip: Path):
    expected = load_transformers(str(clip), CPU)
    config = json.loads((clip / "config.json").read_text())
    config["text_config"]["eos_token_id"] = 2
    (clip / "config.json").write_text(json.dumps(config))
    old = load_transformers(str(clip), CPU)
    tokens = old.tokenise(TEXTS)
    with torch.inference_mode():
        assert torch.equal(old.encode_text(tokens), expected.encode_text(tokens))


def test_provenance(folders: dict[str, Path]):
    provenance = load_transformers(str(folders["clip"]), CPU).provenance()
    assert provenance["class"] == "CLIPModel"
    assert provenance["weights_sha256"] == sha256_file(folders["clip"] / "model.safetensors")
    assert provenance["activation"]["text"] == ["QuickGELUActivation"]
    assert provenance["preprocessing"]["crop_size"] == {"height": 16, "width": 16}


def test_half_precision_weights_compute_in_single(clip: Path):
    weights = {k: v.half() for k, v in load_file(clip / "model.safetensors").items()}
    save_file(weights, clip / "model.safetensors", {"format": "pt"})
    config = json.loads((clip / "config.json").read_text())
    (clip / "config.json").write_text(json.dumps({**config, "dtype": "float16"}))
    model = load_transformers(str(clip), CPU).model
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_shards_and_old_weights_files(folders: dict[str, Path], clip: Path):
    whole = load_transformers(str(folders["clip"]), CPU)
    model = transformers.CLIPModel.from_pretrained(clip)
    (clip / "model.safetensors").unlink()
    model.save_pretrained(clip, max_shard_size="40KB")
    sharded = load_transformers(str(clip), CPU)
    assert sharded.provenance()["weights_file"] == "model.safetensors.index.json"
    hashes = {whole.provenance()["weights_sha256"], sharded.provenance()["weights_sha256"]}
    next(clip.glob("model-00002*")).unlink()
    with pytest.raises(InputError, match=r"shard model-00002.*is missing"):
        load_transformers(str(clip), CPU)
    for path in clip.glob("model*"):
        path.unlink()
    torch.save(model.state_dict(), clip / "pytorch_model.bin")
    old = load_transformers(str(clip), CPU)
    assert len(hashes | {old.provenance()["weights_sha256"]}) == 3
    for each in (sharded, old):
        for key, value in whole.model.state_dict().items():
            assert torch.equal(each.model.state_dict()[key], value)


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(hub, "_can_reach_hub", lambda: False)
    return tmp_path / "cache"


def test_a_cached_repository_needs_no_network(folders: dict[str, Path], hub_cache: Path):
    repository = hub_cache / "models--example--tiny"
    shutil.copytree(folders["clip"], repository / "snapshots" / "0123abc")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123abc")
    encoder = load_model({"transformers": "example/tiny"}, seed=0, device=CPU)
    assert encoder.provenance()["name"] == "example/tiny"
    assert encoder.provenance()["weights_sha256"] == sha256_file(
        folders["clip"] / "model.safetensors"
    )


def test_without_network_the_message_says_so(hub_cache: Path):
    with pytest.raises(InputError, match=r"example/tiny: .* there is no network, expected a local"):
        load_model({"transformers": "example/tiny"}, seed=0, device=CPU)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"transformers": "clip"}, "clip: no such folder, and no id of a repository"),
        ({"transformers": "models/clip/seed{seed}"}, "models/clip/seed0: no such folder"),
        ({"transformers": "./models/clip"}, "no such folder"),
        ({"transformers": "a/b", "pretrained": "openai"}, "'pretrained' belongs to open_clip"),
        ({"transformers": "a/b", "open_clip": "c"}, "expected exactly one of"),
    ],
)
def test_unknown_names_are_one_sentence(entry: dict, message: str):
    with pytest.raises(InputError, match=message) as error:
        load_model(entry, seed=0, device=CPU)
    assert "\n" not in str(error.value)


class TestBrokenFolders:
    def refuse(self, folder: Path, message: str) -> None:
        with pytest.raises(InputError, match=message) as error:
            load_transformers(str(folder), CPU)
        assert str(folder) in str(error.value)
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize(
        "name", ["config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json"]
    )
    def test_missing_file(self, clip: Path, name: str):
        (clip / name).unlink()
        self.refuse(clip, f"{name} is missing")

    def test_config_that_is_no_json(self, clip: Path):
        (clip / "config.json").write_text("{")
        self.refuse(clip, "not a readable JSON file")

    @pytest.mark.parametrize("found", ["bert", "siglip2"])
    def test_another_model(self, clip: Path, found: str):
        (clip / "config.json").write_text(json.dumps({"model_type": found}))
        self.refuse(clip, f"'model_type' is '{found}', expected a model of two towers")

    def test_config_with_nonsense(self, clip: Path):
        config = json.loads((clip / "config.json").read_text())
        config["text_config"]["hidden_size"] = "wide"
        (clip / "config.json").write_text(json.dumps(config))
        self.refuse(clip, "cannot be loaded as CLIPModel")

    def test_truncated_weights(self, clip: Path):
        path = clip / "model.safetensors"
        path.write_bytes(path.read_bytes()[:-100])
        self.refuse(clip, "cannot be loaded as CLIPModel")

    def test_one_tower_only(self, clip: Path):
        weights = load_file(clip / "model.safetensors")
        text = {name: value for name, value in weights.items() if "vision_model" not in name}
        save_file(text, clip / "model.safetensors", {"format": "pt"})
        self.refuse(clip, "weights of CLIPModel are not in it .*vision_model")

    def test_weights_of_another_size(self, clip: Path):
        config = json.loads((clip / "config.json").read_text())
        (clip / "config.json").write_text(json.dumps({**config, "projection_dim": 8}))
        self.refuse(clip, "text_projection|visual_projection|mismatch")

    def test_weights_that_are_not_numbers(self, clip: Path):
        weights = load_file(clip / "model.safetensors")
        weights["text_projection.weight"][0, 0] = float("nan")
        save_file(weights, clip / "model.safetensors", {"format": "pt"})
        self.refuse(clip, "not finite")

    def test_a_tokeniser_of_another_model(self, clip: Path, folders: dict[str, Path]):
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(folders["align"] / name, clip / name)
        self.refuse(clip, "its tokeniser ends texts with token")

    def test_broken_image_processor(self, clip: Path):
        (clip / "preprocessor_config.json").write_text("[")
        self.refuse(clip, "cannot be loaded")


class _Payload:
    def __reduce__(self):
        return (print, ("executed",))


def test_nothing_in_a_repository_is_executed(clip: Path, capsys: pytest.CaptureFixture[str]):
    (clip / "model.safetensors").unlink()
    for content in (pickle.dumps(_Payload()), None):
        path = clip / "pytorch_model.bin"
        path.write_bytes(content) if content else torch.save({"weight": _Payload()}, path)
        with pytest.raises(InputError, match="cannot be loaded"):
            load_transformers(str(clip), CPU)
    assert "executed" not in capsys.readouterr().out


def test_custom_code_is_refused(clip: Path, capsys: pytest.CaptureFixture[str]):
    (clip / "evil.py").write_text("print('executed')\nclass Model: pass\n")
    for name, key in {"config.json": "AutoModel", "tokenizer_config.json": "AutoTokenizer"}.items():
        content = json.loads((clip / name).read_text())
        reference = "evil.Model" if key == "AutoModel" else ["evil.Model", "evil.Model"]
        (clip / name).write_text(json.dumps({**content, "auto_map": {key: reference}}))
    load_transformers(str(clip), CPU)
    assert "executed" not in capsys.readouterr().out


def test_siglip2_reads_lower_case_padded_on_the_right(tmp_path):
    """Its checkpoints call themselves SigLIP, and Gemma's tokeniser keeps the case."""
    encoder = load_transformers(str(tiny_siglip2(tmp_path)), torch.device("cpu"))
    tokens = encoder.tokenise(["A Dog.", "a dog.", "A DOG" * 9])
    letters = [1 + 4 + "abcdefghijklmnopqrstuvwxyz".index(letter) for letter in "adog"]
    a, d, o, g = letters
    assert tokens[0].tolist() == [a, 4, d, o, g, 60, 1, 0, 0, 0, 0, 0]
    assert torch.equal(tokens[0], tokens[1])
    assert tokens[2, -1] == 1
    assert encoder.token_lengths(tokens).tolist() == [12, 12, 12]
    assert encoder.truncated(["A Dog.", "A DOG" * 9]) == 1
