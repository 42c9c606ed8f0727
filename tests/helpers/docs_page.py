"""The script that composes a page of the docs, as a module."""

import importlib.util
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]


def docs_page(name: str) -> ModuleType:
    """Import ``docs/NAME/page.py``."""
    spec = importlib.util.spec_from_file_location(f"{name}_page", ROOT / "docs" / name / "page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
