"""What the files of a study say about one of its checkpoints."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hierarcaps.data.hierarchy import read_hierarchies
from hierarcaps.evaluation.compare import find_run
from hierarcaps.evaluation.results import Run
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import sha256_file

ZERO_SHOT = "zeroshot"
RUN_FILE = "run.json"


@dataclass(frozen=True)
class Origin:
    """Where a checkpoint comes from, as far as files tell.

    Attributes:
        run: its name, objective and seed; None outside of a study.
        params: the study's parameters; empty where its ``run.json`` is absent.
        versions: of Python and the packages that the study ran with.
        test_set: what it was measured on: ``source``, ``n_items``, ``n_texts``.
        results: its result files.
        base_results: those of the model that it was aligned from.
        others: whether result files were found that are of other weights.
        tables: training and validation table -> number of items and SHA-256 of the file; None
            where the file is absent.
    """

    run: Run | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    test_set: Mapping[str, Any] = field(default_factory=dict)
    results: tuple[Mapping[str, Any], ...] = ()
    base_results: tuple[Mapping[str, Any], ...] = ()
    others: bool = False
    tables: Mapping[str, tuple[int, str] | None] = field(default_factory=dict)

    @property
    def aligned(self) -> bool:
        """Whether it is known to be aligned."""
        return self.run is not None and self.run.objective != ZERO_SHOT

    @property
    def base(self) -> Mapping[str, Any]:
        """Return the entry of the model in the parameters, an aligned one's before; or nothing."""
        return self.params.get("models", {}).get(self.run.model, {}) if self.run else {}

    @property
    def base_seed(self) -> int:
        """Return the seed of the checkpoint that an aligned model started from."""
        return self.base.get("seeds", [0])[0]


def find_origin(checkpoint: str | Path, weights_sha256: str, results: Path | None) -> Origin:
    """Read what a study's files say of a checkpoint.

    Args:
        checkpoint: ``models/NAME/seedN`` or ``models/NAME/OBJECTIVE/seedN`` of a study, or another
            folder or name, of which no study tells.
        weights_sha256: of its weights; results of others are not its own.
        results: folder of the results; None for ``results`` beside ``models``.

    Raises:
        InputError: ``results`` that was given has none, or an unreadable file.
    """
    folder = Path(checkpoint).resolve()
    run = _run_of(folder)
    study = folder.parents[2 if run and run.objective == ZERO_SHOT else 3] if run else None
    if results is None:
        results = study / "results" if study else None
        own = run.folder(results) if run and results else None
    else:
        own = run.folder(results) if run and run.folder(results).is_dir() else find_run(results)
    described = read_run(results) if results else {}
    params = described.get("params", {})
    found = _results(own)
    kept = tuple(each for each in found if _weights(each) == weights_sha256)
    origin = Origin(
        run,
        params,
        described.get("versions", {}),
        described.get("test_set", {}),
        kept,
        others=len(kept) < len(found),
    )
    if not (origin.aligned and run and study and results):
        return origin
    alignment = params.get("alignment", {})
    names = [alignment[key] for key in ("training", "validation") if key in alignment]
    before = Run(run.model, ZERO_SHOT, origin.base_seed)
    return replace(
        origin,
        base_results=_results(before.folder(results)),
        tables={name: _table(study / name) for name in names},
    )


def read_run(results: Path) -> dict[str, Any]:
    """Return what a study's ``run.json`` says; nothing where there is none."""
    return _read(results / RUN_FILE) if (results / RUN_FILE).is_file() else {}


def _run_of(folder: Path) -> Run | None:
    seed = folder.name.removeprefix("seed")
    if folder.name == seed or not seed.isdigit():
        return None
    parts = folder.parts
    if parts[-3:-2] == ("models",):
        return Run(parts[-2], ZERO_SHOT, int(seed))
    if parts[-4:-3] == ("models",):
        return Run(parts[-3], parts[-2], int(seed))
    return None


def _results(folder: Path | None) -> tuple[Mapping[str, Any], ...]:
    files = sorted(folder.glob("*.json")) if folder else []
    contents = [_read(path) for path in files]
    return tuple(each for each in contents if {"task", "metrics", "provenance"} <= each.keys())


def _weights(result: Mapping[str, Any]) -> str | None:
    return result["provenance"].get("model", {}).get("weights_sha256")


def _table(path: Path) -> tuple[int, str] | None:
    return (len(read_hierarchies(path)), sha256_file(path)) if path.is_file() else None


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable JSON file ({error})") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: found no object, expected what a run of the workflow wrote")
    return content
