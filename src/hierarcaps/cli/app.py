"""The commands, their arguments and options: what ``hierarcaps --help`` shows.

Nothing is imported here that a command needs: help is there at once.
"""

from pathlib import Path
from typing import Annotated

import typer

from hierarcaps import __version__

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

# Help without rich: it would take half a second.
app = typer.Typer(
    name="hierarcaps",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit status: 0 done; 1 input that cannot be used, told in one sentence; 2 wrong usage; "
    "130 interrupted.",
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it and end.")
    ] = False,
) -> None:
    """Visual-semantic hierarchies of your own model, on your own images and captions."""


@app.command("probe", short_help="Measure a model's emergent hierarchy.")
def _probe(
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

    Caption length and random vectors stand beside it, on the same items.
    """
    from hierarcaps.cli.probe import run_probe

    if (model is None) == (model_option is None):
        raise typer.BadParameter("expected one model", param_hint="MODEL")
    test_set = _together(images, hierarchies)
    _begin(quiet)
    run_probe(model or model_option or "", test_set, output, device, batch_size, as_json)


@app.command("describe", short_help="Show the hierarchy that a model retrieves per image.")
def _describe(
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

    _begin(quiet)
    run_describe(images, model, captions, html, thresholds, device, batch_size, as_json)


@app.command("compare", short_help="Paired differences between two models, with intervals.")
def _compare(
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
    """
    from hierarcaps.cli.compare import run_compare

    test_set = _together(images, hierarchies)
    _begin(quiet)
    run_compare(first, second, test_set, device, batch_size, as_json)


@app.command("export", short_help="Write a model, data set or study as a folder to share.")
def _export(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help=f"A model: {MODEL} Or the folder of generated hierarchies (data/hierarcaps), or "
            "that of a study's results.",
        ),
    ],
    output: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Where the files go.")],
    results: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="What was measured of the model; by default `results` beside its study's models.",
        ),
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option(
            "--license",
            metavar="ID",
            help="Licence of what is exported, such as apache-2.0. By default that of the base "
            "model where the hub tells it, else unknown.",
        ),
    ] = None,
    datasets: Annotated[
        list[str] | None,
        typer.Option("--dataset", metavar="REPO", help="On the hub, what the model learnt from."),
    ] = None,
    push: Annotated[
        str | None,
        typer.Option(
            metavar="REPO", help="Upload the folder to this repository of the hub, private if new."
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a folder that others load, with a card of what is known of it.

    A model becomes a Hugging Face folder for transformers, open_clip and sentence-transformers, as
    far as each has a class for it; hierarchies one for `datasets`, with Croissant metadata; the
    results of a finished study a Workflow Run RO-Crate.
    """
    from hierarcaps.cli.export import run_export

    _begin(quiet)
    run_export(source, output, results, licence, datasets or [], push, as_json)


@app.command("review", short_help="Let a person correct a test set.")
def _review(
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

    _begin(quiet)
    run_review(hierarchies, images, output, as_json)


def _begin(quiet: bool) -> None:
    if quiet:
        from hierarcaps.cli.run import hide_progress

        hide_progress()


def _together(images: Path | None, hierarchies: Path | None) -> tuple[Path, Path] | None:
    """Return the table and the images that were given, or None: the official test set."""
    if images is not None and hierarchies is not None:
        return hierarchies, images
    if images is not None or hierarchies is not None:
        raise typer.BadParameter("expected both or none", param_hint="--images, --hierarchies")
    return None
