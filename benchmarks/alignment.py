"""Seconds of the processor a step of alignment, against the reference's own step and a plain one.

    python benchmarks/alignment.py [--threads 1] [--steps 4] [--towers ViT-B-32 ViT-L-14 ViT-H-14]

Text towers with random weights on real captions (the expanded HierarCaps table, where there is
one), batches of 8, the losses of the reference recipe. Each side runs in a process of its own, so
that peak memory is its own; a step's time is the median after the first. To the package's is added
its share of the one pass of the original tower, which the others repeat in every step.
"""

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import full_size
import tables
import torch

import hierarcaps.alignment.recipe as recipe
from hierarcaps.alignment.data import Schedule
from hierarcaps.alignment.settings import AlignmentSettings
from hierarcaps.data.hierarchy import CaptionHierarchy, read_hierarchies

EXPANDED = Path("hierarcaps", "hierarcaps_test_expanded.csv.gz")
BATCH = 8
LARGE_STEPS = 2
REFERENCE = "the reference's step (transformers)"
PLAIN = "plain recipe (open_clip)"
PACKAGE = {
    "open_clip": "package, open_clip's class",
    "transformers": "package, transformers' class",
}


def captions(n_items: int) -> list[CaptionHierarchy]:
    """Items in random order: real ones, or, where these are not, of a few words."""
    sys.path.insert(0, str(tables.ROOT / "tests" / "recipes"))
    from tiny_alignment import make_items

    folder = Path(os.environ.get("HIERARCAPS_TEST_DATA", tables.ROOT.parent / "shared" / "data"))
    if not (folder / EXPANDED).is_file():
        return make_items(n_items)
    items = [item for item in read_hierarchies(folder / EXPANDED) if item.negatives]
    return random.Random(0).sample(items, n_items)


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    start = time.process_time()
    result = function(*arguments)
    return time.process_time() - start, result


def time_others(step: Callable[[list], float], batches: Sequence[list]) -> tuple[float, float]:
    """Seconds of a step, and the loss of the first."""
    found = [timed(step, batch) for batch in batches]
    return statistics.median(seconds for seconds, _ in found[1:]), found[0][1]


def time_package(encoder: Any, items: list, settings: AlignmentSettings) -> tuple[float, float]:
    steps, once = [], []

    class Timed(recipe._Run):
        def _step(self) -> None:
            steps.append(timed(super()._step)[0])

        def _original_embeddings(self) -> torch.Tensor:
            seconds, result = timed(super()._original_embeddings)
            once.append(seconds)
            return result

    recipe._Run = Timed
    curve = recipe.align(encoder, items, items[:1], settings, seed=0).curve
    first = next(row for row in curve if row["split"] == "train")
    return statistics.median(steps[1:]) + once[0] / len(steps), first["total"]


def measure(side: str, tower: str, steps: int, threads: int) -> dict[str, float]:
    torch.set_num_threads(threads)
    items = captions((steps + 1) * BATCH)
    settings = AlignmentSettings("re", batch_size=BATCH, max_steps=steps + 1, log_every=1)
    schedule = Schedule(len(items), settings, 0)
    batches = [[items[i] for i in schedule.batches(s)[0]] for s in range(schedule.n_steps)]
    if side in (PLAIN, PACKAGE["open_clip"]):
        encoder: Any = full_size.open_clip_clip(tower)
    else:
        encoder = full_size.transformers_clip(tower, image_layers=1)
    if side == PLAIN:
        from plain_recipe import PlainRecipe

        plain = PlainRecipe(encoder.model, encoder.tokenise, 1e-7)
        chains = [[(item.tiers, item.negatives) for item in batch] for batch in batches]
        seconds, loss = time_others(lambda batch: plain.step(batch)["total"], chains)
    elif side == REFERENCE:
        from reference_loops import ReferenceTraining

        seconds, loss = time_others(ReferenceTraining(encoder).step, batches)
    else:
        seconds, loss = time_package(encoder, items, settings)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": seconds, "loss": loss, "peak": peak}


def in_own_process(side: str, tower: str, arguments: argparse.Namespace) -> dict[str, float]:
    options = [f"--steps={arguments.steps}", f"--threads={arguments.threads}"]
    child = subprocess.run(
        [sys.executable, __file__, *options, "--towers", tower, "--only", side],
        env={**os.environ, "OMP_NUM_THREADS": str(arguments.threads), "TQDM_DISABLE": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(child.stdout.splitlines()[-1])


def against_others(arguments: argparse.Namespace) -> tables.Table:
    sides = (REFERENCE, PLAIN, *PACKAGE.values())
    found = {side: in_own_process(side, "ViT-B-32", arguments) for side in sides}
    for one, other in ((REFERENCE, PACKAGE["transformers"]), (PLAIN, PACKAGE["open_clip"])):
        if abs(found[one]["loss"] - found[other]["loss"]) > 1e-3:
            raise SystemExit(f"{one} and {other} disagree on the first loss")
    rows, claims = [], []
    for side in sides:
        seconds = found[side]["seconds"]
        ratios = [found[each]["seconds"] / seconds for each in (REFERENCE, PLAIN)]
        cells = [f"{seconds:.2f}", *(f"{ratio:.1f}" for ratio in ratios)]
        rows.append([side, *cells, f"{found[side]['peak']:.2f}"])
        if side in PACKAGE.values():
            claims.append(f"{min(ratios):.1f} times with {side.partition(', ')[2]}")
    return tables.Table(
        "A step of a ViT-B/32's text tower",
        f"Random weights, real captions, batch {BATCH}, {arguments.threads} thread(s), seconds of "
        f"the processor, median of {arguments.steps} steps. The reference's step is written anew "
        "after the authors' training script (`benchmarks/reference_loops.py`); the plain recipe is "
        "the one that the tests hold the package to.",
        ("", "s/step", "ratio to the reference", "ratio to plain", "peak GiB"),
        rows,
        f"Against the faster of the two: {', '.join(claims)}.",
    )


def by_tower(arguments: argparse.Namespace) -> tables.Table:
    rows = []
    fewer = argparse.Namespace(**{**vars(arguments), "steps": min(arguments.steps, LARGE_STEPS)})
    for tower in arguments.towers:
        found = [in_own_process(side, tower, fewer) for side in PACKAGE.values()]
        cells = [f"{each['seconds']:.2f}" for each in found]
        width, layers, _ = full_size.TOWERS[tower]
        rows.append([f"{tower} ({layers} layers of {width})", *cells, f"{found[1]['peak']:.1f}"])
    return tables.Table(
        "Steps by the size of the text tower",
        f"As above, the package alone, median of {fewer.steps} steps; the image tower, which is "
        f"not trained, has one layer. {arguments.threads} thread(s).",
        ("text tower", "s/step, open_clip's class", "s/step, transformers' class", "peak GiB"),
        rows,
        "The hours of an epoch of 73,000 items are 2.5 times the seconds of a step, on one core.",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=4, help="timed, after one that is not")
    parser.add_argument("--towers", nargs="*", default=[*full_size.TOWERS])
    parser.add_argument("--only", choices=[REFERENCE, PLAIN, *PACKAGE.values()])
    arguments = parser.parse_args()
    if arguments.only:
        found = measure(arguments.only, arguments.towers[0], arguments.steps, arguments.threads)
        print(json.dumps(found))
        return
    tables.publish(__file__, against_others(arguments))
    if arguments.towers:
        tables.publish(__file__, by_tower(arguments))


if __name__ == "__main__":
    main()
