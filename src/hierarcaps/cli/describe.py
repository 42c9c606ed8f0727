"""``hierarcaps describe``."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import typer

from hierarcaps.cli.output import show_chain, show_json
from hierarcaps.models.entry import as_entry


def run_describe(
    images: Sequence[Path],
    model: str,
    captions: Path | None,
    html: Path | None,
    thresholds: int,
    device: str,
    batch_size: int,
    as_json: bool,
) -> None:
    """Retrieve captions for images, show them, and write a page where one is asked for."""
    entry = as_entry(model)
    from hierarcaps.data.official import find_test_set
    from hierarcaps.evaluation.describe import describe, read_candidates

    source = captions or find_test_set("--captions FILE")[0]
    candidates = read_candidates(source)
    found = describe(entry, images, candidates, thresholds, device, batch_size)
    if html is not None:
        from hierarcaps.cli.page import render_page
        from hierarcaps.data.images import open_image_files
        from hierarcaps.runtime.files import atomic_path

        page = render_page(model, str(source), found, open_image_files(images))
        with atomic_path(html) as partial:
            partial.write_text(page, encoding="utf-8", newline="\n")
    if as_json:
        content = {"model": model, "captions": str(source), "images": [asdict(e) for e in found]}
        show_json({**content, "page": str(html)} if html else content)
        return
    for each in found:
        show_chain(each.image, [(f"{one.radius:.3f}", one.text) for one in each.retrieved])
    if html is not None:
        typer.echo(f"The page: {html}")
