"""The card of a data set of generated hierarchies, of the numbers in its datasheet."""

from collections.abc import Mapping, Sequence
from typing import Any

from hierarcaps import __version__
from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.publishing.croissant import COLUMNS, LISTS
from hierarcaps.publishing.markdown import UNKNOWN, code, listed, table
from hierarcaps.report.dataset.findings import opening
from hierarcaps.report.dataset.sheet import Datasheet, percent

_SIZES = {
    1_000: "n<1K",
    10_000: "1K<n<10K",
    100_000: "10K<n<100K",
    1_000_000: "100K<n<1M",
    10_000_000: "1M<n<10M",
}


def data_card(
    name: str,
    splits: Mapping[str, Sequence[CaptionHierarchy]],
    sheet: Datasheet,
    params: Mapping[str, Any],
    licence: str | None,
    repository: str | None,
) -> str:
    """Return ``README.md``: front matter by which ``datasets`` loads the folder, and the text.

    Args:
        name: of the data set.
        splits: split -> its items.
        sheet: the datasheet.
        params: the study's parameters; empty where they are not known.
        licence: identifier of the licence; None where it is not known.
        repository: where it goes on the hub; None for a folder.
    """
    from huggingface_hub import DatasetCardData

    total = sum(map(len, splits.values()))
    data = DatasetCardData(
        license=licence or UNKNOWN,
        pretty_name=name,
        language_creators=["machine-generated"],
        annotations_creators=["machine-generated"],
        size_categories=[next((size for most, size in _SIZES.items() if total < most), "n>10M")],
        tags=["caption-hierarchy", "entailment", "hierarcaps", "image-text"],
        configs=[
            {
                "config_name": "default",
                "data_files": [{"split": x, "path": f"{x}.parquet"} for x in splits],
            }
        ],
        dataset_info={"features": list(map(_feature, COLUMNS))},
    )
    loaded = code(f"datasets.load_dataset({(repository or name)!r})")
    parts = [
        f"# {name}",
        "Caption hierarchies of four tiers, from the most general to the most specific, each tier "
        f"entailed by the next. Written and filtered by models, in hierarcaps {__version__}. "
        f"{loaded} loads them.",
        "## Splits and columns",
        table(["split", "items"], [[split, f"{len(items):,}"] for split, items in splits.items()]),
        listed({code(column): text for column, text in COLUMNS.items()}),
        _test_split(splits, params),
        "## How they were made, and how good they are",
        "\n".join(f"- {sentence}" for sentence in opening(sheet)),
        _steps(sheet),
        listed(_makers(params, licence)),
        "`datasheet.json` has each step's counts, its reasons with examples, and the prompt.",
        "## Limits",
        _limits(sheet, "test" in splits),
    ]
    return f"---\n{data.to_yaml()}\n---\n\n" + "\n\n".join(parts) + "\n"


def _feature(column: str) -> dict[str, str]:
    return {"name": column, ("list" if column in LISTS else "dtype"): "string"}


def _test_split(splits: Mapping[str, Any], params: Mapping[str, Any]) -> str:
    if "test" not in splits:
        return "There is no test split: the study's test set is not known, or its table is absent."
    name = params.get("test_set", {}).get("name", UNKNOWN)
    return f"The test split is the study's test set ({name}), and not of this pipeline."


def _steps(sheet: Datasheet) -> str:
    rows = [
        [
            step.label,
            f"{step.entered:,}",
            f"{step.accepted:,}",
            percent(step.valid("positives")) if step.oracle else UNKNOWN,
        ]
        for step in sheet.counted
    ]
    return table(["step", "entered", "accepted", "four right tiers [95% interval]"], rows)


def _makers(params: Mapping[str, Any], licence: str | None) -> dict[str, str]:
    generation = params.get("generation", {})
    writer = generation.get("seeds", {}).get("llm", {}).get("model")
    sources = params.get("captions", {}).get("sources", {}).get("train", [])
    return {
        "captions from": ", ".join(code(source["path"]) for source in sources),
        "seeds written by": code(writer) if writer else "",
        "filtered by": code(params["nli"]["model"]) if "nli" in params else "",
        "seed of the pipeline": str(generation.get("seed", "")),
        "licence": code(licence) if licence else "",
    }


def _limits(sheet: Datasheet, has_test: bool) -> str:
    limits = [
        "Images are named, not included.",
        "What the captions, the language model and the judge get wrong is in the data.",
    ]
    if not sheet.has_oracle:
        limits.append("How many of the items are right is not known.")
    if has_test:
        limits.append("Whoever trains on it and tests on its test split must leave out its images.")
    return "\n".join(f"- {limit}" for limit in limits)
