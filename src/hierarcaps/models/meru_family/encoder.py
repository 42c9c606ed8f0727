"""MERU (Desai et al., 2023): a CLIP whose features are lifted to a hyperboloid.

No code of MERU is used: its towers are open_clip's modules (:mod:`source` says how), and the
lift is :func:`hierarcaps.geometry.lorentz.exp_map0`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from torch import Tensor, nn

from hierarcaps.geometry.lorentz import exp_map0
from hierarcaps.geometry.spaces import Lorentz
from hierarcaps.models.encoder import check_finite
from hierarcaps.models.meru_family.source import read_meru
from hierarcaps.models.open_clip_family.encoder import OpenClipEncoder, open_clip, provenance_of
from hierarcaps.runtime.errors import InputError, one_line

MAX_LOG_CURVATURE = math.log(10)
"""Training keeps the curvature within a factor of 10 of its initial 1."""


class Meru(nn.Module):
    """A CLIP and the scalars of its lift, each as the logarithm of what it stands for.

    Attributes:
        clip: the towers, with their projections.
        curv: of the curvature c.
        visual_alpha: of the factor of image features before the lift.
        textual_alpha: likewise of text features.
    """

    def __init__(self, model_cfg: Mapping[str, Any]) -> None:
        super().__init__()
        self.clip = open_clip.CLIP(**model_cfg)
        # Features of D dimensions have a length of about sqrt(D) at first: 1 after this.
        alpha = -0.5 * math.log(model_cfg["embed_dim"])
        self.curv = nn.Parameter(torch.zeros(()))
        self.visual_alpha = nn.Parameter(torch.tensor(alpha))
        self.textual_alpha = nn.Parameter(torch.tensor(alpha))

    def curvature(self) -> Tensor:
        """Return ``c``, a scalar > 0."""
        return self.curv.exp()

    def lift_images(self, features: Tensor) -> Tensor:
        """Return points (B, D) of the hyperboloid from image features (B, D)."""
        return exp_map0(features * self.visual_alpha.exp(), self.curvature())

    def lift_texts(self, features: Tensor) -> Tensor:
        """Return points (B, D) of the hyperboloid from text features (B, D)."""
        return exp_map0(features * self.textual_alpha.exp(), self.curvature())

    @torch.no_grad()
    def clamp(self) -> None:
        """Keep the scalars where MERU's training keeps them: factors do not enlarge."""
        self.curv.clamp_(-MAX_LOG_CURVATURE, MAX_LOG_CURVATURE)
        self.visual_alpha.clamp_(max=0.0)
        self.textual_alpha.clamp_(max=0.0)


class MeruEncoder:
    """A MERU as a :class:`hierarcaps.models.encoder.DualEncoder`.

    Attributes:
        model: the towers and the lift.
        geometry: the hyperboloid that the embeddings are points of.
    """

    def __init__(self, model: Meru, features: OpenClipEncoder, provenance: dict[str, Any]) -> None:
        self.model = model
        self.geometry = Lorentz(model.curvature().item())
        self._features = features
        self._provenance = provenance

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._features.device

    def tokenise(self, texts: Sequence[str]) -> Tensor:
        """Token ids of CLIP's tokeniser, (B, context) int64."""
        return self._features.tokenise(texts)

    def truncated(self, texts: Sequence[str]) -> int:
        """Texts of more tokens than the context has room for."""
        return self._features.truncated(texts)

    def token_lengths(self, tokens: Tensor) -> Tensor:
        """Leading tokens that matter, (B,)."""
        return self._features.token_lengths(tokens)

    def encode_text(self, tokens: Tensor) -> Tensor:
        """Space components of points of the hyperboloid, (B, D)."""
        return self.model.lift_texts(self._features.text_features(tokens))

    def preprocess(self, image: Image.Image) -> Tensor:
        """The image tower's input (3, H, W)."""
        return self._features.preprocess(image)

    def encode_image(self, images: Tensor) -> Tensor:
        """Space components of points of the hyperboloid, (B, D)."""
        return self.model.lift_images(self._features.image_features(images))

    def provenance(self) -> dict[str, Any]:
        """What was loaded."""
        return self._provenance


def load_meru(name: str, device: torch.device) -> MeruEncoder:
    """Load a MERU in float32, in evaluation mode.

    Args:
        name: a published checkpoint (``meru_vit_b.pth``), the same as safetensors, or a folder that
            the workflow pre-trained.
        device: where to put the weights.

    Raises:
        InputError: see :func:`hierarcaps.models.registry.load_model`.
    """
    checkpoint = read_meru(name)
    try:
        model = Meru(checkpoint.model_cfg)
        model.load_state_dict(checkpoint.state)
        size = model.clip.visual.image_size
        preprocessing = {**checkpoint.preprocess_cfg, "size": size}
        preprocess = image_transform_v2(PreprocessCfg(**preprocessing), is_train=False)
    except Exception as error:
        # open_clip meets untrusted settings here, and raises whatever its modules raise.
        raise InputError(
            f"model {name}: {checkpoint.weights} cannot be read, or does not fit its architecture "
            f"({one_line(error)})"
        ) from None
    check_finite(model, name, checkpoint.weights)
    model.to(device).eval()
    tokeniser = open_clip.SimpleTokenizer(context_length=model.clip.context_length)
    features = OpenClipEncoder(model.clip, preprocess, tokeniser, {})
    provenance = provenance_of(
        model, model.clip.visual, name, None, checkpoint.weights, preprocessing
    )
    lift = {
        "curvature": model.curvature().item(),
        "visual_alpha": model.visual_alpha.exp().item(),
        "textual_alpha": model.textual_alpha.exp().item(),
    }
    return MeruEncoder(model, features, {**provenance, "class": "MERU", "lift": lift})
