"""Checkpoints so small that tests make them, in the format that MERU published.

The towers are built from timm and torch, under the published names, and know nothing of how the
project loads them.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from hierarcaps.runtime.torch_setup import declare_torchvision_ops

declare_torchvision_ops()

import timm  # noqa: E402

EMBED, WIDTH, LAYERS, CONTEXT, SIZE, PATCH = 12, 64, 2, 12, 16, 8


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(WIDTH, 1, batch_first=True)
        self.ln_1, self.ln_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.mlp = nn.Sequential()
        self.mlp.add_module("c_fc", nn.Linear(WIDTH, 4 * WIDTH))
        self.mlp.add_module("gelu", nn.GELU())
        self.mlp.add_module("c_proj", nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        normed = self.ln_1(x)
        x = x + self.attn(normed, normed, normed, attn_mask=mask, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class Textual(nn.Module):
    def __init__(self, context: int, layers: int) -> None:
        super().__init__()
        self.token_embed = nn.Embedding(49408, WIDTH)
        self.posit_embed = nn.Parameter(torch.randn(context, WIDTH))
        self.resblocks = nn.ModuleList(Block() for _ in range(layers))
        self.ln_final = nn.LayerNorm(WIDTH)
        self.register_buffer("attn_mask", torch.ones(context, context).triu(1).bool())

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.token_embed(tokens) + self.posit_embed
        for block in self.resblocks:
            x = block(x, self.attn_mask)
        return self.ln_final(x)[torch.arange(len(x)), tokens.argmax(dim=1)]


class PublishedMeru(nn.Module):
    """The state dict of this module is that of a published checkpoint."""

    def __init__(
        self, size: int = SIZE, patch: int = PATCH, context: int = CONTEXT, layers: int = LAYERS
    ) -> None:
        super().__init__()
        self.visual = timm.models.VisionTransformer(
            img_size=size, patch_size=patch, embed_dim=WIDTH, depth=layers, num_heads=1,
            num_classes=0, global_pool="token", norm_layer=nn.LayerNorm,
        )  # fmt: skip
        self.textual = Textual(context, layers)
        self.visual_proj = nn.Linear(WIDTH, EMBED, bias=False)
        self.textual_proj = nn.Linear(WIDTH, EMBED, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(3.1))
        self.curv = nn.Parameter(torch.tensor(-0.7))
        self.visual_alpha = nn.Parameter(torch.tensor(-1.1))
        self.textual_alpha = nn.Parameter(torch.tensor(-1.4))
        self.register_buffer("pixel_mean", torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1))
        self.register_buffer("pixel_std", torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1))

    def lifted(self, features: Tensor, alpha: Tensor) -> Tensor:
        tangents = features * alpha.exp()
        angle = (self.curv / 2).exp() * tangents.norm(dim=-1, keepdim=True)
        return angle.sinh() / angle * tangents

    def image_features(self, pixels: Tensor) -> Tensor:
        return self.visual_proj(self.visual((pixels - self.pixel_mean) / self.pixel_std))

    def text_features(self, tokens: Tensor) -> Tensor:
        return self.textual_proj(self.textual(tokens))

    def encode_image(self, pixels: Tensor) -> Tensor:
        """Points (B, D) of images (B, 3, S, S) with values from 0 to 1."""
        return self.lifted(self.image_features(pixels), self.visual_alpha)

    def encode_text(self, tokens: Tensor) -> Tensor:
        """Points (B, D) of tokens (B, CONTEXT)."""
        return self.lifted(self.text_features(tokens), self.textual_alpha)


def published_meru(**shape: int) -> PublishedMeru:
    torch.manual_seed(0)
    model = PublishedMeru(**shape)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            # As made, biases and class token are zeros, which hides where they are added.
            if parameter.ndim and ("bias" in name or "cls_token" in name):
                parameter.normal_(std=0.3)
    return model.eval()


def write_published(
    path: Path, change: Callable[[dict], None] = lambda state: None, **shape: int
) -> Path:
    """Write a checkpoint as MERU's training does, its state dict changed."""
    state = published_meru(**shape).state_dict()
    change(state)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"model": state, "iteration": 120000}, path)
    return path


def drop_lift(state: dict) -> None:
    """Leave the CLIP that such a checkpoint is without its lift to the hyperboloid."""
    for name in ("curv", "visual_alpha", "textual_alpha"):
        del state[name]
