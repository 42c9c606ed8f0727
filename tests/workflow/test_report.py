"""What a finished run leaves to read: the index, and Snakemake's own report."""

import json
import re

from smoke import snakemake


def test_the_index_links_what_exists(smoke_run):
    folder = smoke_run / "results"
    page = (folder / "index.html").read_text(encoding="utf-8")
    targets = re.findall(r'href="([^"#]+)"', page)
    assert {"explorer/index.html", "reports/qualitative.html", "summary.csv"} <= set(targets)
    assert all((folder / target).is_file() for target in targets if target != "data:,")
    assert "pretrain" in page  # the durations
    assert json.loads((folder / "run.json").read_text())["params_sha256"] in page


def test_the_report_is_one_file_with_every_figure(smoke_run, tmp_path):
    report = tmp_path / "report.html"
    snakemake(smoke_run, "--report", str(report), "--", "all")
    page = report.read_text(encoding="utf-8")
    figures = sorted(path.name for path in (smoke_run / "results/figures").glob("*/*-*.html"))
    assert len(figures) > 30
    assert not [name for name in figures if name not in page]
    for category in ("1. Notebooks", "2. Figures and tables", "3. Data"):
        assert category in page
    # A label of two values becomes a switch, and the page breaks where a result lacks its other.
    labels = [json.loads(found) for found in re.findall(r'"labels": (\{.*?\})', page)]
    assert len(labels) > len(figures)
    assert all(len(found) == 1 for found in labels)
    assert not re.search(r'<(script|link)[^>]+(src|href)="http', page)
