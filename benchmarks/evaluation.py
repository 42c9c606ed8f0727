"""Speed and memory of evaluation against plain loops measured in the same run.

    python benchmarks/evaluation.py [metric] [scale] [end-to-end] [--rounds 3] [--items 1000]
                                    [--threads 1]

* metric: hierarchical retrieval alone, 1,000 images x 4,000 texts x 50 thresholds.
* scale: 5,000 images x 100,000 texts in chunks, and half of either.
* end-to-end: the official test set (the folder HIERARCAPS_DATA, or ../shared/data/hierarcaps) with
  a full-size ViT-B/32 of random weights in transformers' format, from files to P, R and tau_d,
  against the reference's way: one picture at a time, then the four texts of one item. That loop
  runs on a sample of the items and is scaled up.

Everything is timed in processor seconds, which other load on the machine disturbs less than the
clock, and on one thread; --threads 2 lets end-to-end have two, and shows the clock as well. A ratio
is the median over rounds, in each of which both sides run. Each part runs in a process of its own,
so that its peak memory is its own.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import plain_loops
import tables

from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.evaluation.tasks import space
from hierarcaps.evaluation.tasks.hierarchical import HierarchicalRetrieval, retrieve
from hierarcaps.evaluation.tasks.ordering import Ordering
from hierarcaps.metrics.hierarchy import hierarchical_retrieval
from hierarcaps.models.embeddings import Embeddings, read_embeddings

PARTS = ("metric", "scale", "end-to-end")
THRESHOLDS = 50
DIMENSION = 512
METRIC_SIZE = (1000, 4000)
SCALE_SIZE = (5000, 100_000)
TOWER = "ViT-B-32"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def seconds(function: Callable[..., Any], *arguments: Any, repeats: int = 1) -> tuple[float, Any]:
    """Mean processor seconds of a call, and its result."""
    start = time.process_time()
    for _ in range(repeats):
        result = function(*arguments)
    return (time.process_time() - start) / repeats, result


def peak_gib() -> float:
    """Most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def unit(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Return random unit vectors, (rows, DIMENSION) float32."""
    vectors = rng.standard_normal((rows, DIMENSION), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def metric(rounds: int, _items: int, _threads: int) -> tables.Table:
    images, texts = METRIC_SIZE
    rng = np.random.default_rng(0)
    radii = rng.normal(0.9, 0.1, size=texts).astype(np.float32)
    similarity = unit(rng, images) @ unit(rng, texts).T
    in_order = similarity[:, np.argsort(radii, kind="stable")].copy()

    def as_in_tasks() -> list[np.ndarray]:
        # The task gathers its texts' embeddings by name, hence in the order of their radii for
        # nothing: what it adds to the metric is this sorting.
        order = np.argsort(radii, kind="stable")
        return [order[each] for each in hierarchical_retrieval(in_order, radii[order], THRESHOLDS)]

    few, fewer = images // 4, images // 200
    walls: dict[str, list[float]] = {}
    for _ in range(rounds):
        runs = {
            "package, texts sorted first (as in the task)": seconds(as_in_tasks, repeats=5),
            "package, texts in any order": seconds(
                hierarchical_retrieval, similarity, radii, THRESHOLDS, repeats=5
            ),
        }
        for name, loop, rows in (
            ("masked arg-max per image", plain_loops.per_image, images),
            ("masked arg-max per image and threshold", plain_loops.per_threshold, few),
            ("plain Python per candidate", plain_loops.per_candidate, fewer),
        ):
            wall, found = seconds(loop, similarity[:rows], radii, THRESHOLDS)
            runs[name] = wall * images / rows, found
        results = [[list(each) for each in found] for _, found in runs.values()]
        if any(found != results[0][: len(found)] for found in results):
            raise SystemExit("the implementations disagree")
        for name, (wall, _) in runs.items():
            walls.setdefault(name, []).append(wall)

    fastest = np.array(next(iter(walls.values())))
    rows = []
    for name, each in walls.items():
        ratio, middle = np.median(np.array(each) / fastest), np.median(each)
        rows.append([name, f"{1e3 * middle:.1f}", f"{images / middle:,.0f}", f"{ratio:.1f}"])
    return tables.Table(
        "The metric alone",
        f"Hierarchical retrieval, {images:,} images x {texts:,} texts x {THRESHOLDS} thresholds, "
        "one thread. The loops are in `benchmarks/plain_loops.py`; all results are equal. Peak "
        f"memory {peak_gib():.2f} GiB.",
        ("", "ms", "images/s", "takes as long"),
        rows,
        f"{rows[2][-1]} times as fast as one masked arg-max per image.",
    )


def scale(rounds: int, _items: int, _threads: int) -> tables.Table:
    images, texts = SCALE_SIZE
    rng = np.random.default_rng(0)
    strings = tuple(f"text {i}" for i in range(texts))
    names = tuple(f"{i}.png" for i in range(images))
    vectors = [unit(rng, rows) for rows in (images, texts, 1)]
    embeddings = Embeddings(vectors[0], vectors[1], vectors[2][0], names, strings, {})

    def whole_task(some_names: Sequence[str], some_texts: Sequence[str]) -> None:
        radii = space.radii(embeddings, some_texts)
        retrieve(embeddings, some_names, some_texts, radii, THRESHOLDS)

    sizes = {
        "all": (names, strings),
        "half of the images": (names[::2], strings),
        "half of the texts": (names, strings[::2]),
    }
    walls: dict[str, list[float]] = {"plain": []}
    sample = 10
    for _ in range(rounds):
        for name, size in sizes.items():
            walls.setdefault(name, []).append(seconds(whole_task, *size)[0])
        peak = peak_gib()
        radii = space.radii(embeddings, strings)
        similarity = vectors[0][:sample] @ vectors[1].T
        wall, _ = seconds(plain_loops.per_image, similarity, radii, THRESHOLDS)
        walls["plain"].append(wall * images / sample)

    rows = []
    for name, (some_names, some_texts) in sizes.items():
        pairs, middle = len(some_names) * len(some_texts), np.median(walls[name])
        times = np.median(np.array(walls["all"]) / walls[name])
        sizes_of = [f"{len(some_names):,}", f"{len(some_texts):,}"]
        rows.append([name, *sizes_of, f"{middle:.1f}", f"{pairs / middle:.1e}", f"{times:.2f}"])
    ratio = np.median(np.array(walls["plain"]) / walls["all"])
    return tables.Table(
        "Many candidates",
        f"{DIMENSION}-dimensional embeddings, radii, similarities and retrieval, one thread. Peak "
        f"memory {peak:.2f} GiB, the embeddings included.",
        ("", "images", "texts", "s", "pairs/s", "all takes as long"),
        rows,
        f"{ratio:.1f} times as fast as a masked arg-max per image that is given the similarities.",
    )


def end_to_end(rounds: int, n_items: int, threads: int) -> tables.Table | None:
    import torch
    from full_size import transformers_clip
    from reference_loops import encode_one_by_one

    from hierarcaps.data.hierarchy import read_hierarchies
    from hierarcaps.data.images import open_images
    from hierarcaps.models.embed import embed_test_set

    folder = Path(os.environ.get("HIERARCAPS_DATA", tables.ROOT.parent / "shared/data/hierarcaps"))
    if not folder.is_dir():
        print(f"end to end: not run, {folder} does not exist (set HIERARCAPS_DATA)")
        return None
    torch.set_num_threads(threads)
    items = read_hierarchies(folder / "hierarcaps_test.csv")[:n_items]
    store = open_images(folder / "test_imgs")
    with tempfile.TemporaryDirectory() as scratch:
        encoder = transformers_clip(TOWER)
        path = Path(scratch, "embeddings.safetensors")
        rng = np.random.default_rng(0)

        def package() -> dict[str, float]:
            embed_test_set(encoder, items, store, path)
            return _values_of(items, path)

        def one_by_one(rows: Sequence[int]) -> None:
            encode_one_by_one(encoder, [items[row] for row in rows], store)

        one_by_one([0])  # what is allocated once is nobody's cost
        ours, plain, size = [], [], min(40, len(items) // 2 * 2)
        for _ in range(rounds):
            before, after = rng.choice(len(items), size, replace=False).reshape(2, -1)
            first = both_clocks(one_by_one, before)
            *times, found = both_clocks(package)
            ours.append(times)
            second = both_clocks(one_by_one, after)
            *measuring, expected = both_clocks(plain_metrics, items, path)
            plain.append(np.add(first[:2], second[:2]) * len(items) / size + measuring)
            if any(not np.isclose(found[name], value) for name, value in expected.items()):
                raise SystemExit(f"the implementations disagree: {found}, {expected}")

    rows = []
    loop = f"one picture, one item at a time ({size} a round, scaled up)"
    for name, each in (("package", ours), (loop, plain)):
        cpu, wall = np.median(each, axis=0)
        ratios = np.median(np.array(each) / np.array(ours), axis=0)
        rows.append([name, f"{cpu:.1f}", f"{wall:.1f}", *(f"{ratio:.2f}" for ratio in ratios)])
    shown = ", ".join(f"{name} {value:.4f}" for name, value in found.items())
    return tables.Table(
        "From files to P, R and tau_d",
        f"{len(items):,} items of the official test set, a full-size ViT-B/32 of random weights in "
        f"transformers' format, {threads} thread(s). The other side does as the reference "
        "evaluator: `benchmarks/reference_loops.py`, and per-image retrieval of "
        f"`benchmarks/plain_loops.py`. Both give {shown}. Peak memory {peak_gib():.2f} GiB.",
        ("", "processor s", "clock s", "takes as long (processor)", "takes as long (clock)"),
        rows,
        f"One at a time takes {rows[1][3]} times as long, in seconds of the processor.",
    )


def both_clocks(function: Callable[..., Any], *arguments: Any) -> tuple[float, float, Any]:
    """Processor seconds, seconds of the clock, and the result of a call."""
    clock = time.perf_counter()
    processor, result = seconds(function, *arguments)
    return processor, time.perf_counter() - clock, result


def _values_of(items: Sequence[CaptionHierarchy], path: Path) -> dict[str, float]:
    """P, R and tau_d of the package, of embeddings in a file."""
    embeddings = read_embeddings(path)
    values: dict[str, float] = {}
    for task in (HierarchicalRetrieval(THRESHOLDS), Ordering()):
        means = task.values(task.items(items, embeddings))
        values |= {name: float(np.nanmean(each)) for name, each in means.items()}
    return {name: values[name] for name in ("precision", "recall", "tau_d")}


def plain_metrics(items: Sequence[CaptionHierarchy], path: Path) -> dict[str, float]:
    """The same by plain loops."""
    embeddings = read_embeddings(path)
    texts = sorted({tier for item in items for tier in item.tiers})
    radii = space.radii(embeddings, texts)
    images = embeddings.images[embeddings.image_rows(item.image or "" for item in items)]
    similarity = images @ embeddings.texts[embeddings.text_rows(texts)].T
    found = plain_loops.per_image(similarity, radii, THRESHOLDS)
    gold = [item.tiers for item in items]
    precision, recall = plain_loops.precision_recall(found, texts, gold)
    radius_of = dict(zip(texts, radii.tolist(), strict=True))
    tau = plain_loops.mean_tau([[radius_of[tier] for tier in each] for each in gold])
    return {"precision": precision, "recall": recall, "tau_d": tau}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="of end-to-end")
    parser.add_argument("--items", type=int, default=1000, help="of the official test set")
    parser.add_argument("--only", choices=PARTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        part = {"metric": metric, "scale": scale, "end-to-end": end_to_end}[arguments.only]
        table = part(arguments.rounds, arguments.items, arguments.threads)
        tables.publish(__file__, *([table] if table else []))
        return
    if unknown := set(arguments.parts).difference(PARTS):
        parser.error(f"unknown part {min(unknown)!r}, expected some of {', '.join(PARTS)}")
    for part in arguments.parts or PARTS:
        options = [
            f"--{name}={getattr(arguments, name)}" for name in ("rounds", "items", "threads")
        ]
        threads = str(arguments.threads if part == "end-to-end" else 1)
        subprocess.run(
            [sys.executable, __file__, "--only", part, *options],
            check=True,
            env={**os.environ, **dict.fromkeys(THREADS, threads), "TQDM_DISABLE": "1"},
        )
        print(flush=True)


if __name__ == "__main__":
    main()
