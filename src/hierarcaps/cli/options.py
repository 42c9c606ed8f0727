"""Arguments and options that several commands have, and what each command begins with."""

from pathlib import Path
from typing import Annotated

import typer

MODEL = (
    "NAME/TAG of open_clip (ViT-B-32/openai), a checkpoint's folder, or an entry as under "
    "`models:` in params.yaml, such as 'transformers: openai/clip-vit-base-patch32'."
)
TEST_SET = (
    "By default the official test set, where HIERARCAPS_DATA or the working directory has it."
)

Images = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help=f"Folder (or Parquet file) of the images. {TEST_SET}"),
]
Hierarchies = Annotated[
    Path | None,
    typer.Option(
        metavar="TABLE",
        help="Table with the columns id, captions ('animal => goat => ...') and image_url. "
        "Goes with --images.",
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Texts or images embedded at once.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


def begin(quiet: bool) -> None:
    """Hide progress where it is not wanted."""
    if quiet:
        from hierarcaps.cli.run import hide_progress

        hide_progress()


def together(images: Path | None, hierarchies: Path | None) -> tuple[Path, Path] | None:
    """Return the table and the images that were given, or None: the official test set."""
    if images is not None and hierarchies is not None:
        return hierarchies, images
    if images is not None or hierarchies is not None:
        raise typer.BadParameter("expected both or none", param_hint="--images, --hierarchies")
    return None
