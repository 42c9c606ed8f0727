"""State of an interrupted run, kept until the run has ended.

The order of items is a function of seed and step, and text towers are trained in evaluation mode
(no dropout), so weights, optimiser moments and the step are the whole state: there is no generator
whose position would have to be restored.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import atomic_path

_STATE_FILE = "state.safetensors"
_ORIGINAL_FILE = "original.safetensors"
_METADATA_KEY = "alignment"


@dataclass
class RunState:
    """Where a run is.

    Attributes:
        step: optimiser steps done.
        curve: rows written so far.
        best_step: step of the validation with the lowest total loss.
        best_total: that loss; None before the first validation.
        stale: validations since then.
        tensors: weights (``weight.*``), moments (``exp_avg.*``, ``exp_avg_sq.*``) and, with early
            stopping, the best weights (``best.*``), by parameter name.
    """

    step: int = 0
    curve: list[dict[str, Any]] = field(default_factory=list)
    best_step: int = 0
    best_total: float | None = None
    stale: int = 0
    tensors: dict[str, Tensor] = field(default_factory=dict)


class StateFolder:
    """Folder of one run's state, ``root/key``; without a root nothing is kept.

    Args:
        root: folder for the states of all runs, outside declared outputs.
        key: hash of everything that the result depends on, so that no state is taken up by
            another run.
    """

    def __init__(self, root: Path | None, key: str) -> None:
        self._path = None if root is None else Path(root) / key[:24]

    def load(self) -> RunState | None:
        """Return the last saved state, None where there is none.

        Raises:
            InputError: the state cannot be read.
        """
        found = self._read(_STATE_FILE)
        if found is None:
            return None
        tensors, metadata = found
        return RunState(**json.loads(metadata), tensors=tensors)

    def save(self, state: RunState) -> None:
        """Replace the saved state; a reader meets either the old or the new one."""
        content = asdict(replace(state, tensors={}))
        del content["tensors"]
        self._write(_STATE_FILE, state.tensors, json.dumps(content))

    def load_original(self) -> Tensor | None:
        """Return the embeddings by the original text tower, None where they are not saved."""
        found = self._read(_ORIGINAL_FILE)
        return None if found is None else found[0]["embeddings"]

    def save_original(self, embeddings: Tensor) -> None:
        """Save the embeddings by the original text tower, computed before the first step."""
        self._write(_ORIGINAL_FILE, {"embeddings": embeddings}, "{}")

    def clear(self) -> None:
        """Remove the folder; the run's outputs exist."""
        if self._path is not None:
            shutil.rmtree(self._path, ignore_errors=True)

    def _read(self, name: str) -> tuple[dict[str, Tensor], str] | None:
        if self._path is None or not (self._path / name).is_file():
            return None
        path = self._path / name
        try:
            with safe_open(str(path), framework="pt") as file:
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
                return tensors, file.metadata()[_METADATA_KEY]
        except (OSError, SafetensorError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}: the saved state of an alignment run cannot be read ({error}); "
                "delete it to start the run anew"
            ) from None

    def _write(self, name: str, tensors: Mapping[str, Tensor], metadata: str) -> None:
        if self._path is not None:
            with atomic_path(self._path / name) as partial:
                contiguous = {key: tensor.contiguous() for key, tensor in tensors.items()}
                save_file(contiguous, str(partial), {_METADATA_KEY: metadata})


def tensors_sha256(tensors: Mapping[str, Tensor]) -> str:
    """Return the hex SHA-256 of named tensors: names, types, shapes and every bit."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        # Viewed as bytes on the way, since numpy knows no bfloat16.
        flat = tensor.detach().cpu().contiguous().flatten()
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def optimiser_tensors(
    optimiser: torch.optim.Optimizer, parameters: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Return the moments of Adam by ``exp_avg.<parameter>`` and ``exp_avg_sq.<parameter>``."""
    return {
        f"{moment}.{name}": optimiser.state[parameter][moment]
        for name, parameter in parameters.items()
        if parameter in optimiser.state
        for moment in ("exp_avg", "exp_avg_sq")
    }


def restore_optimiser(
    optimiser: torch.optim.Optimizer,
    parameters: Mapping[str, Tensor],
    tensors: Mapping[str, Tensor],
    step: int,
) -> None:
    """Put back the moments from :func:`optimiser_tensors`, after ``step`` steps."""
    states = {
        index: {
            "step": torch.tensor(float(step)),
            "exp_avg": tensors[f"exp_avg.{name}"],
            "exp_avg_sq": tensors[f"exp_avg_sq.{name}"],
        }
        for index, name in enumerate(parameters)
        if f"exp_avg.{name}" in tensors
    }
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": states, "param_groups": groups})
