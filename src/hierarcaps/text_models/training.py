"""One small training loop for the text models that the pipeline trains itself: NLI and H.

A run is a pure function of its batches, settings and seed. Its state is saved now and then beside
the output, under a key of all three, so that an interrupted run goes on where it was, to the same
weights, and a run with other settings starts anew.
"""

import itertools
import math
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import atomic_path, publish
from hierarcaps.runtime.halving import Parts
from hierarcaps.runtime.progress import progress

STATE_INTERVAL_SECONDS = 30.0
BUCKET_BATCHES = 16
_PARTIAL_FOLDER = ".partial-model-"


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    Attributes:
        steps: optimiser steps.
        batch_size: examples a step.
        learning_rate: peak of the one-cycle schedule.
        warmup: share of the steps before the peak.
        weight_decay: of AdamW.
        clip: largest gradient norm.
        seed: of initial weights, order of examples and dropout.
    """

    steps: int
    batch_size: int
    learning_rate: float
    warmup: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0
    seed: int = 0


def batch_order(
    lengths: Sequence[int], schedule: Schedule, shuffle: bool = True
) -> list[np.ndarray]:
    """Return the example indices of each step, examples of like length together.

    Args:
        lengths: of each example, in tokens.
        schedule: steps, batch size and seed are used.
        shuffle: False keeps the examples' order up to a few batches (for a curriculum).

    Returns:
        ``steps`` index arrays; every example is used about equally often.
    """
    if not lengths:
        raise InputError("training: there are no examples to train on")
    generator = np.random.default_rng(schedule.seed)
    needed = schedule.steps * schedule.batch_size
    rounds = []
    for _ in range(-(-needed // len(lengths))):
        indices = np.arange(len(lengths))
        rounds.append(generator.permutation(indices) if shuffle else indices)
    stream = np.concatenate(rounds)[:needed]
    batches: list[np.ndarray] = []
    for start in range(0, needed, BUCKET_BATCHES * schedule.batch_size):
        bucket = stream[start : start + BUCKET_BATCHES * schedule.batch_size]
        bucket = bucket[np.argsort([lengths[index] for index in bucket], kind="stable")]
        group = [
            bucket[i : i + schedule.batch_size] for i in range(0, len(bucket), schedule.batch_size)
        ]
        batches += [group[index] for index in generator.permutation(len(group))]
    return batches


def fit(
    module: Any,
    loss_of: Callable[[np.ndarray], Any],
    order: Sequence[np.ndarray],
    schedule: Schedule,
    state_path: str | Path,
    key: str,
    description: str,
    weights: np.ndarray | None = None,
) -> list[float]:
    """Train ``module`` with AdamW on a one-cycle schedule.

    Args:
        module: torch module with all trained parameters.
        loss_of: maps the example indices of a step to a scalar loss.
        order: example indices of each step.
        schedule: steps and rates.
        state_path: file of the resumable state; removed by the caller once the output is written.
        key: hash of everything that the run depends on.
        description: name in the progress output.
        weights: of each example, where ``loss_of`` is a mean weighted so: a batch that memory does
            not hold is then computed in parts, to the same step. None: it is not cut.

    Returns:
        The loss of each step.

    Raises:
        InputError: the loss is not finite.
    """
    import torch

    from hierarcaps.runtime.onednn import linear_by_onednn

    optimiser = torch.optim.AdamW(
        module.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay,
        betas=(0.9, 0.98), fused=True,
    )  # fmt: skip
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, schedule.learning_rate, total_steps=schedule.steps + 1,
        pct_start=schedule.warmup,
    )  # fmt: skip
    torch.manual_seed(schedule.seed)
    losses = _restore(Path(state_path), key, module, optimiser, cycle)
    module.train()
    saved = time.monotonic()
    weights = np.ones(0) if weights is None else weights
    parts = Parts(description)

    def gradients(batch: np.ndarray, number: int) -> float:
        module.zero_grad()
        total = 0.0
        for part in np.array_split(batch, number):
            share = float(weights[part].sum() / weights[batch].sum()) if number > 1 else 1.0
            loss = loss_of(part) * share
            loss.backward()
            total += loss.item()
        return total

    with linear_by_onednn(next(module.parameters()).device, few_shapes=True):
        bar = progress(range(len(losses), schedule.steps), description)
        for step in bar:
            batch = order[step]
            loss = parts(partial(gradients, batch), len(batch) if len(weights) else 1)
            if not math.isfinite(loss):
                raise InputError(
                    f"{description}: the loss is {loss} at step {step}; lower the learning rate"
                )
            torch.nn.utils.clip_grad_norm_(module.parameters(), schedule.clip)
            optimiser.step()
            cycle.step()
            losses.append(loss)
            bar.set_postfix_str(f"loss {np.mean(losses[-50:]):.3f}", refresh=False)
            if time.monotonic() - saved > STATE_INTERVAL_SECONDS:
                _save(Path(state_path), key, module, optimiser, cycle, losses)
                saved = time.monotonic()
    module.eval()
    return losses


def _save(
    path: Path, key: str, module: Any, optimiser: Any, cycle: Any, losses: list[float]
) -> None:
    import torch

    state = {
        "key": key,
        "module": module.state_dict(),
        "optimiser": optimiser.state_dict(),
        "cycle": cycle.state_dict(),
        "random": _random_state(module),
        "losses": losses,
    }
    # Through an open file: given a path, torch refuses names that begin with a full stop.
    with atomic_path(path) as partial, partial.open("wb") as file:
        torch.save(state, file)


def _restore(path: Path, key: str, module: Any, optimiser: Any, cycle: Any) -> list[float]:
    """Load the state of an interrupted run with the same key; return its losses so far."""
    import torch

    if not path.is_file():
        return []
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
        if state["key"] != key:
            return []
        module.load_state_dict(state["module"])
        optimiser.load_state_dict(state["optimiser"])
        cycle.load_state_dict(state["cycle"])
        _set_random_state(module, state["random"])
    except Exception:  # a state is an optimisation: whatever is wrong with it, start anew
        return []
    return list(state["losses"])


def _random_state(module: Any) -> dict[str, Any]:
    """Return the state of the generators that dropout draws from: a GPU has one of its own."""
    import torch

    states = {"cpu": torch.get_rng_state()}
    device = next(module.parameters()).device
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def _set_random_state(module: Any, states: Mapping[str, Any]) -> None:
    """Restore them.

    Raises:
        KeyError: a state of the CPU, on a GPU.
    """
    import torch

    device = next(module.parameters()).device
    if device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"], device)
    torch.set_rng_state(states["cpu"])


def write_curve(path: str | Path, losses: Sequence[float], points: int = 200) -> None:
    """Write a loss curve CSV (``step,loss``), each row the mean of the steps since the last."""
    edges = np.unique(np.linspace(0, len(losses), min(points, len(losses)) + 1).astype(int))
    with atomic_path(path) as partial, partial.open("w", encoding="utf-8") as file:
        file.write("step,loss\n")
        for start, end in itertools.pairwise(edges):
            file.write(f"{end},{np.mean(losses[start:end]):.6g}\n")


def save_pretrained(folder: str | Path, model: Any, tokenizer: Any) -> None:
    """Write a model and its tokenizer as a transformers folder.

    ``config.json`` goes before and comes last, so that half a folder is no model. What a killed
    process left of an earlier attempt goes too.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").unlink(missing_ok=True)
    for left in folder.glob(f"{_PARTIAL_FOLDER}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=_PARTIAL_FOLDER) as name:
        model.save_pretrained(name)
        tokenizer.save_pretrained(name)
        publish(Path(name).iterdir(), folder, last="config.json")
