"""Pre-trains small CLIP and MERU models from scratch on the drawn scenes.

Captions of mixed specificity are all the supervision there is: nothing tells the model which of two
captions is the more general. ``steps: 0`` writes the untrained model, the control.
"""

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from hierarcaps.models.open_clip_family.encoder import encode_cropped, open_clip
from hierarcaps.models.open_clip_family.packing import causal_tower
from hierarcaps.models.packing import encode_packed
from hierarcaps.pretraining.objectives import Objective, make_objective
from hierarcaps.pretraining.scene_tensors import (
    PREPROCESSING,
    Scenes,
    Vocabulary,
    normalise,
    read_scenes,
)
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import atomic_path, write_json
from hierarcaps.runtime.onednn import linear_by_onednn
from hierarcaps.runtime.progress import progress

CURVE_FILE = "curve.csv"
CURVE_COLUMNS = ("step", "loss", "learning_rate", "validation_recall_at_1")
LOG_EVERY = 20  # steps that one row of the curve averages
VALIDATIONS = 5  # measurements of validation R@1 during a training
VALIDATION_BATCH = 250

Curve = list[tuple[int, float, float, float | None]]


def pretrain(
    settings: Mapping[str, Any],
    seed: int,
    train_path: str | Path,
    validation_path: str | Path,
    folder: str | Path,
    pixels: str | Path | None = None,
) -> None:
    """Train one variant on one thread and write it as a folder that the registry loads.

    Equal arguments give byte-identical files on the same machine.

    Args:
        settings: ``architecture`` (an open_clip ``model_cfg``), ``steps``, ``batch_size`` (scenes
            of a step), ``captions`` (of each of them in a step), ``peak_learning_rate``,
            ``weight_decay``, ``gradient_clip`` (largest gradient norm) and ``warmup`` (share of the
            steps in which the learning rate rises); and what :func:`make_objective` reads.
        seed: of the initial weights and of the order of scenes and captions.
        train_path: parquet file of scenes with the columns ``image`` and ``captions``.
        validation_path: the same with ``image`` and ``tiers``; measures, never trains.
        folder: where the configuration, the weights (an ordinary open_clip checkpoint, or
            ``meru_config.json`` and ``meru_model.safetensors``) and ``curve.csv`` go, each whole
            or not at all.
        pixels: the pictures of training as ``write_pixels`` scales them, once for all variants;
            None: they are decoded here.

    Raises:
        InputError: an architecture that open_clip refuses, unreadable scenes, fewer scenes than a
            batch, fewer captions of a scene than a step takes, or a loss that is not finite.
    """
    threads = torch.get_num_threads()
    # One thread per job: two jobs at one thread each are faster than one at two, and reductions
    # keep their order.
    torch.set_num_threads(1)
    try:
        objective = make_objective(settings, seed)
        curve: Curve = []
        if settings["steps"] > 0:
            size = settings["architecture"]["vision_cfg"]["image_size"]
            scenes = read_scenes(Path(train_path), size, "captions", pixels)
            validation = read_scenes(Path(validation_path), size, "tiers")
            if len(scenes) < settings["batch_size"]:
                raise InputError(
                    f"{train_path}: has {len(scenes)} scenes, expected at least batch_size = "
                    f"{settings['batch_size']}"
                )
            if scenes.text_rows.shape[1] < settings["captions"]:
                raise InputError(
                    f"{train_path}: scenes have {scenes.text_rows.shape[1]} captions, expected at "
                    f"least captions = {settings['captions']}"
                )
            curve = _train(objective, settings, seed, scenes, validation)
        _save(Path(folder), settings["architecture"], objective, curve)
    finally:
        torch.set_num_threads(threads)


def _train(
    objective: Objective,
    settings: Mapping[str, Any],
    seed: int,
    scenes: Scenes,
    validation: Scenes,
) -> Curve:
    model = objective.clip
    vocabulary = Vocabulary(scenes.texts, model.context_length)
    whole_vocabulary = model.token_embedding.weight.detach()
    model.token_embedding = nn.Embedding.from_pretrained(
        whole_vocabulary[vocabulary.used], freeze=False
    )
    if isinstance(model.visual, open_clip.modified_resnet.ModifiedResNet):
        # A fifth less time for small convolutions on CPU.
        model.visual.to(memory_format=torch.channels_last)
    curve = _run(objective, settings, seed, scenes, vocabulary, validation)
    # The rows of words that no caption has keep their initial values.
    whole_vocabulary[vocabulary.used] = model.token_embedding.weight.detach()
    model.token_embedding = nn.Embedding.from_pretrained(whole_vocabulary)
    return curve


@linear_by_onednn(torch.device("cpu"))
def _run(
    objective: Objective,
    settings: Mapping[str, Any],
    seed: int,
    scenes: Scenes,
    vocabulary: Vocabulary,
    validation: Scenes,
) -> Curve:
    steps, model = settings["steps"], objective.model
    optimisers = _optimisers(model, settings)
    schedules = [_schedule(optimiser, settings) for optimiser in optimisers]
    batches = scenes.batches(
        settings["batch_size"], settings["captions"], torch.Generator().manual_seed(seed)
    )
    measured = {round(steps * part / VALIDATIONS) for part in range(1, VALIDATIONS + 1)}
    recall: float | None = None
    curve: Curve = []
    losses: list[float] = []
    bar = progress(range(1, steps + 1), "pre-training", total=steps)
    for step in bar:
        images, texts = next(batches)
        model.train()
        learning_rate = float(schedules[0].get_last_lr()[0])
        loss = _loss(objective, images, texts, vocabulary)
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            raise InputError(
                f"pre-training stopped at step {step}: the loss is {losses[-1]}, expected a "
                "finite number; a lower peak_learning_rate may help"
            )
        model.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), settings["gradient_clip"])
        for optimiser, schedule in zip(optimisers, schedules, strict=True):
            optimiser.step()
            schedule.step()
        objective.clamp()
        if step in measured:
            recall = validation_recall(objective, validation, vocabulary)
        if step % LOG_EVERY == 0 or step == steps or step in measured:
            curve.append((step, sum(losses) / len(losses), learning_rate, recall))
            bar.set_postfix_str(f"loss {curve[-1][1]:.3f}", refresh=False)
            losses, recall = [], None
    return curve


def _optimisers(model: nn.Module, settings: Mapping[str, Any]) -> list[torch.optim.Optimizer]:
    """Return AdamW, and Muon (Jordan et al., 2024) for the matrices of transformer layers."""
    rate, decay = settings["peak_learning_rate"], settings["weight_decay"]
    vectors = [each for each in model.parameters() if each.ndim < 2]
    matrices = {name: each for name, each in model.named_parameters() if each.ndim >= 2}
    of_layers = [each for name, each in matrices.items() if "resblocks" in name]
    of_others = [each for name, each in matrices.items() if "resblocks" not in name]
    others = [
        {"params": of_others, "weight_decay": decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    # Its steps are as long as those of AdamW (Liu et al., 2025): one learning rate for both.
    muon = torch.optim.Muon(of_layers, lr=rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw")
    return [torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.98), fused=True), muon]


def _schedule(
    optimiser: torch.optim.Optimizer, settings: Mapping[str, Any]
) -> torch.optim.lr_scheduler.LRScheduler:
    return torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        settings["peak_learning_rate"],
        total_steps=settings["steps"],
        pct_start=settings["warmup"],
        cycle_momentum=False,
    )


def _loss(objective: Objective, images: Tensor, texts: Tensor, vocabulary: Vocabulary) -> Tensor:
    """Return the loss of a batch; images and distinct texts are encoded once."""
    model = objective.clip
    distinct, text_of_image = torch.unique(texts, return_inverse=True)
    image_features = model.encode_image(normalise(images))
    packed = vocabulary.pack(distinct)
    text_features = encode_packed(causal_tower(model), model.token_embedding.weight, packed)
    return objective.loss(image_features, text_features, text_of_image)


@torch.inference_mode()
def validation_recall(objective: Objective, validation: Scenes, vocabulary: Vocabulary) -> float:
    """Return the share of scenes whose most similar caption is their own most specific one."""
    model = objective.clip
    model.eval()
    own = validation.text_rows[:, -1]
    distinct, text_of_image = torch.unique(own, return_inverse=True)
    tokens = vocabulary.encode([validation.texts[row] for row in distinct.tolist()])
    texts = encode_cropped(model, tokens)
    images = torch.cat(
        [model.encode_image(normalise(part)) for part in validation.images.split(VALIDATION_BATCH)]
    )
    hits = objective.similarity(images, texts).argmax(dim=1) == text_of_image
    return hits.float().mean().item()


def _save(
    folder: Path, architecture: Mapping[str, Any], objective: Objective, curve: Curve
) -> None:
    config_file, weights_file = objective.files
    state = objective.model.state_dict()
    weights = {name: tensor.contiguous() for name, tensor in state.items()}
    with atomic_path(folder / weights_file) as partial:
        # Not save_file: it makes the file readable for its owner alone.
        partial.write_bytes(save(weights))
    write_json(
        folder / config_file, {"model_cfg": dict(architecture), "preprocess_cfg": PREPROCESSING}
    )
    with (
        atomic_path(folder / CURVE_FILE) as partial,
        partial.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(CURVE_COLUMNS)
        writer.writerows(
            [step, f"{loss:.6g}", f"{rate:.6g}", "" if recall is None else f"{recall:.6g}"]
            for step, loss, rate, recall in curve
        )
