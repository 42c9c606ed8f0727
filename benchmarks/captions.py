"""Time and memory of gathering and sampling captions, of captions that the benchmark makes.

    python benchmarks/captions.py [--rows 400000 3300000] [--threads 2]

Files as Conceptual Captions are published (a caption, a tab, an address): words drawn by a power
law from 100,000, 4 to 17 in a caption, one caption in 12 twice, one in 30 with letters beyond
ASCII, and one image in 1,000 of the test set. Each step runs in a process of its own, so that its
peak memory is its own: ``gather`` (read, normalise, filter, keep each once), ``seeds`` (the
covering sample of 5,000) and ``items`` (the plain sample of 500,000). Files of 3,300,000 rows take
a gigabyte with what is held meanwhile, of 30,000,000 ten; they are made in TMPDIR and removed.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from tables import Table, publish

from hierarcaps.generation.steps.captions import make_captions
from hierarcaps.generation.steps.samples import make_item_captions, make_seed_captions

Measured = tuple[int, str, float, float, float]  # rows, step, seconds, of the processor, peak MB
STEPS = ("gather", "seeds", "items")
SEEDS, ITEMS = 5000, 500_000
LIMITS = {"min_words": 4, "max_words": 40, "max_characters": 200}
CHUNK = 100_000
ODD = ("café", "“quoted”", "señor", "it’s", "ﬁne", "straße", "東京", "(a note)")


def write_captions(path: Path, rows: int) -> None:
    """Write a file of ``rows`` captions; equal numbers give equal bytes."""
    rng = np.random.default_rng(0)
    letters = np.array(list("etaoinshrdlucmfwypvbgkjqxz"))
    vocabulary = ["".join(rng.choice(letters, length)) for length in rng.integers(2, 11, CHUNK)]
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, rows, CHUNK):
            lengths = rng.integers(4, 18, min(CHUNK, rows - start))
            drawn = np.minimum(rng.pareto(0.6, lengths.sum()), 1e9).astype(int) % CHUNK
            odd, twice = rng.random((2, len(lengths))) < [[1 / 30], [1 / 12]]
            at, before = 0, "a first caption of all"
            for number, length in enumerate(lengths.tolist(), start=start):
                text = " ".join(vocabulary[word] for word in drawn[at : at + length])
                at += length
                if odd[number - start]:
                    text += f" {ODD[number % len(ODD)]}"
                before = text = f"{before} ." if twice[number - start] else text
                file.write(f"{text}\thttps://site{number % 977}.org/media/{number:012d}.jpg\n")


def run(step: str, folder: Path) -> None:
    """Run a step in ``folder``, as its job does."""
    captions = folder / "captions.parquet"
    if step == "gather":
        excluded = [f"COCO_val2014_{number:012d}.jpg" for number in range(0, 10**6, 1000)]
        source = {"path": folder / "captions.tsv", "kind": "conceptual"}
        make_captions([source], excluded, LIMITS, captions, folder / "counts.json")
    elif step == "seeds":
        make_seed_captions(captions, SEEDS, 0, folder / "seeds.parquet")
    else:
        make_item_captions(captions, ITEMS, 0, folder / "items.parquet")


def measured(step: str, folder: Path, threads: int) -> tuple[float, float, float]:
    """Return the seconds, processor seconds and peak megabytes of a step in its own process."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, __file__, "--only", step, "--folder", str(folder)], env=environment
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{step}: failed ({status})")
    wall = time.perf_counter() - start
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[400_000, 3_300_000, 30_000_000])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        run(arguments.only, arguments.folder)
        return
    found = []
    for rows in arguments.rows:
        with TemporaryDirectory() as folder:
            write_captions(Path(folder, "captions.tsv"), rows)
            for step in STEPS:
                found.append((rows, step, *measured(step, Path(folder), arguments.threads)))
    publish(__file__, table(found, arguments.threads))


def table(found: Sequence[Measured], threads: int) -> Table:
    """Return what was measured; the claim compares the most captions with the fewest."""
    processor = {(rows, step): seconds for rows, step, _, seconds, _ in found}
    sizes = sorted({rows for rows, *_ in found})
    grown = [processor[sizes[-1], step] / processor[sizes[0], step] for step in STEPS]
    peak = max(each[-1] for each in found)
    return Table(
        "Captions by the million",
        "A file as Conceptual Captions are published, made by the benchmark; each step in a "
        f"process of its own, {threads} threads: gather (read, normalise, filter, keep each "
        f"once), the covering sample of {SEEDS:,} for seeds, the plain sample of {ITEMS:,} for "
        "items.",
        ["captions", "step", "s", "processor s", "us a caption", "peak MB"],
        [
            [f"{rows:,}", step, f"{wall:.1f}", f"{cpu:.1f}", f"{1e6 * cpu / rows:.1f}", f"{mb:.0f}"]
            for rows, step, wall, cpu, mb in found
        ],
        f"{sizes[-1] / sizes[0]:.1f} times as many captions take {min(grown):.1f} to "
        f"{max(grown):.1f} times as long, in {peak:.0f} MB at most.",
    )


if __name__ == "__main__":
    main()
