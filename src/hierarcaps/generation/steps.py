"""The pipeline's steps from files to files: what each workflow rule calls.

Every output is a table of ``shards.COLUMNS`` with a key of all that it was made from. A step whose
output is there under the same key does nothing, so that an interrupted run repeats no finished
shard, whoever starts it again.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from hierarcaps.errors import InputError
from hierarcaps.files import atomic_path, sha256_file, write_json
from hierarcaps.generation.datasheet import write_datasheet
from hierarcaps.generation.distillation import evaluate_hierarchy_model, train_hierarchy_model
from hierarcaps.generation.filtering import Thresholds, accepted, filter_positives
from hierarcaps.generation.llm import open_llm
from hierarcaps.generation.negatives import add_negatives, write_positives
from hierarcaps.generation.oracle import score
from hierarcaps.generation.prompt_texts import get_prompt
from hierarcaps.generation.recombination import recombine
from hierarcaps.generation.seeding import augment, write_seeds
from hierarcaps.generation.seq2seq import HierarchyModel
from hierarcaps.generation.shards import (
    gather,
    is_current,
    make_table,
    read_table,
    shard_key,
    shard_rows,
    write_table,
)
from hierarcaps.generation.sources import prepare_captions, read_captions, sample_covering
from hierarcaps.generation.text import words
from hierarcaps.hierarchy import CaptionHierarchy, write_hierarchies
from hierarcaps.nli.model import NLIModel

Files = str | Path
Params = Mapping[str, Any]


def make_captions(
    sources: Sequence[Params], excluded_images: Sequence[str], settings: Params, output: Files,
    counts: Files,
) -> None:  # fmt: skip
    """Gather the captions of all sources into one parquet file (``caption``, ``image``).

    Args:
        sources: each with ``path``, ``kind`` and, for tables, ``caption_column``, ``image_column``.
        excluded_images: names of test images.
        settings: ``min_words``, ``max_words``, ``max_characters``.
        output: parquet file.
        counts: JSON file of what was left out, and why.
    """
    table = pd.concat([read_captions(**source) for source in sources], ignore_index=True)
    kept, numbers = prepare_captions(table, excluded_images, **settings)
    if kept.empty:
        raise InputError(f"{sources[0]['path']}: no usable caption is left, of {len(table)}")
    with atomic_path(output) as partial:
        kept.to_parquet(partial, index=False)
    write_json(counts, numbers)


def open_nli(model: Files, settings: Params) -> NLIModel:
    """Open the NLI model of the params section ``nli``; ``model`` is a folder or a hub id."""
    keys = ("revision", "batch_tokens", "max_length", "canaries", "device")
    return NLIModel(str(model), **{key: settings[key] for key in keys if key in settings})


def make_seeds(
    captions: Files, shard: int, shards: int, settings: Params, seed: int, output: Files
) -> None:
    """Let the language model write hierarchies for a shard of a covering sample of captions.

    ``settings`` is the params section ``generation.seeds``: ``llm``, ``prompt``, ``captions`` (how
    many in all shards), ``max_new_tokens``, ``temperature``.
    """
    prompt = get_prompt(settings["prompt"])
    key = shard_key(
        "seeds", settings=dict(settings), prompt=prompt.prefix(), seed=seed,
        captions=sha256_file(captions), shard=[shard, shards],
    )  # fmt: skip
    if is_current(output, key):
        return
    table = pd.read_parquet(captions)
    chosen = sample_covering(list(table["caption"]), settings["captions"], seed)
    rows = shard_rows(len(chosen), shard, shards)
    part = table.iloc[[chosen[row] for row in rows]]
    llm = open_llm(settings["llm"])
    write_table(output, write_seeds(part, llm, prompt, dict(settings), seed + shard), key)


def make_accepted(
    inputs: Sequence[Files], nli_model: Files, nli_settings: Params, output: Files
) -> None:
    """Filter the gathered shards of seeds (or of augmentation) by NLI."""
    thresholds = Thresholds.from_params(nli_settings["thresholds"])
    nli = open_nli(nli_model, nli_settings)
    key = shard_key(
        "filter", inputs=[sha256_file(path) for path in inputs], nli=_identity(nli_model),
        settings=dict(nli_settings),
    )  # fmt: skip
    write_table(output, filter_positives(gather(inputs), nli, thresholds), key)


def make_augmentation(
    seeds: Files, settings: Params, llm: Params, seed: int, output: Files
) -> None:
    """Let the language model continue lists of accepted seeds; see ``seeding.augment``."""
    key = shard_key(
        "augmentation", settings=dict(settings), llm=dict(llm), seed=seed, seeds=sha256_file(seeds)
    )
    if is_current(output, key):
        return
    chains = list(accepted(read_table(seeds))["tiers"])
    # Without prompts the model, half a minute to load, is not opened.
    rows = augment(chains, open_llm(dict(llm)), dict(settings), seed) if settings["prompts"] else []
    write_table(output, make_table(rows), key)


def make_recombination(
    inputs: Sequence[Files], captions: Files, size: int, nli_model: Files, nli_settings: Params,
    seed: int, output: Files,
) -> None:  # fmt: skip
    """Recombine the accepted rows of all inputs until there are ``size`` in all, and filter.

    ``captions`` attests word forms (see ``recombination.recombine``).
    """
    chains = list(accepted(gather(inputs))["tiers"])
    attested = {word for text in pd.read_parquet(captions)["caption"] for word in words(text)}
    made = recombine(chains, max(0, size - len(chains)), seed, attested)
    rows = [{"caption": c[-1], "tiers": c, "source": "recombination"} for c in made]
    thresholds = Thresholds.from_params(nli_settings["thresholds"])
    table = filter_positives(make_table(rows), open_nli(nli_model, nli_settings), thresholds)
    key = shard_key(
        "recombination",
        inputs=[sha256_file(path) for path in inputs],
        captions=sha256_file(captions),
        size=size,
        seed=seed,
        nli=_identity(nli_model),
        settings=dict(nli_settings),
    )
    write_table(output, table, key)


def make_hierarchy_model(
    inputs: Sequence[Files], settings: Params, nli_model: Files, nli_settings: Params,
    output: Files, curve: Files, report: Files,
) -> None:  # fmt: skip
    """Train H on the accepted rows of all inputs, and measure it on those held out."""
    chains = list(accepted(gather(inputs))["tiers"])
    held_out = train_hierarchy_model(chains, settings, output, curve)
    evaluate_hierarchy_model(
        HierarchyModel(str(output), device=settings.get("device", "auto")),
        open_nli(nli_model, nli_settings),
        held_out,
        Thresholds.from_params(nli_settings["thresholds"]),
        report,
    )


def make_items(
    captions: Files, shard: int, shards: int, model: Files, settings: Params, nli_model: Files,
    nli_settings: Params, seed: int, output: Files,
) -> None:  # fmt: skip
    """Write the positives and negatives of a shard of the captions, with H and the NLI filter.

    ``settings`` is the params section ``generation.production``: ``captions`` (how many in all
    shards), ``batch_size``, ``device``, ``positives`` and ``negatives``.
    """
    key = shard_key(
        "items", settings=dict(settings), nli_settings=dict(nli_settings), seed=seed,
        captions=sha256_file(captions), model=_identity(model), nli=_identity(nli_model),
        shard=[shard, shards],
    )  # fmt: skip
    if is_current(output, key):
        return
    table = pd.read_parquet(captions)
    order = table.sample(frac=1, random_state=seed).head(settings["captions"])
    rows = shard_rows(len(order), shard, shards)
    part = order.iloc[rows.start : rows.stop]
    h = HierarchyModel(
        str(model), batch_size=settings["batch_size"], device=settings.get("device", "auto")
    )
    nli = open_nli(nli_model, nli_settings)
    thresholds = Thresholds.from_params(nli_settings["thresholds"])
    items = write_positives(part, h, nli, thresholds, settings["positives"])
    items = add_negatives(items, h, nli, thresholds, settings["negatives"], seed * 100 + shard)
    write_table(output, items, key)


def make_items_table(inputs: Sequence[Files], output: Files, hierarchies: Files) -> None:
    """Gather the shards of items, rejects with their reasons, and write the accepted ones.

    ``hierarchies`` gets them in the format of the official training set.
    """
    table = gather(inputs)
    write_table(output, table, shard_key("gathered", inputs=[sha256_file(p) for p in inputs]))
    kept = accepted(table)
    if kept.empty:
        raise InputError(f"{output}: none of {len(table)} captions became an item, expected some")
    rows = zip(kept["tiers"], kept["negatives"], kept["image"], strict=True)
    items = [
        CaptionHierarchy(str(number), tuple(tiers), image or None, tuple(negatives))
        for number, (tiers, negatives, image) in enumerate(rows)
    ]
    write_hierarchies(hierarchies, items)


def make_datasheet(
    path: Files,
    counts: Files,
    tables: Mapping[str, Files],
    prompt: str,
    reports: Mapping[str, Files],
    has_oracle: bool,
) -> None:
    """Write the datasheet of all steps; where the truth is known, the oracle scores each.

    Args:
        path: the JSON file.
        counts: JSON of ``make_captions``.
        tables: step -> its table, in order; the last one is the data set.
        prompt: version of the seeds' prompt.
        reports: further JSON files, by the key they get.
        has_oracle: whether captions come from the drawn world, whose logic knows the truth.
    """
    write_datasheet(
        path,
        _read_json(counts),
        {name: read_table(table) for name, table in tables.items()},
        get_prompt(prompt),
        score=score if has_oracle else None,
        reports={name: _read_json(report) for name, report in reports.items()},
    )


def _read_json(path: Files) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def _identity(model: Files) -> str:
    """Return the hash of a local model's weights, or a hub id as it is."""
    weights = Path(model) / "model.safetensors"
    return sha256_file(weights) if weights.is_file() else str(model)
