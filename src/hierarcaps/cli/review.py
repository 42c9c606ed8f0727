"""``hierarcaps review``."""

from pathlib import Path

import typer

from hierarcaps.cli.output import show_json


def run_review(hierarchies: Path, images: Path, output: Path, as_json: bool) -> None:
    """Write the sheet and the page, and say how far the work is."""
    from hierarcaps.data.hierarchy import read_hierarchies
    from hierarcaps.data.images import open_images
    from hierarcaps.review import PAGE_NAME, SHEET_NAME, export_review

    items = read_hierarchies(hierarchies)
    rows = export_review(items, open_images(images), output)
    decided = sum(bool(row.decision) for row in rows)
    page, sheet = output / PAGE_NAME, output / SHEET_NAME
    if as_json:
        progress = {"decided": decided, "items": len(rows)}
        show_json({"page": str(page), "sheet": str(sheet), **progress})
    else:
        typer.echo(f"{decided} of {len(rows)} items are decided. Open {page},")
        typer.echo(f"and save what it downloads as {sheet}.")
