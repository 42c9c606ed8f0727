"""Commands that measure and show: their arguments, options and help."""

from pathlib import Path
from typing import Annotated

import typer

from hierarcaps.cli.options import (
    MODEL,
    TEST_SET,
    BatchSize,
    Device,
    Hierarchies,
    Images,
    Json,
    Quiet,
    begin,
    together,
)
from hierarcaps.models.entry import as_entry


def probe(
    model: Annotated[str | None, typer.Argument(help=MODEL, show_default=False)] = None,
    model_option: Annotated[
        str | None, typer.Option("--model", metavar="ENTRY", help="The same, as an option.")
    ] = None,
    images: Images = None,
    hierarchies: Hierarchies = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep results and embeddings there.")
    ] = None,
    device: Device = "auto",
    batch_size: BatchSize = 256,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure a model's emergent hierarchy: every metric with its bootstrap interval.

    A sentence encoder (text_only) is measured by the tasks that read no image, and needs no
    --images. Caption length and random vectors stand beside it, on the same items.
    """
    from hierarcaps.cli.probe import run_probe

    if (model is None) == (model_option is None):
        raise typer.BadParameter("expected one model", param_hint="MODEL")
    text_only = "text_only" in as_entry(model or model_option or "")
    test_set: tuple[Path, Path | None] | None
    if text_only and hierarchies is not None:
        test_set = (hierarchies, None)
    else:
        test_set = together(images, hierarchies)
    begin(quiet)
    run_probe(model or model_option or "", test_set, output, device, batch_size, as_json)


def describe(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGES...", help="Files or folders.")],
    model: Annotated[str, typer.Option(metavar="MODEL", help=MODEL)],
    captions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What can be retrieved: a text file with a caption per line, or a table of "
            f"hierarchies, of which all tiers. {TEST_SET}",
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with the images, too.")
    ] = None,
    thresholds: Annotated[
        int, typer.Option(min=2, help="Radii from the smallest to the largest, a text at each.")
    ] = 50,
    device: Device = "auto",
    batch_size: BatchSize = 256,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show for each image the captions that a model retrieves for it, general to specific.

    Each stands behind its radius, the distance to the root.
    """
    from hierarcaps.cli.describe import run_describe

    begin(quiet)
    run_describe(images, model, captions, html, thresholds, device, batch_size, as_json)


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help=f"Results, or a model: {MODEL}")],
    second: Annotated[str, typer.Argument(metavar="B", help="Likewise.")],
    images: Images = None,
    hierarchies: Hierarchies = None,
    device: Device = "auto",
    batch_size: BatchSize = 256,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show what differs between two models on the same items: B minus A, with 95% intervals.

    Results are the folder that `probe --output` wrote, or that of a run of the workflow
    (results/MODEL/OBJECTIVE/seedN). A model is measured first, on --images and --hierarchies.
    Two datasheets of generated hierarchies (data/hierarcaps/datasheet.json) are compared step by
    step: the share accepted, and the share that is right where the truth is known.
    """
    from hierarcaps.cli.compare import run_compare

    test_set = together(images, hierarchies)
    begin(quiet)
    run_compare(first, second, test_set, device, batch_size, as_json)


def evaluate(
    model: Annotated[str, typer.Argument(help=MODEL, show_default=False)],
    task: Annotated[
        str,
        typer.Option(
            help="retrieval (images and their captions), classification (zero-shot, a folder of "
            "images for each class), or lexical (is X a type of Y: graded pairs of words)."
        ),
    ],
    data: Annotated[
        Path,
        typer.Option(
            metavar="PATH",
            help="Of retrieval a table with the columns image and caption, or COCO's annotations "
            "(.json); of classification the folder of class folders, or CIFAR's files; of lexical "
            "a file in HyperLex's format.",
        ),
    ],
    images: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Of retrieval, the images.")
    ] = None,
    templates: Annotated[
        list[str] | None,
        typer.Option(
            "--template",
            help="A prompt with {} for the class or word; may be given again. By default 'a photo "
            "of a {}.' for classes, and the word alone.",
        ),
    ] = None,
    superclasses: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Of classification, a table of coarser classes."),
    ] = None,
    device: Device = "auto",
    batch_size: BatchSize = 256,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure a model on your own captions, classes or words; `probe` is for hierarchies."""
    from hierarcaps.cli.evaluate import run_evaluate

    begin(quiet)
    run_evaluate(
        model, task, data, images, templates or [], superclasses, device, batch_size, as_json
    )


def doctor(
    configs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[CONFIG...]",
            help="Overlays of params.yaml, or itself, of a checkout: the study that is to run.",
            show_default=False,
        ),
    ] = None,
    directory: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where the study is to run.")
    ] = Path(),
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show what is missing: packages, GPU, hub, data; of a study also weights, disk and jobs.

    `missing` is what the command or the study cannot do without: exit status 1. `note` is what is
    good to know.
    """
    from hierarcaps.cli.doctor import run_doctor

    begin(quiet)
    run_doctor(configs or [], directory, as_json)
