"""Which source files a workflow script runs: the files whose edit must re-run its rule."""

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

WORKFLOW = Path(__file__).resolve().parent
CHECKOUT = WORKFLOW.parent
SOURCE = CHECKOUT / "src"
ASSETS = {".css", ".html", ".j2", ".js"}


def code_of(script: str, *read: str) -> list[str]:
    """Return what a rule runs as parameters of it, a file each: ``path sha256``.

    Snakemake sees an edit of a ``script:`` but not of the modules that the script imports. As
    parameters they are compared by content alone, and by names inside the checkout: new dates,
    another clone or a study that was moved change nothing.

    Args:
        script: a file of ``workflow/scripts``.
        *read: further files of the checkout that the script reads, e.g. ``notebooks/paper.ipynb``.
    """
    files = files_of(script, *read)
    return [f"{path.relative_to(CHECKOUT).as_posix()} {_digest(path)}" for path in files]


def files_of(script: str, *read: str) -> list[Path]:
    """Return the script, what it reads, the project modules that these import, and their assets.

    Imports inside functions count, those for type checkers do not. An asset (a page's template,
    style or script) belongs to the modules of its folder that name it.

    Raises:
        ValueError: a relative import, which is not followed.
    """
    found: set[Path] = set()
    waiting = [WORKFLOW / "scripts" / script, WORKFLOW / "scripts" / "_job.py"]
    waiting += [CHECKOUT / path for path in read]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _needed_files(path)
    return sorted(found)


@cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def _needed_files(path: Path) -> tuple[Path, ...]:
    if path.suffix not in (".py", ".ipynb"):
        return ()
    tree = ast.parse(python_of(path))
    files = []
    for node in _running(tree.body):
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
    return (*files, *_assets(path, tree))


def _assets(path: Path, tree: ast.Module) -> Iterator[Path]:
    """Yield the files of a module's own folder whose names are strings in it."""
    # Most folders have none, which spares a look at each node of most modules at every start.
    if assets := _assets_in(path.parent):
        named = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        yield from (asset for asset in assets if asset.name in named)


@cache
def _assets_in(folder: Path) -> tuple[Path, ...]:
    if SOURCE not in folder.parents:
        return ()
    return tuple(path for path in folder.iterdir() if path.suffix in ASSETS)


def _running(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield statements and all statements in them, without those for type checkers alone."""
    for node in body:
        yield node
        checked = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for part in ("orelse", "finalbody", "handlers", "cases", *(() if checked else ("body",))):
            yield from _running(getattr(node, part, ()))


def python_of(path: Path) -> str:
    """Return the code of a module, or of the cells of a notebook."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


@cache
def _files_of_module(name: str) -> tuple[Path, ...]:
    """Return the files that importing ``name`` runs: the module and its packages' __init__."""
    parts = name.split(".")
    if parts[0] != "hierarcaps":
        return ()
    packages = [SOURCE.joinpath(*parts[:end], "__init__.py") for end in range(1, len(parts) + 1)]
    module = SOURCE.joinpath(*parts).with_suffix(".py")
    return tuple(file for file in (*packages, module) if file.is_file())
