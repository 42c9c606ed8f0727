"""The text tower of transformers' CLIP, for :mod:`hierarcaps.models.packing`."""

import torch
import transformers
from torch import Tensor, nn
from transformers.models.clip.modeling_clip import CLIPEncoderLayer

from hierarcaps.models.packing import CausalBlock, CausalTower


def is_packable(model: nn.Module) -> bool:
    """Return whether :func:`causal_tower` knows the text tower of ``model``."""
    return type(model) is transformers.CLIPModel and all(
        type(layer) is CLIPEncoderLayer for layer in model.text_model.encoder.layers
    )


def causal_tower(model: transformers.CLIPModel) -> CausalTower:
    """Return the text tower of a model for which :func:`is_packable` holds."""
    text = model.text_model

    def project(x: Tensor) -> Tensor:
        return model.text_projection(text.final_layer_norm(x))

    return CausalTower(
        ("text_model.embeddings.token_embedding.weight", text.embeddings.token_embedding.weight),
        text.embeddings.position_embedding.weight,
        [_block(layer) for layer in text.encoder.layers],
        project,
    )


def _block(layer: CLIPEncoderLayer) -> CausalBlock:
    attention = layer.self_attn

    def projections(x: Tensor) -> Tensor:
        x = layer.layer_norm1(x)
        return torch.cat([attention.q_proj(x), attention.k_proj(x), attention.v_proj(x)], dim=-1)

    return CausalBlock(
        attention.num_heads,
        projections,
        attention.out_proj,
        lambda x: layer.mlp(layer.layer_norm2(x)),
    )
