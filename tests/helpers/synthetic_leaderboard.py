"""A made leaderboard: plausible numbers of a zoo, and ranks of values that are near each other."""

from pathlib import Path

import numpy as np

from hierarcaps.evaluation.leaderboard import METRICS, SCHEMA_VERSION
from hierarcaps.runtime.files import write_json

CLEAR = 0.02  # between values of two models that noise tells apart
WEB, GRIT = "WIT (400M pairs)", "GRIT (20.5M pairs)"
# Name, objective, kind, geometry, parameters, training, whether it saw COCO.
SMALL = (
    ("rn-24", "zeroshot", "model", "sphere", 2_100_000, "drawn world of this study", "no"),
    ("rn-16", "zeroshot", "model", "sphere", 950_000, "drawn world of this study", "no"),
    ("meru-24", "zeroshot", "model", "hyperboloid", 2_100_003, "drawn world of this study", "no"),
    ("rn-24-untrained", "zeroshot", "untrained", "sphere", 2_100_000, "nothing", "no"),
    ("words", "baseline", "baseline", None, None, None, None),
)
ZOO = (
    ("CLIP-B", "zeroshot", "model", "sphere", 151_277_313, WEB, None),
    ("CLIP-L", "zeroshot", "model", "sphere", 427_616_513, WEB, None),
    ("CLIP-B", "re", "model", "sphere", 151_277_313, f"{WEB}; then train.csv", None),
    ("OpenCLIP-H", "zeroshot", "model", "sphere", 986_109_441, "LAION-2B", None),
    ("MetaCLIP2-H", "zeroshot", "model", "sphere", 1_859_000_000, "MetaCLIP 2 (worldwide)", None),
    ("ALIGN", "zeroshot", "model", "sphere", 172_120_000, "COYO-700M", "no"),
    ("LongCLIP-L", "zeroshot", "model", "sphere", 427_800_000,
     f"{WEB}; then ShareGPT4V (1.2M pairs)", "yes"),
    ("SigLIP2-B", "zeroshot", "model", "sphere", 375_000_000, "WebLI", None),
    ("GRIT-CLIP-B", "zeroshot", "model", "sphere", 149_000_000, GRIT, None),
    ("GRIT-MERU-B", "zeroshot", "model", "hyperboloid", 149_000_003, GRIT, None),
    ("HyCoCLIP-B", "zeroshot", "model", "hyperboloid", 149_000_003, GRIT, None),
    ("UNCHA-B", "zeroshot", "model", "hyperboloid", 149_000_006, GRIT, None),
    ("mine", "zeroshot", "model", "sphere", None, None, None),
    ("CLIP-B-untrained", "zeroshot", "untrained", "sphere", 151_277_313, "nothing", "no"),
    ("words", "baseline", "baseline", None, None, None, None),
)  # fmt: skip
NAMES = ("model", "objective", "kind", "geometry", "parameters", "training", "saw_coco")


def write_board(path: Path, rows: tuple = SMALL, n: int = 60, hostile: str = "") -> Path:
    """Write a leaderboard of ``rows``; ``hostile`` is appended to what is said of training."""
    rng = np.random.default_rng(0)
    values = rng.uniform(0.1, 0.6, (len(METRICS), len(rows))).round(3)
    ranked = [row[2] == "model" for row in rows]
    entries = [
        {
            **dict(zip(NAMES, row, strict=True)),
            "training": f"{row[5]}{hostile}" if row[5] else None,
            "seeds": [0],
            "curvature": 0.1 if row[3] == "hyperboloid" else None,
            "weights_sha256": None,
            "scores": [
                {
                    "task": task,
                    "metric": metric,
                    "value": float(scores[place]),
                    "low": float(scores[place] - CLEAR),
                    "high": float(scores[place] + CLEAR),
                    "n": n,
                    "rank": _rank(scores[ranked], scores[place]) if ranked[place] else None,
                }
                for (task, metric), scores in zip(METRICS, values, strict=True)
                if row[2] != "baseline" or task == "ordering"
            ],
        }
        for place, row in enumerate(rows)
    ]
    write_json(
        path,
        {
            "schema_version": SCHEMA_VERSION,
            "test_set": {"name": "made", "data_sha256": "0" * 64},
            "metrics": [{"task": task, "metric": metric} for task, metric in METRICS],
            "entries": entries,
        },
    )
    return path


def _rank(field: np.ndarray, value: float) -> list[int]:
    better, worse = int((field > value + CLEAR).sum()), int((field < value - CLEAR).sum())
    return [1 + better, len(field) - worse]
