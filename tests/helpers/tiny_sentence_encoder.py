"""A sentence encoder in the layout of sentence-transformers, made on the spot."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tiny_text_towers import BERT, letters

import transformers  # isort: skip - after open_clip's room has declared torchvision's operators

MODULES = "sentence_transformers.models"


def sentence_encoder(
    folder: Path,
    pooling: str = "mean_tokens",
    dense: str | None = None,
    longest: int = 12,
    prompt: str = "",
    **settings: Any,
) -> Path:
    """A BERT of two layers with its pooling, and a normalisation behind it.

    Args:
        folder: where it goes.
        pooling: the key of the pooling's configuration, without its beginning.
        dense: activation of a linear layer (16 to 10) before the normalisation; None for none.
        longest: tokens of a text at most.
        prompt: what texts begin with by default.
        settings: of the transformer, beside.
    """
    torch.manual_seed(0)
    tokeniser = letters()
    tokeniser.save_pretrained(folder)
    model = transformers.BertModel(transformers.BertConfig(vocab_size=len(tokeniser), **BERT))
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(std=0.3)
    model.save_pretrained(folder)
    kinds = ["Transformer", "Pooling", *(["Dense"] if dense else []), "Normalize"]
    paths = ["" if row == 0 else f"{row}_{kind}" for row, kind in enumerate(kinds)]
    modules = [
        {"idx": row, "name": str(row), "path": path, "type": f"{MODULES}.{kind}"}
        for row, (kind, path) in enumerate(zip(kinds, paths, strict=True))
    ]
    modes = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "lasttoken")
    write(folder / "modules.json", modules)
    write(
        folder / "sentence_bert_config.json",
        {"max_seq_length": longest, "do_lower_case": False, **settings},
    )
    write(
        folder / "1_Pooling" / "config.json",
        {
            "word_embedding_dimension": BERT["hidden_size"],
            **{f"pooling_mode_{mode}": mode == pooling for mode in modes},
        },
    )
    if dense:
        write(
            folder / "2_Dense" / "config.json",
            {
                "in_features": BERT["hidden_size"],
                "out_features": 10,
                "bias": True,
                "activation_function": dense,
            },
        )
        linear = torch.nn.Linear(BERT["hidden_size"], 10)
        state = {f"linear.{name}": value for name, value in linear.state_dict().items()}
        save_file(state, folder / "2_Dense" / "model.safetensors")
    if prompt:
        write(
            folder / "config_sentence_transformers.json",
            {"prompts": {"ask": prompt}, "default_prompt_name": "ask"},
        )
    return folder


def write(path: Path, content: Any) -> None:
    """Write JSON, in a folder that need not exist."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
