"""``hierarcaps export``."""

from pathlib import Path

import typer

from hierarcaps.cli.output import show_json


def run_export(checkpoint: Path, output: Path, as_json: bool) -> None:
    """Convert an open_clip checkpoint and say where it is."""
    from hierarcaps.models.open_clip_family.export import export_open_clip

    export_open_clip(checkpoint, output)
    if as_json:
        show_json({"folder": str(output), "files": sorted(path.name for path in output.iterdir())})
    else:
        typer.echo(f"{output}: a CLIPModel of transformers with the same embeddings")
