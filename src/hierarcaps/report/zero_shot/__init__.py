"""The page on emergence: models as pre-trained, beside untrained ones and baselines."""

__all__ = [
    "figures",
    "findings",
    "geometry_figure",
    "length_figure",
    "modality_figure",
    "radial_view",
    "root_figure",
]
