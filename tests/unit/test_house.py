"""The house: imports run one way, up its floors, and rooms are entered through their doors."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from dependencies import python_of

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "hierarcaps"
# From the ground up. A room may use the floors below its own, and the rooms before it on its floor.
FLOORS: list[list[str]] = [
    ["runtime", "metrics"],
    ["geometry", "data", "scenes", "text_models"],
    ["models", "nli", "review"],
    ["pretraining", "alignment", "evaluation", "generation"],
    ["report", "explorer", "publishing", "cli"],
]
HEIGHT = {
    room: (floor, place) for floor, row in enumerate(FLOORS) for place, room in enumerate(row)
}
# Above all of them: what runs the package. Benchmarks and tests look behind the doors.
USERS = ["workflow/*.py", "workflow/scripts/*.py", "notebooks/*.ipynb", "docs/*.py"]


def module_of(parts: tuple[str, ...]) -> bool:
    path = PACKAGE.joinpath(*parts)
    return path.with_suffix(".py").is_file() or path.is_dir()


def imports(text: str) -> Iterator[tuple[str, ...]]:
    """Yield what is imported of the package, as names below it: the module, or a name in one."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (tuple(each.split(".")[1:]) for each in found if each.startswith("hierarcaps."))


def upward(room: str, text: str, path: str = "a file") -> list[str]:
    """Return a sentence for each import of ``text``, a file of ``room``, that does not go down."""
    floor, place = HEIGHT[room]
    sentences = []
    for parts in imports(text):
        if parts[0] in HEIGHT and parts[0] != room and HEIGHT[parts[0]] > (floor, place):
            other = HEIGHT[parts[0]][0]
            sentences.append(
                f"{path} is in {room}/ on floor {floor + 1} and imports {'.'.join(parts)} from "
                f"{parts[0]}/ on floor {other + 1}: imports run down, or to rooms named before it"
            )
    return sentences


def closed(inside: tuple[str, ...], text: str, path: str = "a file") -> list[str]:
    """Return a sentence for each import of a module that its package keeps to itself."""
    sentences = []
    for parts in imports(text):
        for depth in range(1, len(parts)):
            package, name = parts[:depth], parts[depth]
            if inside[:depth] == package or not PACKAGE.joinpath(*package).is_dir():
                continue
            if name not in public(package):
                sentences.append(
                    f"{path} imports {'.'.join(parts)}: {name} is not in __all__ of "
                    f"{'/'.join(package)}/__init__.py, so it is nobody else's business"
                )
    return sentences


def across(page: str, text: str, path: str = "a file") -> list[str]:
    """Return a sentence for each import that ``text``, of a page's folder, takes from another's."""
    return [
        f"{path} imports {'.'.join(parts)}, of another page: what two pages use lies in report/"
        for parts in imports(text)
        if parts[0] == "report" and parts[1:2] != (page,) and set(parts[1:2]) & PAGES
    ]


def public(package: tuple[str, ...]) -> set[str]:
    for node in ast.parse(python_of(PACKAGE.joinpath(*package, "__init__.py"))).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


FILES = sorted(PACKAGE.rglob("*.py"))
PAGES = {path.parent.name for path in PACKAGE.glob("report/*/__init__.py")}
PACKAGES = sorted(path.parent for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE)


def test_every_room_is_on_a_floor():
    rooms = {path.stem for path in PACKAGE.iterdir() if path.is_dir() or path.suffix == ".py"}
    assert {room for room in rooms if not room.startswith("__")} == set(HEIGHT)


def test_imports_run_down_the_floors():
    sentences = []
    for path in FILES:
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] in HEIGHT:
            sentences += upward(parts[0], python_of(path), str(path.relative_to(ROOT)))
    assert sentences == []


def test_rooms_are_entered_through_their_doors():
    sentences = []
    for path in FILES:
        inside = path.relative_to(PACKAGE).parent.parts
        sentences += closed(inside, python_of(path), str(path.relative_to(ROOT)))
    for pattern in USERS:
        for path in ROOT.glob(pattern):
            sentences += closed((), python_of(path), str(path.relative_to(ROOT)))
    assert sentences == []


def test_a_page_of_the_report_uses_no_other_page():
    report, sentences = PACKAGE / "report", []
    for path in report.rglob("*.py"):
        page = path.relative_to(report).parts[0]  # for what all pages use: the file itself
        sentences += across(page, python_of(path), str(path.relative_to(ROOT)))
    assert sentences == []


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_room_says_what_lives_there(folder):
    tree = ast.parse(python_of(folder / "__init__.py"))
    assert ast.get_docstring(tree)
    names = public(folder.relative_to(PACKAGE).parts)
    defined = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for name in names - defined:
        assert module_of((*folder.relative_to(PACKAGE).parts, name)), f"no module {name}"


def test_what_goes_up_or_behind_a_door_is_said_in_a_sentence():
    up = upward("metrics", "from hierarcaps.models.registry import load_model")
    assert up == [
        "a file is in metrics/ on floor 1 and imports models.registry.load_model from models/ on "
        "floor 3: imports run down, or to rooms named before it"
    ]
    assert upward("models", "import hierarcaps.metrics.hierarchy") == []
    behind = closed(("cli",), "def f():\n    from hierarcaps.nli.word_labels import IGNORED")
    assert len(behind) == 1
    assert "word_labels is not in __all__ of nli/__init__.py" in behind[0]
    assert closed(("nli",), "from hierarcaps.nli.word_labels import IGNORED") == []
    sheet = "from hierarcaps.report.dataset import sheet"
    assert across("paper", sheet) == [
        "a file imports report.dataset.sheet, of another page: what two pages use lies in report/"
    ]
    assert across("dataset", sheet) == []


def test_open_clip_and_transformers_are_imported_where_they_can_be():
    """Beside a CPU-only torch they need what the package's ``__init__`` declares first."""
    for path in FILES:
        top = [node for node in ast.parse(python_of(path)).body if not isinstance(node, ast.If)]
        named = {alias.name for node in top if isinstance(node, ast.Import) for alias in node.names}
        named |= {node.module or "" for node in top if isinstance(node, ast.ImportFrom)}
        if {"open_clip", "torchvision", "transformers"} & {name.split(".")[0] for name in named}:
            before = python_of(path.with_name("__init__.py"))
            assert "declare_torchvision_ops()" in before or "open_clip_family" in before, path
