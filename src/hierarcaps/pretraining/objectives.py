"""What pre-training minimises: CLIP's contrastive loss, or MERU's on the hyperboloid."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hierarcaps.geometry import lorentz
from hierarcaps.models.meru_family import source as meru_source
from hierarcaps.models.meru_family.encoder import Meru
from hierarcaps.models.open_clip_family import source as open_clip_source
from hierarcaps.models.open_clip_family.encoder import open_clip
from hierarcaps.runtime.errors import InputError

MAX_LOGIT_SCALE = 100.0  # as in CLIP


class Objective(Protocol):
    """A model to be trained, and what it is trained to do.

    Attributes:
        clip: the towers, whose features (B, D) are not normalised.
        files: names of the configuration and the weights of its checkpoints.
    """

    clip: open_clip.CLIP
    files: tuple[str, str]

    @property
    def model(self) -> nn.Module:
        """All that is trained and written."""
        ...

    def loss(self, images: Tensor, texts: Tensor, text_of_image: Tensor) -> Tensor:
        """Return the loss of a batch, a scalar.

        Args:
            images: (B, D) features.
            texts: (U, D) features of the batch's distinct captions.
            text_of_image: (B, K) int64, the K captions of each image.
        """
        ...

    def clamp(self) -> None:
        """Bring parameters back into their bounds, after a step.

        The parameters and not what is computed of them: beyond the bound that has no gradient, so
        that a scale which has once come there would stay.
        """
        ...

    def similarity(self, images: Tensor, texts: Tensor) -> Tensor:
        """Return (I, U), higher is nearer, of features (I, D) and (U, D)."""
        ...


class ClipObjective:
    """The symmetric CLIP loss on unit vectors."""

    files: tuple[str, str] = (open_clip_source.CONFIG_FILE, open_clip_source.WEIGHTS_FILE)

    def __init__(self, architecture: Mapping[str, Any]) -> None:
        self.clip = open_clip.CLIP(**architecture)
        self.model = self.clip

    def loss(self, images: Tensor, texts: Tensor, text_of_image: Tensor) -> Tensor:
        """CLIP's loss."""
        images, texts = F.normalize(images, dim=-1), F.normalize(texts, dim=-1)
        return contrastive_loss(images, texts, text_of_image, self.clip.logit_scale.exp())

    def clamp(self) -> None:
        """Bound the scale."""
        _clamp_scale(self.clip)

    def similarity(self, images: Tensor, texts: Tensor) -> Tensor:
        """Cosines."""
        return F.normalize(images, dim=-1) @ F.normalize(texts, dim=-1).T


class MeruObjective:
    """MERU's loss (Desai et al., 2023): contrastive on distances, and entailment cones.

    The logits are negative distances on the hyperboloid. The second term asks each caption's cone
    to hold its image: ``max(0, exterior angle - half-aperture)``. Nothing tells which of two
    captions is the more general.
    """

    files: tuple[str, str] = (meru_source.CONFIG_FILE, meru_source.WEIGHTS_FILE)

    def __init__(self, architecture: Mapping[str, Any], entailment_weight: float) -> None:
        self.model = Meru(architecture)
        self.clip = self.model.clip
        self._entailment_weight = entailment_weight

    def loss(self, images: Tensor, texts: Tensor, text_of_image: Tensor) -> Tensor:
        """MERU's loss."""
        curvature = self.model.curvature()
        images, texts = self.model.lift_images(images), self.model.lift_texts(texts)
        scale = self.clip.logit_scale.exp()
        distances = lorentz.pairwise_distance(images, texts, curvature)
        contrastive = matching_loss(-scale * distances, text_of_image)
        captions, images = texts[text_of_image], images[:, None]
        excess = lorentz.exterior_angle(captions, images, curvature) - lorentz.half_aperture(
            captions, curvature
        )
        return contrastive + self._entailment_weight * excess.clamp_min(0).mean()

    def clamp(self) -> None:
        """Bound the scale, and what MERU bounds."""
        _clamp_scale(self.clip)
        self.model.clamp()

    def similarity(self, images: Tensor, texts: Tensor) -> Tensor:
        """Lorentzian inner products."""
        images, texts = self.model.lift_images(images), self.model.lift_texts(texts)
        return lorentz.pairwise_inner(images, texts, self.model.curvature())


@torch.no_grad()
def _clamp_scale(clip: open_clip.CLIP) -> None:
    clip.logit_scale.clamp_(max=math.log(MAX_LOGIT_SCALE))


def make_objective(settings: Mapping[str, Any], seed: int) -> Objective:
    """Return the objective of a variant with freshly drawn weights.

    Args:
        settings: ``architecture``, and ``objective`` (``clip`` by default, or ``meru`` with
            ``entailment_weight``, which a model that is not trained goes without).
        seed: of the weights.

    Raises:
        InputError: an architecture that open_clip refuses, or an unknown objective.
    """
    name, architecture = settings.get("objective", "clip"), settings["architecture"]
    makers: dict[str, Callable[[], Objective]] = {
        "clip": lambda: ClipObjective(architecture),
        "meru": lambda: MeruObjective(architecture, settings.get("entailment_weight", 0.0)),
    }
    if name not in makers:
        raise InputError(f"pretrain objective: found {name!r}, expected one of {', '.join(makers)}")
    torch.manual_seed(seed)
    try:
        return makers[name]()
    except (TypeError, ValueError, AssertionError, RuntimeError, ZeroDivisionError) as error:
        raise InputError(f"pretrain architecture: open_clip refuses it ({error})") from None


def contrastive_loss(
    images: Tensor, texts: Tensor, text_of_image: Tensor, logit_scale: Tensor
) -> Tensor:
    """CLIP's symmetric cross-entropy, for images that have several captions.

    Args:
        images: (B, D) unit embeddings.
        texts: (U, D) unit embeddings of the batch's distinct captions.
        text_of_image: (B, K) int64, the captions of each image.
        logit_scale: scalar, the inverse temperature.

    Returns:
        Scalar, the mean over both directions.
    """
    return matching_loss(logit_scale * images @ texts.T, text_of_image)


def matching_loss(logits: Tensor, text_of_image: Tensor) -> Tensor:
    """Symmetric cross-entropy of the logits (B, U) of images and texts.

    An image has each of its captions, ``text_of_image (B, K)``, to find among all texts that are
    none of its captions, and a caption each of its images among all images that do not have it.
    With one caption an image, all different, this is CLIP's loss.
    """
    own = torch.zeros_like(logits, dtype=torch.bool).scatter_(1, text_of_image, True)
    right = logits.gather(1, text_of_image)
    # Not minus infinity: a text that all images have would give it, and no gradient.
    wrong = logits.masked_fill(own, torch.finfo(logits.dtype).min)
    by_image, by_text = (
        (torch.logaddexp(right, others) - right).mean()
        for others in (wrong.logsumexp(1)[:, None], wrong.logsumexp(0)[text_of_image])
    )
    return (by_image + by_text) / 2
