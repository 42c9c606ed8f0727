"""Which source files a workflow script runs: the files whose edit must re-run its rule."""

import ast
import json
import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

WORKFLOW = Path(__file__).resolve().parent
SOURCE = WORKFLOW.parent / "src"
ASSETS = {".css", ".html", ".j2", ".js"}
NOTEBOOKS = WORKFLOW.parent / "notebooks"


def code_of(script: str, notebook: str | None = None) -> list[str]:
    """Return the script (and notebook), the project modules they import, and those modules' assets.

    Snakemake sees an edit of a ``script:`` but not of the modules that the script imports, so rules
    name them as inputs. Imports inside functions count, those for type checkers do not. Paths are
    relative to the working directory, so that the recorded inputs of a run stay valid in another
    clone.

    Raises:
        ValueError: a relative import, which is not followed.
    """
    found: set[Path] = set()
    waiting = [WORKFLOW / "scripts" / script, WORKFLOW / "scripts" / "_job.py"]
    if notebook:
        waiting.append(NOTEBOOKS / notebook)
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported_files(path)
    assets = {file for path in found if SOURCE in path.parents for file in _assets(path.parent)}
    return sorted(os.path.relpath(path) for path in found | assets)


@cache
def _assets(package: Path) -> tuple[Path, ...]:
    """Return the page templates, styles and scripts that a package's modules read."""
    return tuple(path for path in package.iterdir() if path.suffix in ASSETS)


@cache
def _imported_files(path: Path) -> tuple[Path, ...]:
    files = []
    for node in _running(ast.parse(_python_of(path)).body):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level or not node.module:
                raise ValueError(f"{path}: line {node.lineno}: a relative import, expected none")
            # `from package import name`: the name can be a module or something in the package.
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        files += [file for name in names for file in _files_of_module(name)]
    return tuple(files)


def _running(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield statements and all statements in them, without those for type checkers alone."""
    for node in body:
        yield node
        checked = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for part in ("orelse", "finalbody", "handlers", "cases", *(() if checked else ("body",))):
            yield from _running(getattr(node, part, ()))


def _python_of(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def _files_of_module(name: str) -> list[Path]:
    """Return the files that importing ``name`` runs: the module and its packages' __init__."""
    parts = name.split(".")
    if parts[0] != "hierarcaps":
        return []
    packages = [SOURCE.joinpath(*parts[:end], "__init__.py") for end in range(1, len(parts) + 1)]
    module = SOURCE.joinpath(*parts).with_suffix(".py")
    return [file for file in (*packages, module) if file.is_file()]
