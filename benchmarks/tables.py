"""What a benchmark leaves: tables as JSON in ``benchmarks/results``, one file a script.

``benchmarks/page.py`` composes ``docs/benchmarks.md`` of them; ``benchmarks/README.md`` is the
contract.
"""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"


@dataclass(frozen=True)
class Table:
    """One table of the page, cells as they are to be read.

    Attributes:
        title: its heading; a later run of the same title takes its place.
        about: what is measured, on what, against what: a sentence or two of Markdown.
        columns: headings.
        rows: a cell a column.
        claim: what the table supports, in one sentence with its ratio.
    """

    title: str
    about: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    claim: str

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"{self.title}: expected {len(self.columns)} cells in each row")


def publish(script: str, *tables: Table) -> None:
    """Print the tables, and write them with machine, date and commit to the script's results.

    Args:
        script: ``__file__`` of the benchmark.
        tables: replace those of the same title; what the script did not run this time stays.
    """
    path = RESULTS / f"{Path(script).stem}.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    kept = {entry["title"]: entry for entry in before}
    for table in tables:
        kept[table.title] = {**asdict(table), **_circumstances()}
        print(as_markdown(kept[table.title]), flush=True)
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps([*kept.values()], indent=1, ensure_ascii=False) + "\n", "utf-8")


def as_markdown(entry: dict) -> str:
    """Return one table of a results file as a section of the page."""
    lines = [entry["columns"], ["---"] * len(entry["columns"]), *entry["rows"]]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    where = f"{entry['machine']}; {entry['date']}, commit {entry['commit']}."
    return (
        f"### {entry['title']}\n\n{entry['about']}\n\n{table}\n\n"
        f"**{entry['claim']}**\n\n<small>{where}</small>\n"
    )


def _circumstances() -> dict[str, str]:
    return {"machine": _machine(), "date": date.today().isoformat(), "commit": commit_of(ROOT)}


def _machine() -> str:
    """Return cores, processor, memory, GPU and how busy it was; no names."""
    cores, processor = os.cpu_count() or 1, platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    information = Path("/proc/cpuinfo")
    if information.is_file():
        named = [x for x in information.read_text().splitlines() if x.startswith("model name")]
        processor = named[0].partition(":")[2].strip() if named else processor
    parts = [f"{cores} cores of {processor}", f"{memory:.0f} GiB"]
    torch = sys.modules.get("torch")
    if torch is not None:
        if torch.cuda.is_available():
            parts.append(torch.cuda.get_device_name())
        parts.append(f"torch {torch.__version__}")
    return ", ".join([*parts, f"load {os.getloadavg()[0]:.1f}"])


def commit_of(checkout: Path) -> str:
    """Return the commit of a checkout, with a plus where tracked files differ from it."""
    git = ["git", "-C", str(checkout)]
    asked = ([*git, "rev-parse", "--short", "HEAD"], [*git, "status", "--porcelain", "-uno"])
    commit, changes = (subprocess.run(each, capture_output=True, text=True) for each in asked)
    own = ("benchmarks/results/", "docs/benchmarks.md")
    changed = any(not line[3:].startswith(own) for line in changes.stdout.splitlines())
    return (commit.stdout.strip() or "unknown") + ("+" if changed else "")
