"""A tiny CLIP and a few hierarchies to align it on."""

import random

import torch

from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.models.open_clip_family.encoder import OpenClipEncoder, open_clip

# Two threads gain nothing on a model this small, and lose much where cores are shared.
torch.set_num_threads(1)

TINY = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 16, "layers": 1, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 16, "width": 32, "heads": 2, "layers": 2},
}


def make_encoder(dtype: torch.dtype = torch.float64) -> OpenClipEncoder:
    torch.manual_seed(0)
    model = open_clip.CLIP(**TINY).to(dtype).eval()
    return OpenClipEncoder(
        model, lambda image: image, open_clip.SimpleTokenizer(context_length=16), {}
    )


def make_items(n: int, seed: int = 0) -> list[CaptionHierarchy]:
    """Chains that share general tiers, as real ones do."""
    draw = random.Random(seed)
    concepts = {"animal": ["dog", "cat", "goat"], "vehicle": ["car", "bus", "boat"]}
    items = []
    for i in range(n):
        category, other = draw.sample(sorted(concepts), 2)
        concept, colour = draw.choice(concepts[category]), draw.choice(["red", "white", "black"])
        place, elsewhere = draw.sample(["beach", "street", "field", "room"], 2)
        tiers = (category, concept, f"{colour} {concept}", f"a {colour} {concept} on a {place}")
        wrong = draw.choice(concepts[other])
        negatives = (other, wrong, f"blue {concept}", f"a {colour} {concept} in a {elsewhere}")
        items.append(CaptionHierarchy(f"item-{i}", tiers, None, negatives))
    return items
