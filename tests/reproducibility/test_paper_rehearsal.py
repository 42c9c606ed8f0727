"""The paper's study, rehearsed from the first download to the last page, and again offline.

All of it is made on the spot, stand-ins included: a quarter of an hour on two cores.
"""

import os
import sys
from pathlib import Path

import pandas as pd
from run_command import run_command

ROOT = Path(__file__).resolve().parents[2]
# Objectives of other papers, whose values the page shows beside ours.
OTHERS = "LEAR|rcme|hycoclip|atmg"


def test_from_nothing_to_the_page_of_the_paper_then_offline(tmp_path):
    for options, study in (([], "study"), (["--offline"], "study-offline")):
        # It compares by itself the rules that ran with the plan, and knows who was asked.
        script = ROOT / "tests" / "rehearsal" / "rehearse.py"
        run = [sys.executable, script, "--folder", tmp_path, "--cores", "2", *options]
        done = run_command(run, ROOT, os.environ, check=True)
        assert "rules of the paper's plan" in done.stdout
        _check_page(tmp_path / study / "results-paper")


def _check_page(results: Path) -> None:
    """Every published value that the study can have stands beside one of ours."""
    assert (results / "reports" / "paper.html").is_file()
    rows = pd.read_csv(results / "published.csv")
    absent = rows.loc[rows["runs"] == 0, "status"]
    reason = rf"Not run: no (?:model|objective) (?:{OTHERS}) in this study"
    assert absent.str.fullmatch(reason).all(), absent.to_list()
    for name in ("train", "validation"):
        assert len(pd.read_csv(results.parent / "data" / "hierarcaps" / f"{name}.csv")) >= 4
