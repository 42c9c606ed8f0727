"""A finished study as a Workflow Run RO-Crate (https://w3id.org/ro/wfrun/workflow/0.5)."""

import json
import mimetypes
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hierarcaps.publishing.markdown import CARD_FILE, UNKNOWN
from hierarcaps.publishing.study_files import read_run
from hierarcaps.runtime.errors import InputError

SNAKEFILE = "Snakefile"
PARAMS_FILE = "params.yaml"
# Of the checkout, what says how the study is run, beside the Snakefile.
_WORKFLOW = ("workflow/**/*", "constraints.txt", "LICENSE")
_WHEN = (
    "From the earliest start to the latest end of the jobs that Snakemake has records of in the "
    "study's folder. Who ran it is not recorded."
)
# What can be computed again, and is most of the size.
_LEFT_OUT = (".safetensors",)
_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}


@dataclass(frozen=True)
class StudyRun:
    """A run of the workflow, as far as its files tell.

    Attributes:
        results: folder of its results.
        checkout: folder of the Snakefile.
        params: the parameters that it used, overlays merged.
        versions: of Python and the packages that it ran with.
        times: when its first job began and its last ended, ISO 8601; None where the workflow's own
            records are gone.
        commit: of the checkout as it is now, marked ``-dirty`` where files differ from it; None
            outside of git.
    """

    results: Path
    checkout: Path
    params: Mapping[str, Any]
    versions: Mapping[str, str]
    times: tuple[str, str] | None
    commit: str | None


def export_study(results: str | Path, folder: str | Path, licence: str | None = None) -> int:
    """Write a crate: the workflow, its parameters, the results, and what ties them together.

    Args:
        results: of a finished run, in its folder; embeddings are left out.
        folder: a new folder, there whole or not at all.
        licence: SPDX identifier of the results' licence; None where it is not known.

    Returns:
        The number of result files.

    Raises:
        InputError: results without ``run.json`` or without a Snakefile above them; a folder that is
            not empty.
    """
    run, folder = read_study(Path(results)), Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: is there already, expected a new folder for the crate")
    folder.resolve().parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".partial-", dir=folder.resolve().parent) as scratch:
        crate, number = _crate(run, Path(scratch), licence)
        written = Path(scratch) / "crate"
        crate.write(written)
        written.replace(folder)
    return number


def read_study(results: Path) -> StudyRun:
    """Read what the files of a run tell.

    Raises:
        InputError: there is no ``run.json``, or no Snakefile above it.
    """
    described = read_run(results)
    if "params" not in described:
        raise InputError(f"{results}: has no run.json, expected the results of a finished run")
    above = results.resolve().parents
    checkout = next((each for each in above if (each / SNAKEFILE).is_file()), None)
    if checkout is None:
        raise InputError(
            f"{results}: found no {SNAKEFILE} in a folder above, expected the workflow"
        )
    versions = described.get("versions", {})
    times = _times(above[0] / ".snakemake" / "metadata")
    return StudyRun(results, checkout, described["params"], versions, times, _commit(checkout))


def _times(records: Path) -> tuple[str, str] | None:
    """Return when the first job began and the last one ended, of Snakemake's records of files."""
    begun, ended = [], []
    for path in records.rglob("*") if records.is_dir() else ():
        with suppress(OSError, ValueError, KeyError, TypeError):  # another version's
            record = json.loads(path.read_text(encoding="utf-8"))
            begun.append(float(record["starttime"]))
            ended.append(float(record["endtime"]))
    return (_iso(min(begun)), _iso(max(ended))) if begun and ended else None


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _commit(checkout: Path) -> str | None:
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=40",
               "--exclude=*"]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _crate(run: StudyRun, scratch: Path, licence: str | None) -> tuple[Any, int]:
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.1")  # on which the profiles are built
    name = run.params.get("test_set", {}).get("name", UNKNOWN)
    crate.name = f"Visual-semantic hierarchies: a study on {name}"
    crate.description = (
        "The workflow, the parameters of one run and its results; embeddings and checkpoints are "
        "left out. Versions are of the run; Snakemake's, and the commit, are of the environment "
        "and the checkout in which this crate was made."
    )
    crate.license = _licence(crate, licence) if licence else UNKNOWN
    crate.root_dataset["conformsTo"] = [_profile(crate, *each) for each in _PROFILES.items()]
    workflow = _workflow(crate, run)
    params = crate.add_file(
        _params_file(run, scratch), PARAMS_FILE,
        properties={"name": "parameters of the run, overlays merged",
                    "encodingFormat": "application/yaml"},
    )  # fmt: skip
    results = [
        crate.add_file(path, f"results/{path.relative_to(run.results)}", properties=_kind(path))
        for path in _files(run.results)
    ]
    times = dict(zip(("startTime", "endTime"), run.times, strict=True)) if run.times else {}
    action = crate.add_action(
        workflow, identifier="#run", object=params, result=results,
        properties={"name": "one run of the study", "description": _WHEN, **times},
    )  # fmt: skip
    crate.root_dataset["mentions"] = action
    readme = {"name": CARD_FILE, "encodingFormat": "text/markdown", "about": {"@id": "./"}}
    text = f"# {crate.name}\n\n{crate.description}\n"
    crate.add_file(StringIO(text), CARD_FILE, properties=readme)
    return crate, len(results)


def _workflow(crate: Any, run: StudyRun) -> Any:
    try:
        engine = metadata.version("snakemake")
    except metadata.PackageNotFoundError:
        engine = None
    workflow = crate.add_workflow(
        run.checkout / SNAKEFILE, SNAKEFILE, main=True, lang="snakemake", lang_version=engine,
        properties={"name": "hierarcaps", "encodingFormat": "text/plain"},
    )  # fmt: skip
    if run.commit:
        workflow["version"] = run.commit
    workflow["softwareRequirements"] = [
        _software(crate, name, version) for name, version in sorted(run.versions.items())
    ]
    parts = [
        crate.add_file(path, str(path.relative_to(run.checkout)), properties=_kind(path))
        for pattern in _WORKFLOW
        for path in sorted(run.checkout.glob(pattern))
        if path.is_file() and "__pycache__" not in path.parts
    ]
    workflow["hasPart"] = parts
    return workflow


def _software(crate: Any, name: str, version: str) -> Any:
    from rocrate.model.softwareapplication import SoftwareApplication

    facts = {"name": name, "softwareVersion": version}
    if name == "python":
        facts["url"] = "https://www.python.org"
    elif name != "hierarcaps":
        # The package's identity, of whatever index it came.
        facts["identifier"] = f"pkg:pypi/{name}@{version.split('+')[0]}"
    address = facts.get("url") or facts.get("identifier") or f"#{name}"
    return crate.add(SoftwareApplication(crate, address, facts))


def _licence(crate: Any, identifier: str) -> Any:
    from rocrate.model.creativework import CreativeWork

    address = f"https://spdx.org/licenses/{identifier}"
    return crate.add(CreativeWork(crate, address, {"name": identifier, "identifier": address}))


def _profile(crate: Any, address: str, named: tuple[str, str]) -> Any:
    from rocrate.model.creativework import CreativeWork

    name, version = named
    return crate.add(CreativeWork(crate, address, {"name": name, "version": version}))


def _params_file(run: StudyRun, scratch: Path) -> Path:
    import yaml

    path = scratch / PARAMS_FILE
    path.write_text(yaml.safe_dump(dict(run.params), sort_keys=False), encoding="utf-8")
    return path


def _files(results: Path) -> Iterator[Path]:
    for path in sorted(results.rglob("*")):
        if path.is_file() and path.suffix not in _LEFT_OUT and not path.name.startswith("."):
            yield path


def _kind(path: Path) -> dict[str, str]:
    kind = mimetypes.guess_type(path.name)[0]
    if path.suffix == ".parquet":
        kind = "application/vnd.apache.parquet"
    return {"name": path.name, "encodingFormat": kind or "text/plain"}
