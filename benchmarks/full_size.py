"""CLIPs of the published sizes with random weights, as transformers and as open_clip have them."""

from pathlib import Path

import torch
from PIL import Image

from hierarcaps.models.open_clip_family.encoder import OpenClipEncoder, open_clip
from hierarcaps.models.transformers_family.encoder import TransformersEncoder, transformers

# Text towers: width, layers, heads. The output has the same width in all three.
TOWERS = {"ViT-B-32": (512, 12, 8), "ViT-L-14": (768, 12, 12), "ViT-H-14": (1024, 24, 16)}


def transformers_clip(tower: str, image_layers: int = 12) -> TransformersEncoder:
    """Return a CLIP whose image tower is a ViT-B/32 of ``image_layers``."""
    width, layers, heads = TOWERS[tower]
    bpe = open_clip.SimpleTokenizer()
    text = {
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "bos_token_id": bpe.sot_token_id,
        "eos_token_id": bpe.eot_token_id,
        "projection_dim": width,
    }
    vision = {"num_hidden_layers": image_layers, "projection_dim": width}
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=width)
    torch.manual_seed(0)
    model = transformers.CLIPModel(config).eval()
    names = {bpe.sot_token_id: "<|startoftext|>", bpe.eot_token_id: "<|endoftext|>"}
    tokeniser = transformers.CLIPTokenizer(
        vocab={names.get(row, token): row for token, row in bpe.encoder.items()},
        merges=[*bpe.bpe_ranks],
        model_max_length=bpe.context_length,
    )
    processor = transformers.CLIPImageProcessorPil()
    return TransformersEncoder(model, tokeniser, processor, Path(), {})


def open_clip_clip(tower: str) -> OpenClipEncoder:
    """Return open_clip's model of this name, but for the image tower, which has one layer."""
    torch.manual_seed(0)
    image = {**open_clip.get_model_config(tower)["vision_cfg"], "layers": 1}
    model = open_clip.create_model(tower, vision_cfg=image).eval()
    return OpenClipEncoder(model, _no_pictures, open_clip.get_tokenizer(tower), {})


def _no_pictures(image: Image.Image) -> torch.Tensor:
    raise NotImplementedError
