"""Whatever is killed, and whenever: the same command goes on, to the same bytes.

A run of the small study is struck 20 times at random points. Each time either one of its jobs or
the run itself gets one of three signals; then the very same command is given again.
"""

import contextlib
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest
from small_study import Running, leftovers, make_repository, outputs

STRIKES = [
    (target, sign)
    for target in ("run", "job")
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
] * 3 + [("run", signal.SIGKILL), ("job", signal.SIGKILL)]
LONGEST_WAIT = 3.0  # seconds between a job's start and the strike
SEED = 7


def strike(run: Running, target: str, sign: signal.Signals, chance: random.Random) -> bool | None:
    """Send the signal at a random point.

    Returns:
        None where nothing was there to get it; else whether it met a job at its work.
    """
    done = run.finished_jobs() + chance.randrange(3)
    if not run.wait_for(lambda: run.finished_jobs() >= done and run.jobs()):
        return None
    time.sleep(chance.uniform(0, LONGEST_WAIT))
    if target == "run":
        # SIGINT to all, as Ctrl-C in a terminal does.
        (os.killpg if sign == signal.SIGINT else os.kill)(run.process.pid, sign)
        return False
    while run.wait_for(run.noted_jobs):
        jobs = sorted(run.noted_jobs().items())
        for process, note in chance.sample(jobs, len(jobs)):
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.kill(process, sign)
                return note.exists()
    return None


def assert_nothing_half_written(directory: Path, expected: dict[str, str]) -> None:
    for path, digest in outputs(directory).items():
        if path in expected and path != "results/mlflow.json":
            assert digest == expected[path], f"{path} is not what an undisturbed run writes"


@pytest.mark.skipif(sys.platform != "linux", reason="looks for jobs in /proc")
def test_a_run_that_is_killed_again_and_again_ends_as_one_that_is_not(finished_study, tmp_path):
    expected = outputs(finished_study)
    chance = random.Random(SEED)
    strikes = chance.sample(STRIKES, len(STRIKES))
    directory = tmp_path / "struck"
    make_repository(directory)
    struck = 0
    while struck < len(strikes):
        target, sign = strikes[struck]
        run = Running(directory, tmp_path / f"{struck}.log")
        hit = strike(run, target, sign, chance)
        status = run.wait()
        assert hit is not None or struck, run.text()
        if hit is None:
            # It came through between two strikes: a later one hits a part of it again.
            assert status == 0, run.text()[-5000:]
            shutil.rmtree(directory / "results")
            continue
        print(f"{struck}: {sign.name} to the {target}, exit status {status}", flush=True)
        if hit and sign == signal.SIGKILL:
            assert "was killed. Most often the system ran out of memory" in run.text()
        orphans_end = time.monotonic() + 20
        while run.jobs():
            assert time.monotonic() < orphans_end, "jobs outlive their run"
            time.sleep(0.1)
        assert_nothing_half_written(directory, expected)
        struck += 1
    last = Running(directory, tmp_path / "last.log")
    assert last.wait() == 0, last.text()[-5000:]
    assert outputs(directory) == expected
    assert leftovers(directory) == []
    assert_one_finished_mlflow_run_each(directory)


def assert_one_finished_mlflow_run_each(directory: Path) -> None:
    import json

    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{directory}/mlflow.db")
    experiment = client.get_experiment_by_name("hierarcaps")
    runs = client.search_runs([experiment.experiment_id])
    mirrored = json.loads((directory / "results" / "mlflow.json").read_text())
    assert sorted(run.info.run_name for run in runs) == sorted(mirrored)
    assert {run.info.status for run in runs} == {"FINISHED"}
