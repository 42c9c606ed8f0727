"""Emergent visual-semantic hierarchies in image-text models, as a reproducible workflow.

The names below are the package's interface: what they take and return stays within a major
version, and goes only after a release that warns. Everything else is the study's own and moves with
it. Each is imported when it is first used: geometry, losses and metrics need torch and numpy alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hierarcaps.alignment.losses import EntailmentConeLoss, RadialEmbeddingLoss
    from hierarcaps.alignment.recipe import align
    from hierarcaps.alignment.settings import AlignmentSettings
    from hierarcaps.data.hierarchy import CaptionHierarchy, read_hierarchies
    from hierarcaps.evaluation.compare import compare
    from hierarcaps.evaluation.describe import describe
    from hierarcaps.evaluation.probe import probe
    from hierarcaps.geometry.sphere import exterior_angle, radius
    from hierarcaps.metrics.hierarchy import hierarchical_retrieval, kendall_tau, precision_recall
    from hierarcaps.models.registry import load_model
    from hierarcaps.models.save import save_encoder
    from hierarcaps.runtime.errors import InputError

__version__ = "0.1.0"
__all__ = [
    "AlignmentSettings", "CaptionHierarchy", "EntailmentConeLoss", "InputError",
    "RadialEmbeddingLoss", "align", "compare", "describe", "exterior_angle",
    "hierarchical_retrieval", "kendall_tau", "load_model", "precision_recall", "probe", "radius",
    "read_hierarchies", "save_encoder",
]  # fmt: skip

_HOMES = {
    "alignment.losses": ("EntailmentConeLoss", "RadialEmbeddingLoss"),
    "alignment.recipe": ("align",),
    "alignment.settings": ("AlignmentSettings",),
    "data.hierarchy": ("CaptionHierarchy", "read_hierarchies"),
    "evaluation.compare": ("compare",),
    "evaluation.describe": ("describe",),
    "evaluation.probe": ("probe",),
    "geometry.sphere": ("exterior_angle", "radius"),
    "metrics.hierarchy": ("hierarchical_retrieval", "kendall_tau", "precision_recall"),
    "models.registry": ("load_model",),
    "models.save": ("save_encoder",),
    "runtime.errors": ("InputError",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
