"""Splits of drawn scenes on disk: a parquet file of pictures and captions, a CSV of gold tiers."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import atomic_path
from hierarcaps.runtime.progress import progress
from hierarcaps.scenes.captions import captions, gold_tiers
from hierarcaps.scenes.drawing import draw
from hierarcaps.scenes.scene import Scene, sample_scenes

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("name", "image", "scene", "captions", "tiers", "held_out")
TIER_SEPARATOR = " => "


def write_split(
    split: str, settings: Mapping[str, Any], parquet_path: str | Path, csv_path: str | Path
) -> None:
    """Sample, draw and caption one split; write both files whole or not at all.

    ``settings`` is the ``scenes`` section of the parameters: ``seed``, ``image_size`` (pixels),
    the split's own size under its name, ``captions_per_image``, ``caption_mix`` (level: share),
    ``typical_share`` and, for ``test`` alone, ``held_out_share``. Equal arguments give equal bytes.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    scenes = sample_scenes(
        split,
        settings[split],
        settings["seed"],
        held_out_share=settings.get("held_out_share", 0.0),
        typical_share=settings["typical_share"],
    )
    rng = Random(f"captions/{settings['seed']}/{split}")
    rows = []
    for index, scene in enumerate(progress(scenes, f"drawing {split}", total=settings[split])):
        rows.append(_row(f"{split}-{index:05d}.png", scene, settings, rng))
    with atomic_path(parquet_path) as partial:
        pq.write_table(pa.Table.from_pylist(rows), partial, compression="zstd")
    _write_tiers(rows, csv_path)


def _row(name: str, scene: Scene, settings: Mapping[str, Any], rng: Random) -> dict[str, Any]:
    # compress_level 1: half the time of the default for a tenth more bytes.
    buffer = io.BytesIO()
    draw(scene, settings["image_size"]).save(buffer, "PNG", compress_level=1)
    return {
        "name": name,
        "image": buffer.getvalue(),
        "scene": scene.to_json(),
        "captions": captions(scene, settings["captions_per_image"], rng, settings["caption_mix"]),
        "tiers": list(gold_tiers(scene, rng)),
        "held_out": scene.held_out,
    }


def _write_tiers(rows: list[dict[str, Any]], path: str | Path) -> None:
    """Write the gold hierarchies in the format of the official HierarCaps test set."""
    with atomic_path(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("id", "captions", "image_url"))
        for index, row in enumerate(rows):
            writer.writerow((index, TIER_SEPARATOR.join(row["tiers"]), row["name"]))


def read_scenes(path: str | Path, columns: list[str] | None = None) -> "pd.DataFrame":
    """Read a split's parquet file; one row per scene, in order.

    Columns: ``name``, ``image`` (PNG bytes), ``scene`` (JSON, see ``Scene.from_json``),
    ``captions`` and ``tiers`` (lists of str), ``held_out`` (bool: the picture shows a
    colour-concept combination that is not in train and validation).
    """
    import pandas as pd
    import pyarrow as pa

    try:
        frame = pd.read_parquet(path, columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: not a readable parquet file of scenes ({error}).") from None
    missing = set(columns or COLUMNS) - set(frame.columns)
    if missing:
        raise InputError(f"{path}: expected the columns {COLUMNS}, without {sorted(missing)}.")
    return frame
