"""Distillation: H learns both directions from accepted hierarchies."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hierarcaps.generation.filtering import Thresholds, filter_positives
from hierarcaps.generation.seq2seq import (
    Example,
    HierarchyModel,
    build_hierarchy_model,
    examples_of,
    generalise_example,
)
from hierarcaps.generation.shards import make_table
from hierarcaps.generation.text import text_key
from hierarcaps.nli import NLIModel
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import sha256_json, write_json
from hierarcaps.runtime.torch_setup import choose_device, load_pretrained, load_weights
from hierarcaps.text_models.tokenizer import train_word_tokenizer
from hierarcaps.text_models.training import (
    Schedule,
    batch_order,
    fit,
    save_pretrained,
    write_curve,
)

MINIMUM = 20
"""Fewer hierarchies than this teach nothing."""


def train_hierarchy_model(
    tiers: Sequence[Sequence[str]],
    settings: Mapping[str, Any],
    output: str | Path,
    curve: str | Path,
) -> None:
    """Train H and save it as a folder that ``HierarchyModel`` opens.

    Args:
        tiers: accepted hierarchies, general -> specific.
        settings: ``model`` (hub id or folder to start from, or null for random weights), and
            ``revision``; ``width``, ``layers``, ``heads`` of the latter; ``steps``, ``batch_size``,
            ``learning_rate``, ``seed``, ``device``.
        output: folder of the trained model.
        curve: CSV of the loss.

    Raises:
        InputError: too few hierarchies, no such model, loss not finite.
    """
    train = list({text_key(chain[-1]): tuple(chain) for chain in tiers}.values())
    if len(train) < MINIMUM:
        raise InputError(
            f"hierarchy model: found {len(train)} accepted hierarchies, expected at least "
            f"{MINIMUM} to train on; enter more captions or lower the NLI thresholds"
        )
    schedule = Schedule(
        steps=settings["steps"],
        batch_size=settings["batch_size"],
        learning_rate=settings["learning_rate"],
        seed=settings["seed"],
    )
    examples = [example for chain in train for example in examples_of(chain)]
    device = choose_device(settings.get("device", "auto"))
    model, tokenizer = _start(settings, examples)
    model.to(device)
    loss, lengths, targets = _loss_function(model, tokenizer, examples, device)
    output = Path(output)
    state = output.with_name(f".{output.name}.state")
    key = sha256_json({"settings": dict(settings), "examples": examples})
    order = batch_order(lengths, schedule)
    losses = fit(model, loss, order, schedule, state, key, "hierarchy model", weights=targets)
    save_pretrained(output, model.cpu(), tokenizer)
    write_curve(curve, losses)
    state.unlink(missing_ok=True)


def _start(settings: Mapping[str, Any], examples: Sequence[Example]) -> tuple[Any, Any]:
    if settings.get("model"):
        options = {"revision": settings.get("revision") or "main"}
        tokenizer = load_pretrained("AutoTokenizer", settings["model"], **options)
        return load_weights("AutoModelForSeq2SeqLM", settings["model"], **options), tokenizer
    tokenizer = train_word_tokenizer(text for example in examples for text in example)
    return build_hierarchy_model(len(tokenizer), tokenizer, dict(settings)), tokenizer


def _loss_function(
    model: Any, tokenizer: Any, examples: Sequence[Example], device: Any
) -> tuple[Any, list[int], np.ndarray]:
    """Return the mean loss of the target tokens of a batch; lengths, and target tokens, of each."""
    import torch

    sources = tokenizer([source for source, _ in examples])["input_ids"]
    targets = tokenizer(text_target=[target for _, target in examples])["input_ids"]

    def padded(rows: Sequence[Sequence[int]], value: int) -> Any:
        table = np.full((len(rows), max(map(len, rows))), value)
        for line, row in zip(table, rows, strict=True):
            line[: len(row)] = row
        return torch.from_numpy(table).to(device)

    def loss(batch: np.ndarray) -> Any:
        ids = padded([sources[index] for index in batch], tokenizer.pad_token_id)
        labels = padded([targets[index] for index in batch], -100)
        mask = (ids != tokenizer.pad_token_id).long()
        return model(input_ids=ids, attention_mask=mask, labels=labels).loss

    lengths = [len(s) + 2 * len(t) for s, t in zip(sources, targets, strict=True)]
    return loss, lengths, np.array([len(target) for target in targets])


def evaluate_hierarchy_model(
    model: HierarchyModel,
    nli: NLIModel,
    held_out: Sequence[Sequence[str]],
    thresholds: Thresholds,
    report: str | Path,
) -> dict[str, Any]:
    """Measure H on held-out hierarchies, and write the report.

    Returns:
        ``exact_match`` (all three general tiers as held out), ``parsed`` and ``nli_valid`` (shares
        of the held-out captions, specific -> general; None of none), and ``n``.
    """
    results = model.generalise([chain[-1] for chain in held_out])
    exact = [
        output == generalise_example(chain)[1]
        for chain, (output, _) in zip(held_out, results, strict=True)
    ]
    table = make_table(
        [
            {"caption": chain[-1], "tiers": parsed.tiers, "reason": parsed.reason}
            for chain, (_, parsed) in zip(held_out, results, strict=True)
        ]
    )
    valid = filter_positives(table, nli, thresholds)
    shares = {
        "exact_match": exact,
        "parsed": table["reason"].isna(),
        "nli_valid": valid["reason"].isna(),
    }
    content = {
        **{name: float(np.mean(each)) if len(held_out) else None for name, each in shares.items()},
        "n": len(held_out),
    }
    write_json(report, content)
    return content
