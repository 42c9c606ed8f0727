"""Items per second of alignment against the plain reference recipe, in one run.

    python benchmarks/alignment.py [--threads 2] [--batch-size 8] [--device cpu]

A ViT-B-32 text tower with random weights on real captions (the expanded HierarCaps table, where
there is one) and the losses of the reference recipe. The plain recipe is the one that the tests
hold the package to. Both run in processes of their own, so that peak memory is each one's. The
package's time per step is the slope between two runs of different length: it includes the pass of
the original text tower over the items of the added steps, and leaves out what is done once.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from hierarcaps.alignment.recipe import align
from hierarcaps.alignment.settings import AlignmentSettings
from hierarcaps.data.hierarchy import CaptionHierarchy, read_hierarchies
from hierarcaps.models.open_clip_family.encoder import OpenClipEncoder, open_clip

ROOT = Path(__file__).resolve().parents[1]
EXPANDED = Path("hierarcaps", "hierarcaps_test_expanded.csv.gz")
ARCHITECTURE = "ViT-B-32"


def captions(n_items: int) -> tuple[list[CaptionHierarchy], str]:
    """Items in random order, and where they come from."""
    sys.path.insert(0, str(ROOT / "tests" / "recipes"))
    from tiny_alignment import make_items

    folder = Path(os.environ.get("HIERARCAPS_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / EXPANDED).is_file():
        return make_items(n_items), "synthetic captions"
    return random.Random(0).sample(read_hierarchies(folder / EXPANDED), n_items), EXPANDED.name


def build(device: torch.device) -> OpenClipEncoder:
    torch.manual_seed(0)
    model = open_clip.create_model(ARCHITECTURE).to(device).eval()
    return OpenClipEncoder(model, lambda image: image, open_clip.get_tokenizer(ARCHITECTURE), {})


def wait(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def time_plain(encoder: OpenClipEncoder, items: list[CaptionHierarchy], steps: int, size: int):
    sys.path.insert(0, str(ROOT / "tests" / "recipes"))
    from plain_recipe import PlainRecipe

    recipe = PlainRecipe(
        encoder.model, lambda texts: encoder.tokenise(texts).to(encoder.device), 1e-7
    )
    chains = [(item.tiers, item.negatives) for item in items if item.negatives]
    recipe.step(chains[:size])
    start = wait(encoder.device)
    for step in range(1, steps + 1):
        recipe.step(chains[step * size : (step + 1) * size])
    return (wait(encoder.device) - start) / steps


def time_package(encoder: OpenClipEncoder, items: list[CaptionHierarchy], steps: int, size: int):
    walls = []
    for n in (2, 2 + steps):
        settings = AlignmentSettings("re", batch_size=size, max_steps=n, precision="auto")
        start = wait(encoder.device)
        align(encoder, items, items[:1], settings, seed=0)
        walls.append(wait(encoder.device) - start)
    return (walls[1] - walls[0]) / steps


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    torch.set_num_threads(arguments.threads)
    device = torch.device(arguments.device)
    items, source = captions((arguments.steps + 2) * arguments.batch_size)
    timer = time_plain if arguments.only == "plain" else time_package
    seconds = timer(build(device), items, arguments.steps, arguments.batch_size)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    if device.type == "cuda":
        peak = torch.cuda.max_memory_allocated() / 2**30
    return {"seconds": seconds, "peak_gib": peak, "source": source}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", choices=["plain", "package"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(measure(arguments)))
        return

    environment = os.environ | {"OMP_NUM_THREADS": str(arguments.threads)}
    results = {}
    for only in ("plain", "package"):
        command = [sys.executable, __file__, *sys.argv[1:], "--only", only]
        child = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
        results[only] = json.loads(child.stdout.splitlines()[-1])

    plain = results["plain"]
    print(
        f"{ARCHITECTURE} text tower, batch {arguments.batch_size}, {plain['source']}, "
        f"{arguments.device}, {arguments.threads} threads\n"
    )
    print(f"{'recipe':<10}{'s/step':>10}{'items/s':>10}{'ratio':>8}{'peak GiB':>10}")
    for name, result in results.items():
        rate = arguments.batch_size / result["seconds"]
        ratio = plain["seconds"] / result["seconds"]
        peak = result["peak_gib"]
        print(f"{name:<10}{result['seconds']:>10.3f}{rate:>10.2f}{ratio:>8.2f}{peak:>10.2f}")


if __name__ == "__main__":
    main()
