"""Composes docs/benchmarks.md of the tables in benchmarks/results: the end of `make benchmark`."""

import json

from tables import RESULTS, ROOT, as_markdown

PAGE = ROOT / "docs" / "benchmarks.md"
# A script of benchmarks/ each, in the order of the page.
SECTIONS = {
    "study": "The default study",
    "evaluation": "Evaluation",
    "alignment": "Alignment",
    "captions": "Captions",
    "scoring": "Scoring",
    "allocator": "The allocator",
}
HEAD = """# Benchmarks

Written by `make benchmark` from `benchmarks/results`, which each script of `benchmarks/` fills;
what a table is compared with was measured beside it, in the same run. Machines are shared with
other work, so only ratios and seconds of the processor can be compared. A plus behind a commit
says that files had changed since.
"""


def compose() -> str:
    """Return the page."""
    page = [HEAD]
    for name, title in SECTIONS.items():
        path = RESULTS / f"{name}.json"
        if path.is_file():
            entries = json.loads(path.read_text(encoding="utf-8"))
            page += [f"## {title}\n\n`python benchmarks/{name}.py`\n", *map(as_markdown, entries)]
    return "\n".join(page)


if __name__ == "__main__":
    PAGE.write_text(compose(), encoding="utf-8")
