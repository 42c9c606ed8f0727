"""The training loop of alignment, for every objective and model."""

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from hierarcaps import __version__
from hierarcaps.alignment.checkpoint import (
    RunState,
    StateFolder,
    optimiser_tensors,
    restore_optimiser,
    tensors_sha256,
)
from hierarcaps.alignment.data import ROOT_ROW, Schedule, TokenTable, tokenise_items
from hierarcaps.alignment.embedding import TextEncoder
from hierarcaps.alignment.objective import TERMS, AlignmentLoss
from hierarcaps.alignment.settings import AlignmentSettings
from hierarcaps.alignment.text_tower import TextTower, trainable_tower
from hierarcaps.alignment.validation import Validator, recall_retention
from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.models.encoder import DualEncoder
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import sha256_json
from hierarcaps.runtime.halving import Parts
from hierarcaps.runtime.onednn import linear_by_onednn
from hierarcaps.runtime.progress import progress

_MOST_NAMES = 8  # items in an error message


@dataclass(frozen=True)
class Alignment:
    """What a run leaves beside the trained model.

    Attributes:
        curve: rows with ``step``, ``split`` (``train`` or ``validation``), ``learning_rate``, the
            loss terms and, on validation rows, what :func:`watch` watches, ``tau_d`` and R@1.
        steps: optimiser steps behind the weights.
        root: where radii start, (D,), if that is not the empty string's embedding; else None.
    """

    curve: list[dict[str, Any]]
    steps: int
    root: Tensor | None


def align(
    encoder: DualEncoder,
    training: Sequence[CaptionHierarchy],
    validation: Sequence[CaptionHierarchy],
    settings: AlignmentSettings,
    seed: int,
    *,
    validation_images: NDArray[np.floating] | None = None,
    state_root: Path | None = None,
    save_seconds: float = 60.0,
) -> Alignment:
    """Fine-tune the text tower and text projection of ``encoder``, in place.

    Interrupted at any point and called again with the same arguments, it continues from the last
    saved state and ends, on the CPU, with bit-identical weights.

    Args:
        encoder: a freshly loaded model, in evaluation mode.
        training: items with negatives, unless the settings do without.
        validation: held-out items, likewise.
        settings: the recipe.
        seed: of the order of items.
        validation_images: unit embeddings (N, D) of the images of ``validation``, to watch R@1.
        state_root: folder for the state of interrupted runs; None keeps none.
        save_seconds: least time between two saves of the state.

    Raises:
        InputError: items without negatives, no items, a loss that is not finite, or an unreadable
            state.
    """
    schedule = Schedule(len(training), settings, seed)
    trained = [training[i] for i in schedule.items()]
    tables = tokenise_items(encoder, [trained, validation], settings)
    image_names = [item.image or item.item_id for item in validation]
    validator = Validator(tables[1], settings, validation_images, image_names)
    tower = trainable_tower(encoder, tables[0].tokens)
    fixed = tensors_sha256(tower.frozen)
    images = None if validation_images is None else torch.from_numpy(validation_images)
    key = sha256_json(
        {
            "settings": asdict(settings),
            "seed": seed,
            "training": [len(training), *([i.item_id, i.tiers, i.negatives] for i in trained)],
            "validation": [[i.item_id, i.tiers, i.negatives] for i in validation],
            "images": None if images is None else tensors_sha256({"images": images}),
            "image_names": image_names,
            "weights": [fixed, tensors_sha256(tower.parameters)],
            "software": [__version__, torch.__version__, tower.device.type],
        }
    )
    folder = StateFolder(state_root, key)
    with linear_by_onednn(tower.device):
        result = _Run(tower, tables[0], schedule, validator, folder).train(save_seconds)
    if tensors_sha256(tower.frozen) != fixed:
        raise AssertionError("alignment changed a frozen parameter")
    folder.clear()
    return result


class _Run:
    """One run: parameters, optimiser, state, and what they are trained on."""

    def __init__(
        self,
        tower: TextTower,
        table: TokenTable,
        schedule: Schedule,
        validator: Validator,
        folder: StateFolder,
    ) -> None:
        self.schedule = schedule
        self.settings = schedule.settings
        self.tower = tower
        self.table = table
        self.validator = validator
        self.folder = folder
        self.row_of_item = np.full(schedule.n_items, -1)
        self.row_of_item[schedule.items()] = np.arange(len(self.table.item_ids))
        self.encoder = TextEncoder(tower, self.table.tokens, self.settings)
        self.original = self._original_embeddings()
        self.parameters = dict(tower.parameters)
        self.encoder.root = self._root()
        self.loss = AlignmentLoss(self.settings)
        self.optimiser = torch.optim.AdamW(
            list(self.parameters.values()), weight_decay=self.settings.weight_decay, fused=True
        )
        self.state = self._restore()
        self.unlogged: list[tuple[int, Tensor]] = []
        self.parts = Parts("alignment")

    def train(self, save_seconds: float) -> Alignment:
        """Run to the end, or until validation stops improving."""
        n_steps, state, settings = self.schedule.n_steps, self.state, self.settings
        if not state.curve:
            self._validate()
        # Closed after an interruption too, before anything is said of it.
        with progress(None, f"aligning ({settings.objective})", total=n_steps) as bar:
            bar.update(state.step)
            saved = time.monotonic()
            while state.step < n_steps and not self._stopped():
                self._step()
                bar.update()
                validate = state.step % settings.validate_every == 0 or state.step == n_steps
                if validate or state.step % settings.log_every == 0:
                    bar.set_postfix_str(self._log(), refresh=False)
                    if validate:
                        self._validate()
                    if time.monotonic() - saved >= save_seconds:
                        self._save()
                        saved = time.monotonic()
        return self._finish()

    def _step(self) -> None:
        rate = self._learning_rate(self.state.step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        terms = self.parts(self._gradients, self.settings.batch_size)
        self.optimiser.step()
        self.unlogged.append((self.state.step, terms))
        self.state.step += 1

    def _gradients(self, parts: int) -> Tensor:
        self.optimiser.zero_grad(set_to_none=True)
        batches = self.schedule.batches(self.state.step)
        terms = torch.zeros(len(TERMS), device=self.tower.device)
        for items in batches:
            rows = self.table.texts()[self.row_of_item[items]]
            texts, batch = self.encoder.encode(rows, parts)
            loss = self.loss(batch, texts, self.original[torch.from_numpy(rows)]) / len(batches)
            loss[0].backward()
            terms = terms + loss.detach()
        return terms

    def _learning_rate(self, step: int) -> float:
        return self.settings.learning_rate_at(step, self.schedule.n_steps)

    def _log(self) -> str:
        """Write the mean terms since the last row; here only, a GPU is waited for."""
        terms = torch.stack([each for _, each in self.unlogged]).cpu()
        for (step, _), total in zip(self.unlogged, terms[:, 0].tolist(), strict=True):
            if not math.isfinite(total):
                raise InputError(self._not_finite(step, total))
        values = dict(zip(TERMS, terms.double().mean(dim=0).tolist(), strict=True))
        rate = self._learning_rate(self.unlogged[-1][0])
        self.state.curve.append(
            {"step": self.state.step, "split": "train", "learning_rate": rate, **values}
        )
        self.unlogged.clear()
        return " ".join(f"{name} {value:.4f}" for name, value in values.items())

    def _not_finite(self, step: int, total: float) -> str:
        rows = np.concatenate([self.row_of_item[b] for b in self.schedule.batches(step)])
        names = ", ".join(repr(self.table.item_ids[row]) for row in rows[:_MOST_NAMES])
        more = f" and {len(rows) - _MOST_NAMES} more" if len(rows) > _MOST_NAMES else ""
        return (
            f"alignment: the loss is {total} at step {step + 1} on items {names}{more}, expected "
            "a finite number; a lower alignment.learning_rate may help"
        )

    def _validate(self) -> None:
        state = self.state
        values = self.validator.measure(self.encoder, self.loss, self.original)
        values |= recall_retention(values, state.curve[0] if state.curve else values)
        rate = self._learning_rate(max(0, state.step - 1))
        state.curve.append(
            {"step": state.step, "split": "validation", "learning_rate": rate, **values}
        )
        if not math.isfinite(values["total"]):
            raise InputError(
                f"alignment: the validation loss is {values['total']} after step {state.step}, "
                "expected a finite number"
            )
        if self.settings.patience is None:
            return
        if state.best_total is None or values["total"] < state.best_total:
            state.best_total, state.best_step, state.stale = values["total"], state.step, 0
            for name, parameter in self.parameters.items():
                state.tensors[f"best.{name}"] = parameter.detach().cpu().clone()
        else:
            state.stale += 1

    def _stopped(self) -> bool:
        return self.settings.patience is not None and self.state.stale >= self.settings.patience

    def _finish(self) -> Alignment:
        steps = self.state.step
        if self.settings.patience is not None:
            steps = self.state.best_step
            self._load_weights("best")
        decay = 1.0
        for step in range(steps):
            decay *= 1.0 - self._learning_rate(step) * self.settings.weight_decay
        self.tower.finish(decay)
        root = self.encoder.root
        return Alignment(self.state.curve, steps, None if root is None else root.detach().cpu())

    def _original_embeddings(self) -> Tensor:
        """Embeddings (U, D) of all token rows by the tower as it is before the first step."""
        saved = self.folder.load_original()
        if saved is None:
            rows = np.arange(len(self.table.tokens))
            saved = self.encoder.embed(rows, "original embeddings").cpu()
            self.folder.save_original(saved)
        return saved.to(self.tower.device)

    def _root(self) -> Tensor | None:
        """The root where it is not the empty string; a learned one joins the parameters."""
        match self.settings.root:
            case "mean":
                tiers = torch.from_numpy(np.unique(self.table.positives))
                return F.normalize(self.original[tiers].mean(dim=0), dim=-1)
            case "origin":
                return torch.zeros_like(self.original[ROOT_ROW])
            case "learned":
                self.parameters["root"] = nn.Parameter(self.original[ROOT_ROW].clone())
                return self.parameters["root"]
            case _:
                return None

    def _restore(self) -> RunState:
        state = self.folder.load()
        if state is None:
            return RunState()
        self.state = state
        self._load_weights("weight")
        restore_optimiser(self.optimiser, self.parameters, state.tensors, state.step)
        state.tensors = {k: v for k, v in state.tensors.items() if k.startswith("best.")}
        return state

    def _load_weights(self, kind: str) -> None:
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(self.state.tensors[f"{kind}.{name}"])

    def _save(self) -> None:
        weights = {f"weight.{name}": value.detach() for name, value in self.parameters.items()}
        moments = optimiser_tensors(self.optimiser, self.parameters)
        self.folder.save(replace(self.state, tensors=self.state.tensors | weights | moments))
