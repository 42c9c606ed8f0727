"""Results are mirrored to an MLflow server too: one of this machine, reached without a network."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from hierarcaps.runtime.tracking import EXPERIMENT, Mirrored, mirror

RUN = Mirrored("rn/re/seed0", {"model": "rn", "objective": "re"}, {"seed": 0}, ["ordering.json"])
STARTS_WITHIN = 300  # seconds


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{folder}/server.db", "--workers", "1"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    uri = f"http://127.0.0.1:{port}"
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
        try:
            _wait(process, f"{uri}/health", folder / "log")
            yield uri
        finally:
            process.terminate()
            process.wait(timeout=60)


def _wait(process: subprocess.Popen, url: str, log: Path) -> None:
    end = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    pytest.fail(f"the server did not start:\n{log.read_text()}")


def test_runs_and_artifacts_are_on_the_server(server, tmp_path, monkeypatch):
    import mlflow

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    client = mlflow.MlflowClient(server)
    for value in (0.5, 0.75):  # the second replaces the first
        metric = {"value": value, "low": 0.4, "high": 0.9, "n": 10}
        content = json.dumps({"task": "ordering", "metrics": {"tau_d": metric}})
        Path("ordering.json").write_text(content)
        mirror([RUN])
        experiment = client.get_experiment_by_name(EXPERIMENT)
        (run,) = client.search_runs([experiment.experiment_id])
        assert run.data.metrics["ordering.tau_d"] == value
        fetched = client.download_artifacts(run.info.run_id, "ordering.json")
        assert Path(fetched).read_text() == content
    assert not (tmp_path / "mlflow.db").exists()
