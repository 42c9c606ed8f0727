"""Alignment runs in processes that can be killed.

Says when the libraries are imported, reads lines ``STATE<tab>OUTPUT<tab>SECONDS`` and forks a run
for each; kills it after that time (0: never) and answers with its exit code.
"""

import os
import signal
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import save_file
from tiny_alignment import make_encoder, make_items

from hierarcaps.alignment.recipe import align
from hierarcaps.alignment.settings import AlignmentSettings

SETTINGS = AlignmentSettings(
    "re",
    learning_rate=1e-3,
    batch_size=4,
    accumulate=2,
    epochs=8,
    schedule="cosine",
    warmup_steps=5,
    root="learned",
    validate_every=7,
    patience=1000,
    log_every=3,
)


def run(state: Path, output: Path) -> None:
    encoder = make_encoder(torch.float32)
    result = align(
        encoder,
        make_items(26),
        make_items(6, seed=1),
        SETTINGS,
        seed=5,
        state_root=state,
        save_seconds=0.0,
    )
    save_file(encoder.model.state_dict(), output / "weights.safetensors")
    (output / "curve.txt").write_text(f"{result.steps} {result.root}\n{result.curve}")


def main() -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        state, output, seconds = line.rstrip("\n").split("\t")
        pid = os.fork()
        if pid == 0:
            run(Path(state), Path(output))
            os._exit(0)
        if float(seconds) > 0:
            time.sleep(float(seconds))
            os.kill(pid, signal.SIGKILL)  # its id is taken until it is waited for
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
