"""The ground: files, errors, progress, parameters, torch, weights, the GPU's lock, pages, MLflow.

Nothing here knows what the project is about.
"""

__all__ = [
    "errors",
    "files",
    "gpu_lease",
    "hub_words",
    "params",
    "patience",
    "progress",
    "static_page",
    "torch_setup",
    "tracking",
    "weights_files",
    "yaml_text",
]
