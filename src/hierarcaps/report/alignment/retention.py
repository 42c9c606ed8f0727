"""What alignment leaves of the abilities that the models had before."""

from html import escape

from hierarcaps.report.alignment.study import COMPARISONS, OBJECTIVES, Alignment, Key, Pooled
from hierarcaps.report.markup import Html, note, number_cell, table

RETAINED: dict[Key, str] = {
    ("retrieval", "image_to_text_r1"): "R@1, image to text",
    ("retrieval", "image_to_text_r5"): "R@5, image to text",
    ("retrieval", "text_to_image_r1"): "R@1, text to image",
    ("retrieval", "text_to_image_r5"): "R@5, text to image",
    ("classification", "fine_accuracy"): "Classes, fine",
    ("classification", "coarse_accuracy"): "Classes, coarse",
}


def retention_table(study: Alignment) -> Html:
    """Return a row per model and objective: each metric as a share of its value before."""
    rows, sizes = [], set()
    for model in study.models:
        for comparison in COMPARISONS:
            if comparison[1] != "zeroshot":
                continue
            cells = []
            for key in RETAINED:
                before = study.pooled(model, "zeroshot", key)
                change = study.pooled_difference(comparison, key, model)
                cells.append(_cell(before, change))
                sizes |= {change.n} if change else set()
            if any(cell is not None for cell in cells):
                name = (
                    f'{escape(model)} <span class="hc-interval">{OBJECTIVES[comparison[0]]}</span>'
                )
                rows.append([name, *(cell or number_cell(None) for cell in cells)])
    if not rows:
        return note("No standard task was measured both before and after alignment.")
    n = " to ".join(f"{size:,}" for size in sorted({min(sizes), max(sizes)}))
    return table(
        "What is retained of standard tasks.",
        "After alignment, as a share of the value before: mean over seeds; in brackets the "
        "outermost limits of the seeds' bootstrap 95% intervals of the paired difference over "
        f"items, added to the value before and divided by it; n = {n}.",
        ["Model", *RETAINED.values()],
        rows,
    )


def _cell(before: Pooled | None, change: Pooled | None) -> str | None:
    if before is None or change is None or before.value <= 0:
        return None
    share, low, high = (
        f"{100 * (before.value + part) / before.value:.1f}%"
        for part in (change.value, change.low, change.high)
    )
    return f'{share} <span class="hc-interval">[{low}, {high}]</span>'
