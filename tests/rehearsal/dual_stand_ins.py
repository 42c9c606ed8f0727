"""Stand-ins of the paper's dual encoders: random weights in the files that the repositories have.

CLIP-B and OpenCLIP-B have their real sizes. The larger ones keep their depth, patches, context and
vocabulary, and are a sixteenth as wide.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from hierarcaps.models.open_clip_family.encoder import open_clip

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "helpers"))
import tiny_meru

import transformers  # isort: skip - after open_clip's room has declared torchvision's operators

NARROW = 16
# Repository -> architecture of open_clip, tag, whether its weights were trained with QuickGELU.
OPEN_CLIP = {
    "timm/vit_base_patch32_clip_224.openai": ("ViT-B-32", "openai"),
    "timm/vit_large_patch14_clip_224.openai": ("ViT-L-14", "openai"),
    "laion/CLIP-ViT-B-32-laion2B-s34B-b79K": ("ViT-B-32", "laion2b_s34b_b79k"),
    "laion/CLIP-ViT-H-14-laion2B-s32B-b79K": ("ViT-H-14", "laion2b_s32b_b79k"),
}
NARROWED = ("ViT-L-14", "ViT-H-14")
TOWER = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 12,
    "num_attention_heads": 4,
}


def architecture(name: str) -> dict[str, Any]:
    """Return open_clip's configuration of an architecture, narrowed where it is a large one."""
    path = Path(open_clip.__file__).parent / "model_configs" / f"{name}.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    # Where this process already runs beside the narrowed configurations, they are read as such.
    if name in NARROWED and config["embed_dim"] > 512:
        config["embed_dim"] //= NARROW
        for tower in ("vision_cfg", "text_cfg"):
            config[tower]["width"] //= NARROW
    return config


def narrow_open_clip(folder: Path) -> None:
    """Copy the installed open_clip into ``folder``, its two large architectures narrowed.

    open_clip takes a tag's architecture from its own configurations, not from the repository. The
    copy differs from what is installed in two files of JSON, and in no code; on PYTHONPATH it is
    what all jobs import.
    """
    installed = Path(open_clip.__file__).parent
    target = folder / "open_clip"
    if installed == target:
        return
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(installed, target, ignore=shutil.ignore_patterns("__pycache__"))
    for name in NARROWED:
        path = target / "model_configs" / f"{name}.json"
        path.write_text(json.dumps(architecture(name), indent=4), encoding="utf-8")


def write_dual_encoders(hub: Path, texts: list[str]) -> None:
    """Write the repositories of all dual encoders below ``hub``; vocabularies are of ``texts``."""
    for repository in OPEN_CLIP:
        write_open_clip(hub / repository, *OPEN_CLIP[repository])
    write_align(hub / "kakaobrain" / "align-base", texts)
    write_siglip(hub / "google" / "siglip-base-patch16-224", texts)


def write_open_clip(folder: Path, name: str, tag: str) -> None:
    """Write a repository of open_clip: configuration, weights, tokeniser."""
    folder.mkdir(parents=True, exist_ok=True)
    model_cfg, published = architecture(name), open_clip.get_pretrained_cfg(name, tag)
    quick = bool(published.get("quick_gelu"))
    torch.manual_seed(0)
    model = open_clip.CLIP(**model_cfg, quick_gelu=quick)
    save_file(model.state_dict(), folder / "open_clip_model.safetensors", {"format": "pt"})
    keys = ("mean", "std", "interpolation", "resize_mode")
    described = {
        "model_cfg": {**model_cfg, "quick_gelu": True} if quick else model_cfg,
        "preprocess_cfg": {key: published[key] for key in keys},
    }
    (folder / "open_clip_config.json").write_text(json.dumps(described, indent=2))
    (folder / "README.md").write_text("A stand-in: random weights.\n")


def write_meru(path: Path) -> None:
    """Write MERU's published file, of its depth, image size and context."""
    tiny_meru.write_published(path, size=224, patch=16, context=77, layers=12)


def write_align(folder: Path, texts: list[str]) -> None:
    """Write ALIGN's repository: an EfficientNet of its image size, a BERT, WordPiece."""
    from tokenizers import BertWordPieceTokenizer

    trained = BertWordPieceTokenizer(lowercase=True)
    trained.train_from_iterator(texts, vocab_size=2000, show_progress=False)
    tokeniser = transformers.BertTokenizer(vocab=trained.get_vocab(), model_max_length=64)
    vision = {
        "image_size": 289, "width_coefficient": 0.25, "depth_coefficient": 0.3, "hidden_dim": 64,
    }  # fmt: skip
    text = {"vocab_size": len(tokeniser), "max_position_embeddings": 512}
    # The image tower has no projection: its last 320 channels, times the width, are the space.
    config = transformers.AlignConfig(
        text_config={**TOWER, **text}, vision_config=vision, projection_dim=80
    )
    processor = transformers.EfficientNetImageProcessor(
        size={"height": 346, "width": 346}, do_center_crop=True,
        crop_size={"height": 289, "width": 289}, image_mean=[0.5] * 3, image_std=[0.5] * 3,
        rescale_factor=1 / 127.5, rescale_offset=True, do_normalize=False, include_top=False,
    )  # fmt: skip
    _save(folder, transformers.AlignModel(config), tokeniser, processor)
    _binary_beside(folder)


def write_siglip(folder: Path, texts: list[str]) -> None:
    """Write SigLIP's repository, with a SentencePiece model."""
    folder.mkdir(parents=True, exist_ok=True)
    train_sentencepiece(folder / "spiece.model", texts, vocab_size=2000)
    tokeniser = transformers.SiglipTokenizer(
        str(folder / "spiece.model"), model_max_length=64, model_input_names=["input_ids"]
    )
    text = {
        "vocab_size": len(tokeniser), "max_position_embeddings": 64, "projection_size": 64,
        "pad_token_id": 1, "bos_token_id": None, "eos_token_id": 1,
    }  # fmt: skip
    vision = {**TOWER, "image_size": 224, "patch_size": 16}
    config = transformers.SiglipConfig(text_config={**TOWER, **text}, vision_config=vision)
    processor = transformers.SiglipImageProcessor(size={"height": 224, "width": 224})
    _save(folder, transformers.SiglipModel(config), tokeniser, processor)


def train_sentencepiece(path: Path, texts: list[str], vocab_size: int) -> None:
    """Write a SentencePiece model with T5's special tokens: padding 0, end 1, unknown 2."""
    import sentencepiece

    with path.open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts), model_writer=file, vocab_size=vocab_size,
            minloglevel=2, hard_vocab_limit=False, pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
            num_threads=1, character_coverage=1.0,
        )  # fmt: skip


def _save(folder: Path, model, tokeniser, processor) -> None:
    model.save_pretrained(folder)
    tokeniser.save_pretrained(folder)
    processor.save_pretrained(folder)


def _binary_beside(folder: Path) -> None:
    """Write the weights as ``pytorch_model.bin`` too, as older repositories have both."""
    from safetensors.torch import load_file

    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
