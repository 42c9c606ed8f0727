"""Every page that a run leaves to read, of a small made study whose captions are hostile."""

from pathlib import Path

from synthetic_alignment import write_alignment
from synthetic_datasheet import write_sheet
from synthetic_results import write_results

from hierarcaps.report.index.page import write_index
from hierarcaps.report.render import render
from hierarcaps.report.study import Results

TEMPLATES = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = ("dataset", "zero_shot", "alignment", "qualitative", "paper", "leaderboard")
RESULTS = Path("aligned", "results")
HOSTILE = "<script>alert(1)</script><img src=http://evil.test/x.png onerror=alert(2)>"


def write_reports(folder: Path) -> None:
    """Fill ``folder / RESULTS``; the explorer's own page is a stand-in."""
    for name in ("probed", "aligned"):
        (folder / name).mkdir()
    probed = {
        "results": str(folder / "probed"),
        "models": write_results(folder / "probed", n=12, suffix=HOSTILE),
    }
    write_sheet(folder / "datasheet.json", hostile=HOSTILE)
    aligned = write_alignment(folder / "aligned", suffix=HOSTILE)
    shared = {name: aligned[name] for name in ("results", "models")}
    parameters = {
        "dataset": {"datasheet": str(folder / "datasheet.json")},
        "zero_shot": probed,
        "alignment": {**aligned, "ablations": aligned["results"]},
        "qualitative": shared,
        "paper": shared,
        "leaderboard": shared,
    }
    root = folder / RESULTS
    (root / "reports").mkdir()
    for name in NOTEBOOKS:
        outputs = root / "reports" / f"{name}.ipynb", root / "reports" / f"{name}.html"
        figures = root / "figures" / name
        render(TEMPLATES / f"{name}.ipynb", *outputs, parameters[name], figures=figures)
    (root / "explorer").mkdir()
    (root / "explorer" / "index.html").write_text("<title>explorer</title>")
    study = Results(root, aligned["models"])
    write_index(root / "index.html", study, NOTEBOOKS, {"summary.csv": "all numbers"})
