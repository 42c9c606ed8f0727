"""The text tower of open_clip's CLIP, for :mod:`hierarcaps.models.packing`."""

import open_clip
import torch.nn.functional as F
from open_clip.transformer import LayerNorm, ResidualAttentionBlock
from torch import Tensor, nn

from hierarcaps.models.packing import CausalBlock, CausalTower


def is_packable(model: open_clip.CLIP) -> bool:
    """Return whether :func:`causal_tower` knows the text tower of ``model``."""
    return (
        type(model) is open_clip.CLIP
        and model.text_pool_type == "argmax"
        and model.attn_mask is not None
        and type(model.ln_final) is LayerNorm
        and all(type(block) is ResidualAttentionBlock for block in model.transformer.resblocks)
    )


def causal_tower(model: open_clip.CLIP) -> CausalTower:
    """Return the text tower of a model for which :func:`is_packable` holds."""

    def project(x: Tensor) -> Tensor:
        x, projection = model.ln_final(x), model.text_projection
        if projection is None:
            return x
        return projection(x) if isinstance(projection, nn.Linear) else x @ projection

    return CausalTower(
        ("token_embedding.weight", model.token_embedding.weight),
        model.positional_embedding,
        [_block(each) for each in model.transformer.resblocks],
        project,
    )


def _block(block: ResidualAttentionBlock) -> CausalBlock:
    attention = block.attn
    return CausalBlock(
        attention.num_heads,
        lambda x: F.linear(block.ln_1(x), attention.in_proj_weight, attention.in_proj_bias),
        lambda x: block.ls_1(attention.out_proj(x)),
        lambda x: block.ls_2(block.mlp(block.ln_2(x))),
    )
