"""Models with a text tower of transformers, so small that tests make them on the spot."""

import json
import string
from pathlib import Path

import torch
from safetensors.torch import save_file
from tiny_clip import PREPROCESSING

from hierarcaps.models.open_clip_family.encoder import open_clip

import transformers  # isort: skip - after open_clip's room has declared torchvision's operators

CONTEXT = 24
WIDTH = 16
BERT = {
    "hidden_size": WIDTH, "intermediate_size": 32, "num_hidden_layers": 2,
    "num_attention_heads": 2, "max_position_embeddings": 40,
}  # fmt: skip
OPEN_CLIP = {
    "embed_dim": 12,
    "vision_cfg": {
        "timm_model_name": "test_efficientnet", "timm_model_pretrained": False,
        "timm_pool": "avg", "timm_proj": "linear", "image_size": 32,
    },
    "text_cfg": {
        "hf_model_name": "text-tower", "hf_tokenizer_name": "text-tower",
        "hf_proj_type": "linear", "hf_pooler_type": "mean_pooler", "context_length": CONTEXT,
    },
    "custom_text": True,
}  # fmt: skip


def letters() -> transformers.BertTokenizer:
    """A tokeniser that spells words by their letters."""
    characters = string.ascii_lowercase + string.digits + string.punctuation
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters]
    tokens += [f"##{each}" for each in characters]
    return transformers.BertTokenizer(vocab={token: row for row, token in enumerate(tokens)})


def timm_and_bert(folder: Path, beside: bool = True) -> Path:
    """An open_clip folder with timm's image tower and a BERT.

    Args:
        folder: where it goes.
        beside: the BERT's files lie beside the weights; else in the folder ``text-tower`` in it.
    """
    torch.manual_seed(0)
    place = folder if beside else folder / "text-tower"
    tokeniser = letters()
    tokeniser.save_pretrained(place)
    config = transformers.BertConfig(vocab_size=len(tokeniser), **BERT)
    config.save_pretrained(place)
    text = {**OPEN_CLIP["text_cfg"], "hf_model_name": str(place), "hf_model_pretrained": False}
    built = {**OPEN_CLIP, "text_cfg": text}
    del built["custom_text"]
    model = open_clip.CustomTextCLIP(**built)
    with torch.no_grad():
        # As made, weights are so small that all texts nearly coincide.
        for weight in model.text.parameters():
            if weight.ndim > 1:
                weight.normal_(std=0.3)
    described = {"model_cfg": OPEN_CLIP, "preprocess_cfg": PREPROCESSING}
    (folder / "open_clip_config.json").write_text(json.dumps(described))
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    return folder


def vit_and_bert(folder: Path) -> Path:
    """A ``VisionTextDualEncoderModel`` of a ViT and a BERT."""
    torch.manual_seed(0)
    tokeniser = letters()
    tower = {key: BERT[key] for key in BERT if key != "max_position_embeddings"}
    config = transformers.VisionTextDualEncoderConfig.from_vision_text_configs(
        transformers.ViTConfig(**tower, image_size=16, patch_size=8),
        transformers.BertConfig(vocab_size=len(tokeniser), **BERT),
        projection_dim=12,
    )
    model = transformers.VisionTextDualEncoderModel(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim > 1 and name.startswith("text"):
                weight.normal_(std=0.3)
    model.save_pretrained(folder)
    tokeniser.save_pretrained(folder)
    transformers.ViTImageProcessor(size={"height": 16, "width": 16}).save_pretrained(folder)
    return folder
