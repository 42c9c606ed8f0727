"""The commands: what ``hierarcaps --help`` shows. ``measuring`` and ``making`` declare them.

Nothing is imported here that a command needs: help is there at once.
"""

from typing import Annotated

import typer

from hierarcaps import __version__
from hierarcaps.cli import making, measuring

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


# The order of `hierarcaps --help`.
COMMANDS = (
    (measuring.probe, "Measure a model's emergent hierarchy."),
    (measuring.describe, "Show the hierarchy that a model retrieves per image."),
    (measuring.compare, "Paired differences between two models, with intervals."),
    (measuring.doctor, "What is missing for it, or for a study."),
    (making.align, "Fine-tune a text tower on caption hierarchies."),
    (making.export, "Convert an open_clip checkpoint for transformers."),
    (making.review, "Let a person correct a test set."),
)
for function, short_help in COMMANDS:
    app.command(short_help=short_help)(function)
