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
    (measuring.evaluate, "Measure a model on your own captions, classes or words."),
    (measuring.doctor, "What is missing for it, or for a study."),
    (making.generate, "Write caption hierarchies with a language model."),
    (making.filter_hierarchies, "Keep the hierarchies that an NLI model believes."),
    (making.align, "Fine-tune a text tower on caption hierarchies."),
    (making.export, "Write a model, data set or study as a folder to share."),
    (making.review, "Let a person correct a test set."),
)
for function, short_help in COMMANDS:
    app.command(function.__name__.partition("_")[0], short_help=short_help)(function)
