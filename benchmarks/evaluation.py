"""Speed and memory of evaluation against plain loops measured in the same run.

    python benchmarks/evaluation.py [metric] [scale] [end-to-end] [--rounds 3] [--items 1000]

* metric: hierarchical retrieval alone, 1,000 images x 4,000 texts x 50 thresholds.
* scale: 5,000 images x 100,000 texts in chunks, and half of either.
* end-to-end: the official test set (the folder HIERARCAPS_DATA, or ../shared/data/hierarcaps) with
  a full-size ViT-B-32 of random weights, from files to P, R and tau_d, against a loop that encodes
  one item at a time: a picture and its four texts, padded to 77 tokens. The loop runs on a sample
  of the items and is scaled up.

Everything runs on one thread and is timed in processor seconds, which other load on the machine
disturbs less than the clock. A ratio is the median over rounds, in each of which both sides run.
Each part runs in a process of its own, so that its peak memory is its own.
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

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import plain_loops

from hierarcaps.evaluation.tasks import space
from hierarcaps.evaluation.tasks.hierarchical import HierarchicalRetrieval, retrieve
from hierarcaps.evaluation.tasks.ordering import Ordering
from hierarcaps.metrics.hierarchy import hierarchical_retrieval
from hierarcaps.models.embeddings import Embeddings, read_embeddings

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("metric", "scale", "end-to-end")
THRESHOLDS = 50
DIMENSION = 512
METRIC_SIZE = (1000, 4000)
SCALE_SIZE = (5000, 100_000)
ARCHITECTURE = "ViT-B-32"


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


def metric(rounds: int, _items: int) -> None:
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

    print(f"metric alone: {images} images x {texts} texts x {THRESHOLDS} thresholds")
    print(f"{'':<46}{'ms':>10}{'images/s':>11}{'ratio':>9}")
    fastest = np.array(next(iter(walls.values())))
    for name, each in walls.items():
        ratio, middle = np.median(np.array(each) / fastest), np.median(each)
        print(f"{name:<46}{1e3 * middle:>10.1f}{images / middle:>11.0f}{ratio:>9.1f}")
    print(f"peak memory {peak_gib():.2f} GiB")


def scale(rounds: int, _items: int) -> None:
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

    print("scale: similarities, radii and hierarchical retrieval, chunk by chunk")
    print(f"{'':<24}{'images':>8}{'texts':>9}{'s':>8}{'pairs/s':>10}{'all takes':>12}")
    for name, (some_names, some_texts) in sizes.items():
        pairs, middle = len(some_names) * len(some_texts), np.median(walls[name])
        times = np.median(np.array(walls["all"]) / walls[name])
        print(
            f"{name:<24}{len(some_names):>8}{len(some_texts):>9}{middle:>8.1f}"
            f"{pairs / middle:>10.1e}{times:>10.2f} x"
        )
    ratio = np.median(np.array(walls["plain"]) / walls["all"])
    print(f"masked arg-max per image, without the similarities, takes {ratio:.1f} x as long")
    print(f"peak memory {peak:.2f} GiB, embeddings included")


def end_to_end(rounds: int, n_items: int) -> None:
    import torch

    from hierarcaps.data.hierarchy import read_hierarchies
    from hierarcaps.data.images import open_images
    from hierarcaps.models.embed import embed_test_set
    from hierarcaps.models.open_clip_family.encoder import load_open_clip, open_clip

    folder = Path(os.environ.get("HIERARCAPS_DATA", ROOT.parent / "shared/data/hierarcaps"))
    if not folder.is_dir():
        print(f"end to end: not run, {folder} does not exist (set HIERARCAPS_DATA)")
        return
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        weights = Path(scratch, "weights.pt")
        torch.manual_seed(0)
        torch.save(open_clip.create_model(ARCHITECTURE).state_dict(), weights)
        encoder = load_open_clip(ARCHITECTURE, str(weights), torch.device("cpu"))
        items = read_hierarchies(folder / "hierarcaps_test.csv")[:n_items]
        store, tokenizer = open_images(folder / "test_imgs"), open_clip.get_tokenizer(ARCHITECTURE)
        path = Path(scratch, "embeddings.safetensors")
        rng = np.random.default_rng(0)

        def package() -> dict[str, float]:
            embed_test_set(encoder, items, store, path)
            embeddings = read_embeddings(path)
            values: dict[str, float] = {}
            for task in (HierarchicalRetrieval(THRESHOLDS), Ordering()):
                means = task.values(task.items(items, embeddings))
                values |= {k: float(np.nanmean(v)) for k, v in means.items()}
            return values

        def plain_encoding(sample: Sequence[int]) -> None:
            with torch.inference_mode():
                for index in sample:
                    image = encoder.preprocess(store[items[index].image or ""])
                    encoder.model.encode_image(image[None], normalize=True)
                    encoder.model.encode_text(tokenizer(list(items[index].tiers)), normalize=True)

        def plain_metrics() -> dict[str, float]:
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

        # One item encoded first: what is allocated once is nobody's cost.
        plain_encoding([0])
        ours, plain = [], []
        size = min(40, len(items) // 2 * 2)
        for _ in range(rounds):
            before, after = rng.choice(len(items), size, replace=False).reshape(2, -1)
            encoding = seconds(plain_encoding, before)[0]
            wall, values = seconds(package)
            ours.append(wall)
            encoding += seconds(plain_encoding, after)[0]
            measuring, expected = seconds(plain_metrics)
            plain.append(encoding * len(items) / size + measuring)
            if any(not np.isclose(values[name], value) for name, value in expected.items()):
                raise SystemExit(f"the implementations disagree: {values}, {expected}")

    found = ", ".join(f"{name} {values[name]:.4f}" for name in expected)
    print(f"end to end: {len(items)} items, {ARCHITECTURE} with random weights ({found})")
    print(f"{'':<46}{'s':>10}{'items/s':>11}{'ratio':>9}")
    loop = f"one item at a time ({size} a round, scaled up)"
    for name, each in (("package", ours), (loop, plain)):
        middle, ratio = np.median(each), np.median(np.array(each) / ours)
        print(f"{name:<46}{middle:>10.1f}{len(items) / middle:>11.1f}{ratio:>9.2f}")
    print(f"peak memory {peak_gib():.2f} GiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--items", type=int, default=1000, help="of the official test set")
    parser.add_argument("--only", choices=PARTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        {"metric": metric, "scale": scale, "end-to-end": end_to_end}[arguments.only](
            arguments.rounds, arguments.items
        )
        return
    if unknown := set(arguments.parts).difference(PARTS):
        parser.error(f"unknown part {min(unknown)!r}, expected some of {', '.join(PARTS)}")
    for part in arguments.parts or PARTS:
        options = ["--rounds", str(arguments.rounds), "--items", str(arguments.items)]
        subprocess.run(
            [sys.executable, __file__, "--only", part, *options],
            check=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        )
        print(flush=True)


if __name__ == "__main__":
    main()
