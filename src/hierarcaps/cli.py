"""``hierarcaps``: what the workflow does, on a user's own model, images and captions."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from tempfile import TemporaryDirectory
from typing import Any

from hierarcaps import __version__
from hierarcaps.runtime.errors import InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status: 1, after one sentence, for a user's error."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except InputError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("hierarcaps"):
            raise
        print(
            f"Error: the package {error.name} is not installed: install hierarcaps with the extra "
            "of the model's family, hierarcaps[openclip] or hierarcaps[transformers]",
            file=sys.stderr,
        )
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hierarcaps", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    export = commands.add_parser(
        "export",
        help="convert an open_clip checkpoint to the Hugging Face CLIP format",
        description="Convert an open_clip checkpoint (plain ViT, CLIP's text tower) to a folder "
        "that CLIPModel and CLIPProcessor of transformers load, with the same embeddings.",
    )
    export.add_argument("checkpoint", metavar="CHECKPOINT_FOLDER", help="open_clip's local folder")
    export.add_argument("output", metavar="OUTPUT_FOLDER", help="where the files go")
    export.set_defaults(run=_export)

    probe = commands.add_parser(
        "probe",
        help="measure a model's emergent hierarchy on your own images and captions",
        description="Embed images and four-tier captions with a model and print every metric with "
        "its bootstrap interval, beside caption length and random vectors on the same items.",
    )
    probe.add_argument(
        "--model",
        required=True,
        metavar="ENTRY",
        help="as under `models:` in params.yaml, e.g. '{open_clip: ViT-B-32, pretrained: openai}', "
        "'open_clip: models/vit-8/seed0', 'transformers: openai/clip-vit-base-patch32' or "
        "'meru: meru_vit_b.pth'",
    )
    probe.add_argument("--images", required=True, help="folder (or Parquet file) of the images")
    probe.add_argument(
        "--hierarchies",
        required=True,
        help="table with the columns id, captions ('animal => goat => ...') and image_url",
    )
    probe.add_argument("--output", metavar="FOLDER", help="keep results and embeddings there")
    probe.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    probe.add_argument("--batch-size", type=_positive, default=256, metavar="N")
    probe.set_defaults(run=_probe)

    review = commands.add_parser(
        "review",
        help="export a test set for a person to accept, edit or reject",
        description="Write a sheet (CSV) and a page to work on it. Run again, it keeps the work.",
    )
    review.add_argument("--hierarchies", required=True, help="table of the proposed hierarchies")
    review.add_argument("--images", required=True, help="folder (or Parquet file) of the images")
    review.add_argument("--output", default="review", metavar="FOLDER", help="default: review")
    review.set_defaults(run=_review)
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected an integer of at least 1")
    return int(text)


def _export(options: argparse.Namespace) -> None:
    from hierarcaps.models.open_clip_family.export import export_open_clip

    export_open_clip(options.checkpoint, options.output)
    print(f"{options.output}: a CLIPModel of transformers with the same embeddings")


def _probe(options: argparse.Namespace) -> None:
    entry = _model_entry(options.model)
    from hierarcaps.evaluation.probe import format_table, probe

    with TemporaryDirectory() as scratch:
        table = probe(
            entry,
            options.hierarchies,
            options.images,
            options.output or scratch,
            options.device,
            options.batch_size,
        )
    print(format_table(table))


def _review(options: argparse.Namespace) -> None:
    from hierarcaps.data.hierarchy import read_hierarchies
    from hierarcaps.data.images import open_images
    from hierarcaps.review import PAGE_NAME, SHEET_NAME, export_review

    items = read_hierarchies(options.hierarchies)
    rows = export_review(items, open_images(options.images), options.output)
    decided = sum(bool(row.decision) for row in rows)
    print(f"{decided} of {len(rows)} items are decided. Open {options.output}/{PAGE_NAME},")
    print(f"and save what it downloads as {options.output}/{SHEET_NAME}.")


def _model_entry(text: str) -> dict[str, Any]:
    """Return a model's entry: ``FAMILY: NAME`` to the letter, or a section of YAML.

    A path may hold what YAML takes for something else: `` #``, ``: `` or a leading ``~``.
    """
    import yaml

    from hierarcaps.runtime.params import repeated_keys

    if plain := re.fullmatch(r"(open_clip|transformers|meru):[ \t]+([^\s\"'{\[].*)", text.strip()):
        family, name = plain.groups()
        return {family: os.path.expanduser(name)}  # noqa: PTH111 - a name on a hub is no path
    try:
        entry = yaml.safe_load(text)
        twice = next(repeated_keys(text), None)
    except yaml.YAMLError:
        entry = twice = None
    if twice:
        raise InputError(f"--model is {text!r}: the key {twice[0]!r} is given twice, expected once")
    if not isinstance(entry, dict):
        raise InputError(f"--model is {text!r}, expected an entry such as 'open_clip: FOLDER'")
    return entry


if __name__ == "__main__":
    sys.exit(main())
