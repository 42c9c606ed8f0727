"""Seconds and memory with glibc's own settings and with those of runtime/allocator.py.

    python benchmarks/allocator.py [--pictures 96] [--steps 4] [--threads 2]

Embedding of pictures by a full-size ViT-B/32 of random weights, in the batches of the package and
in whole ones of 256 as a GPU takes them, and alignment of its text tower. Each in a process of its
own.
"""

import argparse
import json
import os
import resource
import subprocess
import sys

import tables

from hierarcaps.runtime.allocator import keep_freed_memory

WORK = {
    "pictures": "embedding pictures, batches of 32",
    "whole": "the same, one batch",
    "steps": "aligning, batches of 8",
}


def measure(work: str, arguments: argparse.Namespace) -> tuple[float, float, float]:
    """User and system seconds of the work alone, and the process's peak memory in GiB."""
    import torch
    from full_size import transformers_clip

    torch.set_num_threads(arguments.threads)
    encoder = transformers_clip("ViT-B-32")
    if work == "steps":
        from alignment import BATCH, captions

        from hierarcaps.alignment.recipe import align
        from hierarcaps.alignment.settings import AlignmentSettings

        items = captions(arguments.steps * BATCH)
        settings = AlignmentSettings("re", batch_size=BATCH)
        before = _seconds()
        align(encoder, items, items[:1], settings, seed=0)
    else:
        pixels = torch.randn(arguments.pictures, 3, 224, 224)
        before = _seconds()
        with torch.inference_mode():
            for part in pixels.split(32 if work == "pictures" else len(pixels)):
                encoder.encode_image(part)
    user, system = (after - start for after, start in zip(_seconds(), before, strict=True))
    return user, system, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _seconds() -> tuple[float, float]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime, used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=96)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=WORK)
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    if arguments.only:
        if arguments.keep and not keep_freed_memory():
            raise SystemExit("not glibc, or set in the environment")
        print(json.dumps(measure(arguments.only, arguments)))
        return
    rows, sums = [], [0.0, 0.0]
    for work, name in WORK.items():
        found = []
        for keep in ([], ["--keep"]):
            command = [sys.executable, __file__, *sys.argv[1:], "--only", work, *keep]
            environment = {**os.environ, "TQDM_DISABLE": "1"}
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
            found.append(json.loads(done.stdout.splitlines()[-1]))
        rows.append([name, *(f"{x:.2f}" for pair in zip(*found, strict=True) for x in pair)])
        sums = [total + user + system for total, (user, system, _) in zip(sums, found, strict=True)]
    columns = [f"{what}, {how}" for what in ("user s", "system s", "peak GiB") for how in HOW]
    about = f"{arguments.pictures} pictures, {arguments.steps} steps, {arguments.threads} threads."
    tables.publish(
        __file__,
        tables.Table(
            "glibc as it is, and as jobs and commands set it",
            f"A full-size ViT-B/32 of random weights: {about}",
            ("", *columns),
            rows,
            f"With glibc as it is, all three together take {sums[0] / sums[1]:.2f} times as long.",
        ),
    )


HOW = ("as it is", "as set")

if __name__ == "__main__":
    main()
