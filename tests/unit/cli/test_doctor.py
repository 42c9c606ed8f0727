"""``hierarcaps doctor``: what is missing, of an installation and of a study."""

import json
from importlib import metadata
from pathlib import Path

import pytest

from hierarcaps import cli
from hierarcaps.cli import checks, plan, study
from hierarcaps.evaluation.cost import read_weights
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.params import read_params

ROOT = Path(__file__).resolve().parents[3]
LLAMA = "language model: meta-llama/Llama-2-13b-hf"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No checkout, no data, no cache, and a hub that is not reached."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HIERARCAPS_DATA", raising=False)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr("hierarcaps.models.hub.can_reach_hub", lambda: False)


@pytest.fixture
def with_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub on which one licence is not accepted, and one repository does not exist."""
    import huggingface_hub
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    def auth_check(_: object, repository: str) -> None:
        # Made without the answer of a server, which is of the hub client's transport.
        if repository.startswith("meta-llama"):
            raise GatedRepoError.__new__(GatedRepoError)
        if "align" in repository:
            raise RepositoryNotFoundError.__new__(RepositoryNotFoundError)

    monkeypatch.setattr("hierarcaps.models.hub.can_reach_hub", lambda: True)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    monkeypatch.setattr(huggingface_hub.HfApi, "auth_check", auth_check)
    monkeypatch.setattr(study, "_size", lambda _: 26.0)


def found(capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[str, str]]:
    content = json.loads(capsys.readouterr().out)
    rows = {row["subject"]: (row["status"], row["finding"]) for row in content["checks"]}
    assert content["missing"] == any(status == "missing" for status, _ in rows.values())
    return rows


def test_an_installation_without_a_study(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["doctor", "--json"]) == 0
    rows = found(capsys)
    assert rows["python"][0] == rows["hierarcaps"][0] == "ok"
    assert rows["hierarcaps[openclip]"] == ("ok", "every package is within its range")
    assert rows["hub"][1].endswith("is not reached: there is no network")
    assert rows["official test set"][0] == "note"
    assert cli.main(["doctor"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:2] == ["ok", "python"]


def test_data_that_is_named_and_not_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("HIERARCAPS_DATA", "absent")
    assert cli.main(["doctor", "--json"]) == 1
    assert found(capsys)["official test set"][0] == "missing"


@pytest.mark.parametrize(
    ("base", "status", "finding"),
    [
        ("{folder}", "ok", "is there"),
        ("{folder}/absent", "missing", "absent: no such folder (HIERARCAPS_MIRROR)"),
        ("mirror", "missing", "HIERARCAPS_MIRROR: found 'mirror', expected an address"),
        ("http://127.0.0.1:9/", "missing", "http://127.0.0.1:9 is not reached"),
    ],
)
def test_a_mirror_of_published_files(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    base: str,
    status: str,
    finding: str,
):
    monkeypatch.setenv("HIERARCAPS_MIRROR", base.format(folder=tmp_path.as_uri()))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert cli.main(["doctor", "--json"]) == (status == "missing")
    row = found(capsys)["mirror of published files"]
    assert row[0] == status
    assert finding in row[1]


@pytest.mark.parametrize(
    ("requirement", "finding"),
    [
        ("numpy>=99", "numpy is "),
        ("no-such-package>=1", "no-such-package is not installed, expected >=1"),
    ],
)
def test_a_package_that_is_not_as_wanted(
    requirement: str,
    finding: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setattr(metadata, "requires", lambda _: [requirement, "scipy", "x; extra == 'y'"])
    assert cli.main(["doctor", "--json"]) == 1
    status, said = found(capsys)["hierarcaps"]
    assert status == "missing"
    assert said.startswith(finding)


def test_one_family_of_models_is_enough(monkeypatch: pytest.MonkeyPatch):
    lines = ["no-such; extra == 'openclip'", "numpy; extra == 'transformers'"]
    monkeypatch.setattr(metadata, "requires", lambda _: lines)
    status = {check.subject: check.status for check in checks.check_packages()}
    assert (status["hierarcaps[openclip]"], status["hierarcaps[transformers]"]) == ("note", "ok")
    lines[1] = "no-such; extra == 'transformers'"
    assert checks.is_missing(checks.check_packages())
    assert not checks.is_missing(checks.check_packages(["other"]))


@pytest.mark.usefixtures("with_hub")
def test_a_study_with_a_hub(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(study, "planned_jobs", lambda *_: {"all": 1, "align": 4, "embed": 2})
    monkeypatch.setattr(study, "gpu_gigabytes", lambda: 8.0)
    logs = Path("logs", "benchmarks", "align")
    logs.mkdir(parents=True)
    (logs / "a.tsv").write_text("s\tmax_rss\n90\t100\n")
    assert cli.main(["doctor", str(ROOT / "config" / "paper.yaml"), "--json"]) == 1
    rows = found(capsys)
    assert rows[LLAMA][0] == "missing"
    assert rows[LLAMA][1].startswith("its licence is not accepted")
    assert rows["ALIGN: kakaobrain/align-base"][0] == "missing"
    assert rows["CLIP-B: timm/vit_base_patch32_clip_224.openai"] == (
        "ok",
        "to be downloaded, 0.6 GB",
    )
    # Twenty-six gigabytes for the language model; OpenCLIP-H, 3.9 GB, is used and not trained.
    assert rows["language model: memory"] == ("missing", "about 34 GB, the GPU has 8 GB")
    assert "OpenCLIP-H: memory" not in rows
    assert rows["jobs"] == (
        "note",
        "6 (align 4, embed 2); 0:06:00 in all by what such jobs took here; 1 rules never ran here: "
        "their time is not known",
    )
    assert rows["probing"][0] == "ok"


def test_a_study_without_a_hub(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def missing(*_: object) -> dict[str, int]:
        raise InputError("models/meru_vit_b.pth")

    monkeypatch.setattr(study, "planned_jobs", missing)
    assert cli.main(["doctor", str(ROOT / "config" / "paper.yaml"), "--json"]) == 1
    rows = found(capsys)
    assert rows[LLAMA] == ("missing", "not in the cache, and the hub is not reached")
    assert rows["jobs"] == ("missing", "models/meru_vit_b.pth")
    assert rows["probing"][0] == "missing"


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [", "study.yaml: cannot be read"), ("text", "found no parameters"), ("x: 1", "params: ")],
)
def test_what_is_no_study(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):  # fmt: skip
    (tmp_path / "study.yaml").write_text(text)
    assert cli.main(["doctor", "study.yaml"]) == 1
    assert "study.yaml: not of a checkout of the workflow" in capsys.readouterr().err
    monkeypatch.chdir(ROOT)
    assert cli.main(["doctor", str(tmp_path / "study.yaml")]) == 1
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_what_snakemake_says_of_missing_inputs():
    said = (
        "Building DAG of jobs...\nMissingInputException in rule embed in file x, line 1:\n"
        "Missing input files for rule embed:\n    output: y\n    affected files:\n"
        "        models/meru_vit_b.pth\n"
    )
    assert plan._why(said) == "Missing input files for rule embed: models/meru_vit_b.pth"
    assert plan._why("Error: no such key\n") == "Error: no such key"


def test_an_overlay_of_open_models_says_what_it_needs(monkeypatch: pytest.MonkeyPatch):
    overlays = [ROOT / "config" / f"{name}.yaml" for name in ("paper", "open-models")]
    params = read_params(ROOT / "params.yaml", overlays, ROOT / study.SCHEMA)
    known = read_weights(ROOT / "config" / "weights.csv")
    written_by = [each for each in study._needed(params) if each.role not in params["models"]]
    assert [each.role for each in written_by] == ["language model", "judge", "hierarchy model"]
    assert not any(each.repository.startswith("meta-llama") for each in written_by)
    assert all(each.known_as in known for each in written_by)
    lines = ["numpy", "no-such-vllm>=1; extra == 'vllm'"]
    monkeypatch.setattr(metadata, "requires", lambda _: lines)
    (check,) = study._check_backend(params)
    assert (check.subject, check.status) == ("hierarcaps[vllm]", "missing")
    assert "no-such-vllm is not installed" in check.finding
    params["generation"]["seeds"]["llm"]["backend"] = "transformers"
    assert study._check_backend(params) == []
