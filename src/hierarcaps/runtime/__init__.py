"""The ground: files, errors, progress, threads, parameters, torch, weights, GPUs, pages, MLflow.

Nothing here knows what the project is about.
"""

__all__ = [
    "allocator",
    "deferred_imports",
    "errors",
    "files",
    "gpu_lease",
    "halving",
    "hub_words",
    "onednn",
    "params",
    "patience",
    "progress",
    "static_page",
    "threads",
    "torch_setup",
    "tracking",
    "weights_files",
    "yaml_text",
]
