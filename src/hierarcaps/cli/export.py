"""``hierarcaps export``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import typer

from hierarcaps.cli.output import show_json
from hierarcaps.runtime.errors import InputError


def run_export(
    source: str,
    output: Path,
    results: Path | None,
    licence: str | None,
    datasets: Sequence[str],
    repository: str | None,
    as_json: bool,
) -> None:
    """Write the folder, upload it where a repository is named, and say where it is."""
    from hierarcaps.publishing.hub import push
    from hierarcaps.publishing.source import kind_of

    if repository and output.is_dir() and any(output.iterdir()):
        raise InputError(f"{output}: is not empty, expected a new folder: all of it is uploaded")
    kind: Literal["model", "dataset"]
    exports = kind_of(source)
    if exports == "study" and repository:
        raise InputError(f"{source}: a study is no repository of the hub, expected no --push")
    if exports == "study":
        from hierarcaps.publishing.crate import export_study

        kind = "dataset"
        said = f"{export_study(source, output, licence):,} result files, a Workflow Run RO-Crate"
    elif exports == "data":
        from hierarcaps.publishing.data_folder import export_data_folder

        kind = "dataset"
        splits = export_data_folder(
            source, output, results=results, licence=licence, repository=repository
        )
        sizes = ", ".join(f"{number:,} items of {split}" for split, number in splits.items())
        said = f"{sizes}, loaded by datasets"
    else:
        from hierarcaps.publishing.model_folder import export_model_folder

        kind = "model"
        exported = export_model_folder(
            source,
            output,
            results=results,
            licence=licence,
            datasets=datasets,
            repository=repository,
        )
        said = f"{exported.model_class or 'a model'}, loaded by {', '.join(exported.libraries)}"
    address = push(output, repository, kind) if repository else None
    if as_json:
        files = sorted(str(path.relative_to(output)) for path in output.rglob("*"))
        show_json({"folder": str(output), "said": said, "files": files, "pushed": address})
        return
    typer.echo(f"{output}: {said}")
    if address:
        typer.echo(address)
