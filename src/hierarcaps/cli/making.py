"""Commands that make files: their arguments, options and help."""

from pathlib import Path
from typing import Annotated

import typer

from hierarcaps.cli.options import MODEL, Device, Hierarchies, Images, Json, Quiet, begin, together


def export(
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="open_clip's folder.")],
    output: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Where the files go.")],
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Convert an open_clip checkpoint (plain ViT, CLIP's text tower) to the Hugging Face format.

    CLIPModel and CLIPProcessor of transformers load it, with the same embeddings.
    """
    from hierarcaps.cli.export import run_export

    begin(quiet)
    run_export(checkpoint, output, as_json)


def review(
    hierarchies: Annotated[
        Path, typer.Option(metavar="TABLE", help="Table of the proposed hierarchies.")
    ],
    images: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder (or Parquet file).")],
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="Where both go.")] = Path("review"),
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Export a test set for a person to accept, edit or reject: a sheet (CSV) and a page.

    Run again, it keeps the work.
    """
    from hierarcaps.cli.review import run_review

    begin(quiet)
    run_review(hierarchies, images, output, as_json)


def align(
    model: Annotated[str, typer.Argument(help=MODEL, show_default=False)],
    data: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Hierarchies to learn from: the official hierarcaps_train.csv[.gz], what "
            "`generate` wrote, or a table with the columns positive, negative or id, captions, "
            "image_url. Items of test images are left out.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where the aligned checkpoint goes.")
    ],
    objective: Annotated[
        str, typer.Option(help="re, the radial embedding, or ec, entailment cones.")
    ] = "re",
    validation: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Held-out hierarchies. By default 5% of --data."),
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the hierarchies.")] = 1,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Optimiser steps at most.", show_default=False)
    ] = None,
    learning_rate: Annotated[
        float,
        typer.Option(help="Of AdamW. The default is for 73,000 items; fewer need more."),
    ] = 1e-7,
    batch_size: Annotated[int, typer.Option(min=1, help="Hierarchies per step.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Of the order of hierarchies.")] = 0,
    images: Images = None,
    hierarchies: Hierarchies = None,
    device: Device = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fine-tune a model's text tower so that its embeddings are ordered from general to specific.

    The result is a checkpoint that its own library and every command here load. With --images and
    --hierarchies the model is measured before and after. Interrupted, the same command goes on
    where it was.
    """
    from hierarcaps.cli.align import run_align

    recipe = {
        "objective": objective,
        "epochs": epochs,
        "max_steps": steps,
        "learning_rate": learning_rate,
        "batch_size": batch_size,
    }
    test_set = together(images, hierarchies)
    begin(quiet)
    run_align(model, data, validation, output, recipe, seed, test_set, device, as_json)
