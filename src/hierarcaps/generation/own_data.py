"""Hierarchies of a user's own captions, written and filtered in one call each, from file to file.

Unlike ``steps`` there is no hierarchy model to be trained: the language model writes all of them.
Long work is done a part at a time, so that the same call goes on after an interruption.
"""

import csv
import shutil
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from hierarcaps.data.hierarchy import (
    CaptionHierarchy,
    check_suffix,
    read_hierarchies,
    write_hierarchies,
)
from hierarcaps.data.official import known_test_images
from hierarcaps.data.tables import Table
from hierarcaps.evaluation.describe import read_candidates
from hierarcaps.generation.caption_files import take, write_captions
from hierarcaps.generation.filtering import (
    Thresholds,
    accepted,
    count_reasons,
    filter_negatives,
    filter_positives,
)
from hierarcaps.generation.llm import open_llm
from hierarcaps.generation.mending import mend
from hierarcaps.generation.negatives import add_negatives
from hierarcaps.generation.preparation import Limits, prepared_captions
from hierarcaps.generation.prompt_texts import get_prompt
from hierarcaps.generation.sampling import sample_covering
from hierarcaps.generation.seeding import write_seeds
from hierarcaps.generation.seq2seq import HierarchyModel
from hierarcaps.generation.shards import in_parts, make_table, model_identity, shard_key
from hierarcaps.generation.sources import caption_parts
from hierarcaps.nli import NLIModel, open_nli
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import atomic_path

# A judge must know one of them: of drawn scenes, or of photographs.
CANARIES = (
    {"entailment": ("a red car", "a car"), "contradiction": ("a red car", "a blue car")},
    {
        "entailment": ("a man is sleeping", "a person is sleeping"),
        "contradiction": ("a man is sleeping", "a man is awake"),
    },
)
PART_ROWS = 512  # that an interruption loses at the most
MIN_WORDS = 4  # fewer have no three more general tiers
# What H writes beside each tier, as in params.yaml.
NEGATIVES = {"tries": 3, "temperature": 0.6, "max_new_tokens": 24}
REJECT_COLUMNS = ("reason", "id", "caption", "output", "tiers", "negatives", "image")


def generate(
    captions: str | Path,
    llm: Mapping[str, Any],
    nli: str,
    output: str | Path,
    settings: Mapping[str, Any],
    thresholds: Mapping[str, float],
    hierarchy_model: str | None = None,
) -> dict[str, int]:
    """Let a language model write a hierarchy of each caption, and keep what a judge believes.

    Args:
        captions: text file with a caption per line, table with the column ``caption`` and
            optionally an image, or COCO's annotations (.json).
        llm: as ``llm.open_llm`` takes it, with ``device``, which is that of all three models.
        nli: the judge, a hub id or a folder.
        output: table of the hierarchies; :func:`rejects_path` is beside it.
        settings: ``prompt``, ``count`` (captions at most, None for all), ``mend``, ``seed``,
            ``max_new_tokens`` and ``temperature``.
        thresholds: as :class:`Thresholds`.
        hierarchy_model: H, which writes negatives; None for none.

    Returns:
        How many captions entered, were left out for each reason, became a hierarchy (``accepted``)
        or did not.

    Raises:
        InputError: files or models that cannot be used, or no hierarchy is left.
    """
    output = Path(output)
    check_suffix(output)
    prompt, seed = get_prompt(settings["prompt"]), settings["seed"]
    limits = Thresholds.from_params(thresholds)
    table, counts = _usable_captions(Path(captions), settings["count"], seed)
    judge = open_judge(nli, llm["device"])
    writer = cache(lambda: open_llm(dict(llm)))
    identity = {**llm, "model": model_identity(llm["model"])}
    key = shard_key("own", llm=identity, settings=dict(settings), prompt=prompt.prefix())
    judged = in_parts(
        table, PART_ROWS, _state(output), key,
        lambda part: write_seeds(part, writer(), prompt, dict(settings), seed),
    )  # fmt: skip
    judged = filter_positives(judged, judge, limits)
    if settings["mend"]:
        judged = mend(judged, prompt.categories, judge, limits)
    if hierarchy_model is not None:
        h = HierarchyModel(hierarchy_model, device=llm["device"])
        judged = add_negatives(judged, h, judge, limits, NEGATIVES, seed)
    items = [
        CaptionHierarchy(
            str(number), tuple(row["tiers"]), row["image"] or None,
            None if row["negatives"] is None else tuple(row["negatives"]),
        )
        for number, row in enumerate(accepted(judged).to_dict("records"))
    ]  # fmt: skip
    _publish(captions, output, items, judged.to_dict("records"))
    return {**counts, **count_reasons(judged)}


def filter_hierarchies(
    hierarchies: str | Path,
    nli: str,
    output: str | Path,
    thresholds: Mapping[str, float],
    device: str = "auto",
) -> dict[str, int]:
    """Keep the hierarchies that a judge believes, their negatives included.

    Args, returns and errors: as :func:`generate`.
    """
    output = Path(output)
    check_suffix(output)
    limits = Thresholds.from_params(thresholds)
    items = read_hierarchies(hierarchies)
    rows = [{"caption": i.tiers[-1], "tiers": i.tiers, "negatives": i.negatives} for i in items]
    judge = cache(lambda: open_judge(nli, device))
    key = shard_key("own filter", nli=model_identity(nli), thresholds=dict(thresholds))
    judged = in_parts(
        make_table(rows), PART_ROWS, _state(output), key,
        lambda part: filter_negatives(filter_positives(part, judge(), limits), judge(), limits),
    )  # fmt: skip
    named = [
        {**row, "id": item.item_id, "image": item.image}
        for item, row in zip(items, judged.to_dict("records"), strict=True)
    ]
    kept = [item for item, row in zip(items, named, strict=True) if row["reason"] is None]
    _publish(hierarchies, output, kept, named)
    return {"entered": len(items), **count_reasons(judged)}


def open_judge(model: str, device: str) -> NLIModel:
    """Open an NLI model that knows at least one set of canaries.

    Raises:
        InputError: as :class:`NLIModel`.
    """
    judge = open_nli(model, {"canaries": {}, "device": device})
    for canaries in CANARIES[:-1]:
        try:
            judge.check(canaries)
        except InputError:
            continue
        return judge
    judge.check(CANARIES[-1])
    return judge


def rejects_path(output: str | Path) -> Path:
    """Return the file of the rejects, beside the output."""
    name = Path(output).name.removesuffix(".gz")
    return Path(output).with_name(f"{Path(name).stem}.rejects.csv")


def _state(output: Path) -> Path:
    """Return where the finished parts are until the output is there."""
    return output.with_name(f".{output.name}-parts")


def _publish(
    source: str | Path,
    output: Path,
    items: Sequence[CaptionHierarchy],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Write the rejects among the rows, then the items, and drop the parts."""
    rejects = rejects_path(output)
    with atomic_path(rejects) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, REJECT_COLUMNS, restval="", extrasaction="ignore")
        writer.writeheader()
        for row in rows:
            if row["reason"] is not None:
                chains = {key: " => ".join(row[key] or ()) for key in ("tiers", "negatives")}
                writer.writerow({**row, **chains})
    if not items:
        raise InputError(f"{source}: none of {len(rows)} rows passed; {rejects} says why")
    write_hierarchies(output, items)
    shutil.rmtree(_state(output), ignore_errors=True)


def _usable_captions(
    path: Path, count: int | None, seed: int
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return usable captions (``caption``, ``image``), and how many there were and why no more."""
    if path.suffix == ".txt":
        texts = read_candidates(path)
        columns: dict[str, Sequence[str | None]] = {"caption": texts, "image": [None] * len(texts)}
        parts: Iterable[Table] = [Table(path, columns, range(len(texts)), "row")]
    else:
        parts = caption_parts(path, "coco" if path.suffix == ".json" else "table")
    limits = Limits(min_words=MIN_WORDS)
    with (
        prepared_captions(parts, known_test_images(), limits) as (counts, kept),
        TemporaryDirectory() as folder,
    ):
        if not counts["kept"]:
            why = ", ".join(f"{n} {reason}" for reason, n in counts.items() if n)
            raise InputError(f"{path}: found no usable caption ({why})")
        file = Path(folder, "captions.parquet")
        write_captions(file, kept)
        rows: Sequence[int] = range(counts["kept"])
        if count is not None and count < len(rows):
            rows = sample_covering(file, count, seed)
            counts["sampled"] = len(rows)
        return pd.DataFrame(take(file, rows).to_pydict(), dtype=object), counts
