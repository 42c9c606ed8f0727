"""A run that is killed and started again ends with the same bits."""

import contextlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from tiny_alignment import make_encoder, make_items

from hierarcaps.alignment import recipe
from hierarcaps.alignment.checkpoint import StateFolder
from hierarcaps.alignment.recipe import align
from hierarcaps.alignment.settings import AlignmentSettings
from hierarcaps.runtime.errors import InputError

WORKER = Path(__file__).with_name("resume_worker.py")


@pytest.fixture
def runs() -> Iterator[Callable[[Path, Path, float], int]]:
    """A function that makes a run, kills it after some seconds (0: never), gives its exit code."""
    with subprocess.Popen(
        [sys.executable, str(WORKER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        bufsize=1,
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        commands, answers = worker.stdin, worker.stdout
        assert answers.readline() == "ready\n"  # the time of a run is not that of its imports

        def run(state: Path, output: Path, kill_after: float) -> int:
            output.mkdir(exist_ok=True)
            commands.write(f"{state}\t{output}\t{kill_after}\n")
            return int(answers.readline())

        yield run
        commands.close()


def test_sigkill_at_random_steps_leaves_no_trace(
    runs: Callable[[Path, Path, float], int], tmp_path: Path
) -> None:
    whole, killed, state = tmp_path / "whole", tmp_path / "killed", tmp_path / "state"
    began = time.monotonic()
    assert runs(tmp_path / "state-whole", whole, 0) == 0
    duration = time.monotonic() - began
    draw = random.Random()
    codes = [runs(state, killed, duration * draw.uniform(0.1, 0.5)) for _ in range(4)]
    assert -signal.SIGKILL in codes
    assert runs(state, killed, 0) == 0
    for name in ("weights.safetensors", "curve.txt"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    assert not list(state.iterdir()), "the state of a finished run is removed"


class KilledError(Exception):
    pass


def stepped(state: Path | None) -> tuple[dict, object]:
    """Align for some steps, each of which is kept."""
    settings = AlignmentSettings(
        "ec", learning_rate=1e-3, epochs=4, log_every=2, validate_every=5, patience=2
    )
    encoder = make_encoder(torch.float32)
    result = align(
        encoder,
        make_items(24),
        make_items(6, seed=1),
        settings,
        seed=0,
        state_root=state,
        save_seconds=0.0,
    )
    return encoder.model.state_dict(), (result.curve, result.steps)


@pytest.fixture(scope="module")
def undisturbed() -> tuple[dict, object]:
    return stepped(None)


@pytest.mark.parametrize("stop_at", range(1, 13))
def test_interruption_at_every_step(
    stop_at: int, undisturbed: tuple[dict, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, expected_result = undisturbed
    original_step = recipe._Run._step

    def step(self: recipe._Run) -> None:
        if self.state.step == stop_at:
            raise KilledError
        original_step(self)

    # Early stopping may come first; then the second run only repeats the first.
    with monkeypatch.context() as patch, contextlib.suppress(KilledError):
        patch.setattr(recipe._Run, "_step", step)
        stepped(tmp_path)
    weights, result = stepped(tmp_path)
    assert result == expected_result
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


def test_a_changed_setting_does_not_take_up_the_state(tmp_path: Path) -> None:
    steps = []
    for rate in (1e-3, 1e-4):
        settings = AlignmentSettings("re", learning_rate=rate, max_steps=2)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(StateFolder, "clear", lambda self: None)
            encoder = make_encoder()
            result = align(
                encoder, make_items(24), make_items(6), settings, 0,
                state_root=tmp_path, save_seconds=0.0,
            )  # fmt: skip
            steps.append(result.curve)
    assert len(list(tmp_path.iterdir())) == 2
    assert steps[0] != steps[1]


def test_an_unreadable_state_is_named(tmp_path: Path) -> None:
    settings = AlignmentSettings("re", max_steps=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StateFolder, "clear", lambda self: None)
        align(
            make_encoder(), make_items(24), make_items(6), settings, 0,
            state_root=tmp_path, save_seconds=0.0,
        )  # fmt: skip
    (state,) = tmp_path.glob("*/state.safetensors")
    state.write_bytes(state.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"state\.safetensors.*delete it"):
        align(make_encoder(), make_items(24), make_items(6), settings, 0, state_root=tmp_path)
