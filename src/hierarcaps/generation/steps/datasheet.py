"""The datasheet of all steps."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hierarcaps.generation.datasheet import write_datasheet
from hierarcaps.generation.oracle import score
from hierarcaps.generation.prompt_texts import get_prompt
from hierarcaps.generation.shards import read_table
from hierarcaps.generation.steps import Files


def make_datasheet(
    path: Files,
    counts: Files,
    tables: Mapping[str, Files],
    validation: Files,
    prompt: str,
    reports: Mapping[str, Files],
    has_oracle: bool,
) -> None:
    """Write the datasheet of all steps; where the truth is known, the oracle scores each.

    Args:
        path: the JSON file.
        counts: JSON of ``make_captions``.
        tables: step -> its table, in order; the last one is the data set.
        validation: table of the items of validation images.
        prompt: version of the seeds' prompt.
        reports: further JSON files, by the key they get.
        has_oracle: whether captions come from the drawn world, whose logic knows the truth.
    """
    write_datasheet(
        path,
        _read_json(counts),
        {name: read_table(table) for name, table in tables.items()},
        read_table(validation),
        get_prompt(prompt),
        score=score if has_oracle else None,
        reports={name: _read_json(report) for name, report in reports.items()},
    )


def _read_json(path: Files) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))
