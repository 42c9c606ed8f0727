"""A study as a crate: what the profiles ask for, every file, and nothing that is not known."""

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from hierarcaps import cli
from hierarcaps.publishing.crate import export_study
from hierarcaps.runtime.errors import InputError

pytest.importorskip("rocrate")


@pytest.fixture
def finished(study: Path) -> Path:
    """The results of a run in the folder of its workflow."""
    (study / "Snakefile").write_text("rule all: input: []\n")
    (study / "workflow" / "rules").mkdir(parents=True)
    (study / "workflow" / "rules" / "align.smk").write_text("rule align: input: []\n")
    results = study / "results"
    (results / "summary.csv").write_text("model,value\nvit-8,0.875\n")
    (results / "vit-8" / "zeroshot" / "seed0" / "embeddings.safetensors").write_bytes(b"large")
    records = study / ".snakemake" / "metadata"
    records.mkdir(parents=True)
    times = {"results/summary.csv": (1000.0, 1060.0), "models/vit-8/seed0/curve.csv": (400, 900)}
    for name, (begun, ended) in times.items():
        record = json.dumps({"rule": "x", "starttime": begun, "endtime": ended})
        (records / base64.urlsafe_b64encode(name.encode()).decode()).write_text(record)
    (records / "other").write_text("of another version")
    return results


def entities(folder: Path) -> dict[str, dict[str, Any]]:
    graph = json.loads((folder / "ro-crate-metadata.json").read_text())["@graph"]
    assert len({each["@id"] for each in graph}) == len(graph)
    return {each["@id"]: each for each in graph}


def ids(value: Any) -> set[str]:
    return {each["@id"] for each in (value if isinstance(value, list) else [value])}


def test_what_the_profiles_ask_for(finished: Path, tmp_path: Path):
    assert export_study(finished, tmp_path / "crate", "cc-by-4.0") == 4
    found = entities(tmp_path / "crate")
    root, workflow, run = found["./"], found["Snakefile"], found["#run"]
    profiles = ids(root["conformsTo"])
    assert {each.rsplit("/", 2)[1] for each in profiles} == {
        "process", "workflow", "workflow-ro-crate",
    }  # fmt: skip
    assert all(found[each]["@type"] == "CreativeWork" for each in profiles)
    assert ids(root["mainEntity"]) == {"Snakefile"}
    assert ids(root["mentions"]) == {"#run"}
    assert ids(root["license"]) == {"https://spdx.org/licenses/cc-by-4.0"}
    assert set(workflow["@type"]) == {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    assert found[workflow["programmingLanguage"]["@id"]]["name"] == "Snakemake"
    assert ids(workflow["hasPart"]) == {"workflow/rules/align.smk"}
    assert run["@type"] == "CreateAction"
    assert ids(run["instrument"]) == {"Snakefile"}
    assert ids(run["object"]) == {"params.yaml"}
    assert run["startTime"] == "1970-01-01T00:06:40+00:00"
    assert run["endTime"] == "1970-01-01T00:17:40+00:00"
    software = {found[each]["name"]: found[each] for each in ids(workflow["softwareRequirements"])}
    assert {name: each["softwareVersion"] for name, each in software.items()} == {
        "python": "3.11.2", "torch": "2.13.0",
    }  # fmt: skip


def test_every_file_is_there_and_described(finished: Path, tmp_path: Path):
    export_study(finished, tmp_path / "crate")
    found = entities(tmp_path / "crate")
    files = {
        str(path.relative_to(tmp_path / "crate"))
        for path in (tmp_path / "crate").rglob("*")
        if path.is_file()
    }
    described = {name for name, each in found.items() if "File" in each["@type"]}
    assert described == files - {"ro-crate-metadata.json"}
    results = {name for name in files if name.startswith("results/")}
    assert ids(found["#run"]["result"]) == results
    assert "results/vit-8/re/seed2/ordering.json" in results
    assert not any(name.endswith(".safetensors") for name in files)
    run = json.loads((finished / "run.json").read_text())
    assert yaml.safe_load((tmp_path / "crate/params.yaml").read_text()) == run["params"]


def test_rocrate_reads_it(finished: Path, tmp_path: Path):
    from rocrate.rocrate import ROCrate

    export_study(finished, tmp_path / "crate")
    crate = ROCrate(tmp_path / "crate")
    assert crate.mainEntity.id == "Snakefile"
    assert crate.get("#run")["instrument"] is crate.mainEntity


def test_what_is_not_known_is_left_out(finished: Path, tmp_path: Path):
    shutil.rmtree(finished.parent / ".snakemake")
    export_study(finished, tmp_path / "crate")
    found = entities(tmp_path / "crate")
    assert found["./"]["license"] == "unknown"
    assert not {"startTime", "endTime", "agent"} & found["#run"].keys()
    assert "version" not in found["Snakefile"]


def test_the_commit_says_whether_files_differ_from_it(finished: Path, tmp_path: Path):
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(finished.parent), "-c", "user.name=a", "-c", "user.email=a@b",
                   *arguments]  # fmt: skip
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet")
    git("add", "Snakefile")
    git("commit", "--quiet", "--message", "x")
    commit = git("rev-parse", "HEAD")
    export_study(finished, tmp_path / "clean")
    assert entities(tmp_path / "clean")["Snakefile"]["version"] == commit
    (finished.parent / "Snakefile").write_text("rule other: input: []\n")
    export_study(finished, tmp_path / "changed")
    assert entities(tmp_path / "changed")["Snakefile"]["version"] == f"{commit}-dirty"


def test_the_command(finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    command = ["export", str(finished), str(tmp_path / "crate")]
    assert cli.main(command) == 0
    said = f"{tmp_path / 'crate'}: 4 result files, a Workflow Run RO-Crate\n"
    assert capsys.readouterr().out == said
    assert cli.main(command) == 1
    assert "is there already, expected a new folder" in capsys.readouterr().err
    assert cli.main([*command[:2], str(tmp_path / "other"), "--push", "me/study"]) == 1
    assert "expected no --push" in capsys.readouterr().err


def test_without_the_extra_a_sentence_says_which(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    for name in ("rocrate", "rocrate.rocrate"):
        monkeypatch.setitem(sys.modules, name, None)
    assert cli.main(["export", str(finished), str(tmp_path / "crate")]) == 1
    said = "is not installed: install hierarcaps with the extra export, hierarcaps[export]\n"
    assert capsys.readouterr().err.endswith(said)
    assert not (tmp_path / "crate").exists()


def test_results_without_their_workflow_are_refused(finished: Path, tmp_path: Path):
    (finished.parent / "Snakefile").unlink()
    with pytest.raises(InputError, match="found no Snakefile in a folder above"):
        export_study(finished, tmp_path / "crate")
    assert not (tmp_path / "crate").exists()
    assert not list(tmp_path.glob(".partial-*"))
