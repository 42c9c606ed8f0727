"""CLIP, ALIGN and SigLIP checkpoints so small that tests make them on the spot, tokenisers too."""

import string
from pathlib import Path

import torch

from hierarcaps.runtime.torch_setup import declare_torchvision_ops

declare_torchvision_ops()

import transformers  # noqa: E402

TEXTS = ["a goat on an island", "an animal", "two red boats on a beach", "a small blue car, parked"]
WIDTH = 16
CONTEXT = 12
TOWER = {
    "hidden_size": WIDTH,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
VISION = {**TOWER, "image_size": 16, "patch_size": 8}


def tiny_clip(folder: Path) -> Path:
    """A CLIP whose tokeniser spells words by their bytes."""
    from tokenizers import pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    tokeniser = transformers.CLIPTokenizer(
        vocab={token: row for row, token in enumerate(tokens)}, merges=[], model_max_length=CONTEXT
    )
    text = {
        "vocab_size": len(tokens), "max_position_embeddings": CONTEXT,
        "bos_token_id": tokeniser.bos_token_id, "eos_token_id": tokeniser.eos_token_id,
    }  # fmt: skip
    config = transformers.CLIPConfig(
        text_config={**TOWER, **text}, vision_config=VISION, projection_dim=WIDTH
    )
    processor = transformers.CLIPImageProcessor(
        size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16}
    )
    return _save(folder, transformers.CLIPModel, config, tokeniser, processor)


def tiny_align(folder: Path) -> Path:
    """An ALIGN whose tokeniser spells words by their letters."""
    letters = string.ascii_lowercase + string.digits + string.punctuation
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters]
    tokens += [f"##{letter}" for letter in letters]
    tokeniser = transformers.BertTokenizer(vocab={token: row for row, token in enumerate(tokens)})
    vision = {
        "image_size": 16, "width_coefficient": 0.25, "depth_coefficient": 0.2, "hidden_dim": WIDTH,
        "in_channels": [32, 32], "out_channels": [32, 64], "kernel_sizes": [3, 3],
        "strides": [1, 2], "num_block_repeats": [1, 1], "expand_ratios": [1, 2],
    }  # fmt: skip
    text = {"vocab_size": len(tokens), "max_position_embeddings": 80}
    config = transformers.AlignConfig(
        text_config={**TOWER, **text}, vision_config=vision, projection_dim=WIDTH
    )
    processor = transformers.EfficientNetImageProcessor(size={"height": 16, "width": 16})
    return _save(folder, transformers.AlignModel, config, tokeniser, processor)


def tiny_siglip(folder: Path) -> Path:
    """A SigLIP with a SentencePiece model of a few sentences."""
    import sentencepiece

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "spiece.model").open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(TEXTS), model_writer=file, vocab_size=60, minloglevel=2,
            hard_vocab_limit=False, pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
        )  # fmt: skip
    tokeniser = transformers.SiglipTokenizer(
        str(folder / "spiece.model"), model_max_length=CONTEXT, model_input_names=["input_ids"]
    )
    text = {
        "vocab_size": len(tokeniser), "max_position_embeddings": CONTEXT,
        "projection_size": WIDTH, "pad_token_id": 1, "bos_token_id": None, "eos_token_id": 1,
    }  # fmt: skip
    config = transformers.SiglipConfig(text_config={**TOWER, **text}, vision_config=VISION)
    processor = transformers.SiglipImageProcessor(size={"height": 16, "width": 16})
    return _save(folder, transformers.SiglipModel, config, tokeniser, processor)


def tiny_siglip2(folder: Path) -> Path:
    """A SigLIP 2 of fixed resolution: it says SigLIP; its tokeniser is Gemma's, which has cases."""
    tokens = ["<pad>", "<eos>", "<bos>", "<unk>", "\u2581", *string.ascii_letters, *"<|>.,"]
    tokeniser = transformers.GemmaTokenizer(
        vocab={token: row for row, token in enumerate(tokens)}, merges=[],
        add_bos_token=False, add_eos_token=True,
    )  # fmt: skip
    text = {
        "vocab_size": len(tokens), "max_position_embeddings": CONTEXT, "projection_size": WIDTH,
        "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 1,
    }  # fmt: skip
    config = transformers.SiglipConfig(text_config={**TOWER, **text}, vision_config=VISION)
    processor = transformers.SiglipImageProcessor(size={"height": 16, "width": 16})
    return _save(folder, transformers.SiglipModel, config, tokeniser, processor)


TINY = {"clip": tiny_clip, "align": tiny_align, "siglip": tiny_siglip}


def _save(folder: Path, model_class, config, tokeniser, processor) -> Path:
    torch.manual_seed(0)
    model = model_class(config)
    with torch.no_grad():
        # As made, weights are so small that all texts nearly coincide.
        for name, weight in model.named_parameters():
            if weight.ndim > 1 and "vision" not in name:
                weight.normal_(std=0.3)
    model.save_pretrained(folder)
    tokeniser.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
