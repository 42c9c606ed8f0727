"""Hierarchical retrieval among a million candidate texts, and the opening of a large explorer.

    python benchmarks/scoring.py [candidates] [explorer] [--texts 250000 500000 1000000]
                                 [--images 5000] [--threads 2]

* candidates: the task, from a file of embeddings to what each image retrieved and what that is
  worth. Each size runs in a process of its own, so that its peak memory is its own; the parts of
  the file that are mapped count in it.
* explorer: one of 5,000 images and 50,000 captions, exported as the workflow does, opened from disk
  in headless Chromium: from the navigation until captions, scores and the pictures in view are
  there. Left out where there is no Chromium.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tables
from large_explorer import CHROMIUM, EXPLORER, caption, export, items_of, opened

from hierarcaps.evaluation.tasks.hierarchical import HierarchicalRetrieval, Pool
from hierarcaps.models.embeddings import Embeddings, read_embeddings, write_embeddings

PARTS = ("candidates", "explorer")
DIMENSION, THRESHOLDS = 512, 50
LIMIT = 4.0  # GiB
OPENINGS = 3


def pool_of(texts: int) -> Pool:
    """Candidates beside those of the items."""
    return Pool("wide", tuple(sorted(caption(10**7 + i) for i in range(texts))), {})


def write_file(path: Path, images: int, texts: int) -> None:
    """Write random embeddings of the items and the pool."""
    items, pool = items_of(images), pool_of(texts)
    strings = sorted({*pool.texts}.union(*(item.tiers for item in items)))
    rng = np.random.default_rng(0)

    def unit(rows: int) -> np.ndarray:
        vectors = rng.standard_normal((rows, DIMENSION), dtype=np.float32)
        for part in np.array_split(vectors, max(1, rows // 10_000)):
            part /= np.linalg.norm(part, axis=1, keepdims=True)
        return vectors

    names = tuple(item.image or "" for item in items)
    vectors = unit(images), unit(len(strings)), unit(1)[0]
    write_embeddings(path, Embeddings(*vectors, names, tuple(strings), {}))


def score(path: Path, images: int, texts: int) -> dict[str, float]:
    """Seconds of the processor and of the clock of the task, of reading, and the peak in GiB."""
    items, pool = items_of(images), pool_of(texts)
    clock, start = time.perf_counter(), time.process_time()
    embeddings = read_embeddings(path)
    embeddings.text_rows(())  # finds equal embeddings, once for all tasks
    read = time.process_time() - start
    task = HierarchicalRetrieval(THRESHOLDS, pool)
    values = task.values(task.items(items, embeddings))
    return {
        "read": read,
        "task": time.process_time() - start - read,
        "clock": time.perf_counter() - clock,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "recall": float(np.nanmean(values["recall"])),
    }


def in_own_process(step: str, path: Path, images: int, texts: int, threads: int) -> str:
    options = [f"--images={images}", f"--texts={texts}", f"--path={path}", f"--only={step}"]
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    child = subprocess.run(
        [sys.executable, __file__, *options],
        env={**os.environ, **dict.fromkeys(names, str(threads)), "TQDM_DISABLE": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return child.stdout


def candidates(arguments: argparse.Namespace) -> tables.Table:
    """Return a row per number of candidates."""
    found = {}
    for texts in arguments.texts:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "embeddings.safetensors")
            of_size = (path, arguments.images, texts, arguments.threads)
            in_own_process("write", *of_size)
            found[texts] = json.loads(in_own_process("score", *of_size))
    least = min(found)
    rows = []
    for texts, each in found.items():
        cells = [f"{each[name]:.0f}" for name in ("read", "task", "clock")]
        per_text = each["task"] / texts / (found[least]["task"] / least)
        rows.append([f"{texts:,}", *cells, f"{per_text:.2f}", f"{each['peak']:.2f}"])
    most = max(found)
    peak, longer = found[most]["peak"], found[most]["task"] / found[least]["task"]
    if peak > LIMIT:
        raise SystemExit(f"{most:,} candidates took {peak:.2f} GiB, expected at most {LIMIT:g}")
    return tables.Table(
        "Hierarchical retrieval by the number of candidates",
        f"{arguments.images:,} images, {DIMENSION}-dimensional embeddings in a file of "
        f"{most * DIMENSION * 4 / 2**30:.1f} GiB at most, {THRESHOLDS} thresholds, "
        f"{arguments.threads} threads. Reading finds equal embeddings, once for all tasks. What "
        "is mapped of the file counts in the peak, though it can be given back at any time.",
        ("candidates", "read, processor s", "task, processor s", "clock s",
         "task, relative to the candidates", "peak GiB"),
        rows,
        f"{most:,} candidates take {peak:.1f} GiB, and {longer:.1f} times as long as {least:,}.",
    )  # fmt: skip


def explorer(_arguments: argparse.Namespace) -> tables.Table | None:
    """Return how long a large explorer takes to open."""
    if not CHROMIUM:
        print("explorer: not run, Chromium and its driver are not installed")
        return None
    images, captions = EXPLORER
    rows, worst = [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        page = export(Path(folder))
        size = page.with_name("captions.js").stat().st_size / 2**20
        for name, fragment, event in (
            ("all images", "", "grid"),
            ("all images, in the order of what a run finds", "#sort=gain", "grid"),
            ("one image, by its address", "#image=4321", "image"),
        ):
            found = [opened(page, fragment, event) for _ in range(OPENINGS)]
            middle = np.median(found, axis=0)
            worst = max(worst, middle[1])
            rows.append([name, *(f"{seconds:.2f}" for seconds in middle)])
    return tables.Table(
        "Opening a large explorer",
        f"{images:,} images and {captions:,} captions (`captions.js` has {size:.1f} MiB), two "
        "runs, from disk in headless Chromium, a new browser each time: seconds of the clock from "
        "the start of the navigation until captions can be searched, and until the scores of both "
        f"runs and all pictures in view are there; and what the page's own thread needed of the "
        f"processor. Medians of {OPENINGS}.",
        ("opened at", "captions, s", "all in view, s", "thread, processor s"),
        rows,
        f"It is open within {worst:.1f} s.",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parser.add_argument("--texts", type=int, nargs="+", default=[250_000, 500_000, 1_000_000])
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=("write", "score"), help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only == "write":
        write_file(arguments.path, arguments.images, arguments.texts[0])
    elif arguments.only == "score":
        print(json.dumps(score(arguments.path, arguments.images, arguments.texts[0])))
    elif unknown := set(arguments.parts).difference(PARTS):
        parser.error(f"unknown part {min(unknown)!r}, expected some of {', '.join(PARTS)}")
    else:
        for part in arguments.parts or PARTS:
            table = {"candidates": candidates, "explorer": explorer}[part](arguments)
            tables.publish(__file__, *([table] if table else []))


if __name__ == "__main__":
    main()
