"""The paper's study, rehearsed from the first download to the last page (``make rehearsal``).

Stand-ins lie under the real repository ids behind a hub on the loopback, data in the real formats
behind a mirror of their addresses; ``config/rehearsal.yaml`` makes the counts small. All code is
that of a real run; a third overlay, written on the spot, names the rehearsal's own lists of hashes.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "tests" / "helpers")]

PAPER = ROOT / "config" / "paper.yaml"
REHEARSAL = ROOT / "config" / "rehearsal.yaml"
TESTS, PICTURES = 30, 120
# Of a cluster without accounts, that answers at once.
SLURM = (
    "--slurm-no-account", "--slurm-status-command", "squeue",
    "--seconds-between-status-checks", "2", "--slurm-init-seconds-before-status-checks", "2",
)  # fmt: skip
NOBODY = "http://127.0.0.1:9"
GATED = "meta-llama/Llama-2-13b-hf"


def make_stand_ins(folder: Path) -> None:
    """Make all that a rehearsal is given, each part unless it is there: it takes a few minutes.

    Args:
        folder: gets ``served`` (for the server), ``packages`` (for PYTHONPATH), ``placed`` (what a
            person puts in place in a study's directory) and ``lists.yaml`` (an overlay).
    """
    parts = ("published", "dual encoders", "language model", "judge", "hierarchy model")
    if all((folder / f"{part}.made").is_file() for part in parts):
        return
    import dual_stand_ins as dual
    import published
    import text_stand_ins as text
    from material import find_material

    folder.mkdir(parents=True, exist_ok=True)
    hub, files = folder / "served" / "hub", folder / "served" / "files"
    material = find_material(TESTS, PICTURES)
    print(f"stand-ins: of {material.source}", flush=True)
    canaries = yaml.safe_load(PAPER.read_text())["nli"]["canaries"]

    def publish() -> None:
        breeds = real_data() / "breeds"
        published.write_published(files, material, breeds if breeds.is_dir() else None)
        published.put_in_place(folder / "placed", material)
        published.write_own_lists(folder, files, material)

    def dual_encoders() -> None:
        dual.write_dual_encoders(hub, material.texts[:5000])
        dual.write_meru(folder / "placed" / "models" / "meru_vit_b.pth")
        dual.narrow_open_clip(folder / "packages")

    makers = (
        publish,
        dual_encoders,
        lambda: text.write_language_model(hub / text.LANGUAGE_MODEL, material),
        lambda: text.write_judge(hub / text.JUDGE, material, canaries),
        lambda: text.write_hierarchy_model(hub / text.HIERARCHY_MODEL, material),
    )
    for part, make in zip(parts, makers, strict=True):
        made = folder / f"{part}.made"
        if not made.is_file():
            start = time.process_time()
            make()
            made.touch()
            print(f"stand-ins: {part}, {time.process_time() - start:.0f} CPU s", flush=True)


def real_data() -> Path:
    """Return where real data would be."""
    return Path(os.environ.get("HIERARCAPS_TEST_DATA", ROOT.parent / "shared" / "data"))


def command(study: Path, overlays: Sequence[Path], *arguments: str) -> list[str]:
    """Return Snakemake's command line."""
    from forks import PROGRAMS

    # A dry run has no jobs to fork.
    forking = [] if "--dry-run" in arguments else [str(PROGRAMS / "snakemake")]
    return [
        sys.executable, *(forking or ["-m", "snakemake"]), "--snakefile", str(ROOT / "Snakefile"),
        "--workflow-profile", str(ROOT / "profiles" / "default"), "--directory", str(study),
        "--configfile", *map(str, overlays), *arguments,
    ]  # fmt: skip


def environment(folder: Path, addresses: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a run: the hub's and the mirror's addresses, a cache of its own."""
    left_out = ("HF_", "HIERARCAPS_", "MLFLOW_", "TRANSFORMERS_", "HUGGINGFACE_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
    return {
        **kept,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}",
        "PYTHONPATH": os.pathsep.join(
            [str(folder / "stand-ins" / "packages"), str(HERE / "watch")]
        ),
        "HF_HOME": str(folder / "cache"),
        "OMP_NUM_THREADS": "1",
        "NO_PROXY": "127.0.0.1",
        **addresses,
    }


def planned_rules(study: Path, overlays: Sequence[Path], env: Mapping[str, str]) -> set[str]:
    """Return the rules of what a study's plan lacks in its directory."""
    from job_table import job_counts

    arguments = ("--cores", "2", "--dry-run", "--", "all")
    done = subprocess.run(
        command(study, overlays, *arguments),
        env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return set(job_counts(done.stdout))


def finished_rules(log: str) -> set[str]:
    """Return the rules of which Snakemake says that a job of theirs was finished."""
    return set(re.findall(r"^Finished jobid: \d+ \(Rule: (\w+)\)", log, re.MULTILINE))


def ran_rules(study: Path) -> set[str]:
    """Return the rules that Snakemake finished in a directory, from its own records."""
    logs = (study / ".snakemake" / "log").glob("*.log")
    return set().union(*(finished_rules(path.read_text(encoding="utf-8")) for path in logs))


@contextmanager
def one_node_slurm(folder: Path) -> Iterator[None]:
    """Run a Slurm of this machine alone while the block lasts, as root."""
    script = ROOT / "tests" / "reproducibility" / "one_node_slurm.sh"
    subprocess.run([script, "start", folder], check=True)
    try:
        yield
    finally:
        subprocess.run([script, "stop", folder], check=True)


@contextmanager
def served(made: Path, offline: bool) -> Iterator[dict[str, str]]:
    """Serve the stand-ins while the block lasts; offline nothing is, and nobody is to ask."""
    from hub_server import TOKEN, HubServer

    if offline:
        yield {"HF_HUB_OFFLINE": "1", "HF_ENDPOINT": NOBODY, "HIERARCAPS_MIRROR": NOBODY}
        return
    with HubServer(made / "served", gated=[GATED], token=TOKEN) as server:
        yield {
            "HF_ENDPOINT": server.endpoint,
            "HF_TOKEN": TOKEN,
            "HIERARCAPS_MIRROR": server.mirror,
        }


def prepare(folder: Path, study: Path, offline: bool) -> None:
    """Put in place what no program may fetch; offline, what a rehearsal has fetched too."""
    shutil.rmtree(study, ignore_errors=True)
    shutil.copytree(folder / "stand-ins" / "placed", study)
    if offline:
        for name in ("published", "official"):
            shutil.copytree(folder / "study" / "data" / name, study / "data" / name)
    else:
        shutil.rmtree(folder / "cache", ignore_errors=True)


def check(study: Path, expected: set[str], minutes: float) -> None:
    """Exit with an error where a rule of the plan did not run, or the last page is not there."""
    missing = expected - ran_rules(study) - {"all"}
    page = study / "results-paper" / "reports" / "paper.html"
    if missing or not page.is_file():
        raise SystemExit(f"Error: not rehearsed: {', '.join(sorted(missing)) or page}")
    print(f"Rehearsed: {len(expected)} rules of the paper's plan in {minutes:.1f} min; {page}")


def main() -> None:
    """Rehearse."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "rehearsal")
    parser.add_argument("--offline", action="store_true", help="from what a run before has fetched")
    parser.add_argument("--profile", help="of Snakemake, beside the default one")
    parser.add_argument("--resume", action="store_true", help="go on with the last rehearsal")
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("targets", nargs="*", default=["all"])
    options = parser.parse_args()
    folder = options.folder.resolve()
    made = folder / "stand-ins"
    make_stand_ins(made)
    kind = ["offline"] * options.offline + [options.profile] * bool(options.profile)
    study = folder / "-".join(["study", *kind])
    if not options.resume:
        prepare(folder, study, options.offline)
    # All that goes wrong in one go.
    arguments = ["--cores", str(options.cores), "--keep-going"]
    if options.profile:
        arguments += ["--profile", str(ROOT / "profiles" / options.profile)]
    cluster = nullcontext()
    contacts = study / "contacts.txt"  # written by tests/rehearsal/watch
    if options.profile == "slurm" and not Path("/etc/slurm/slurm.conf").exists():
        arguments += SLURM
        cluster = one_node_slurm(folder / "slurm")
    from forks import ADDRESS, start_server

    with served(made, options.offline) as addresses, cluster:
        env = environment(folder, {**addresses, "REHEARSAL_CONTACTS": str(contacts)})
        expected = planned_rules(study, [PAPER], env)
        env[ADDRESS] = start_server(env, os.getpid())
        start = time.monotonic()
        overlays = [PAPER, REHEARSAL, *[made / "lists.yaml"] * (not options.offline)]
        run = command(study, overlays, *arguments, "--", *options.targets)
        if status := subprocess.run(run, env=env, check=False).returncode:
            raise SystemExit(status)
    if contacts.is_file():
        raise SystemExit(f"Error: more than the loopback was asked:\n{contacts.read_text()}")
    if options.targets == ["all"]:
        check(study, expected, (time.monotonic() - start) / 60)


if __name__ == "__main__":
    main()
