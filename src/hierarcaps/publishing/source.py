"""What a person asks to export: a model, a data set or a study."""

from pathlib import Path
from typing import Literal

Kind = Literal["model", "data", "study"]
# Files that a folder of one kind has, and no other.
_MARKS: dict[Kind, tuple[str, ...]] = {
    "data": ("train.csv", "datasheet.json"),
    "study": ("run.json", "summary.csv"),
}


def kind_of(source: str) -> Kind:
    """Return what a folder holds, by its files; whatever else there is names a model."""
    folder = Path(source)
    for kind, names in _MARKS.items():
        if all((folder / name).is_file() for name in names):
            return kind
    return "model"
