"""A datasheet as the pipeline writes it, of small made tables."""

from pathlib import Path
from typing import Any

from hierarcaps.generation.datasheet import write_datasheet
from hierarcaps.generation.oracle import score
from hierarcaps.generation.prompts import Prompt
from hierarcaps.generation.shards import make_table

CHAIN = ("an animal", "a duck", "a yellow duck", "a yellow duck on the beach")
NEGATIVES = ("a vehicle", "a cat", "a red duck", "a yellow duck in the snow")
WRONG = ("a vehicle", "a duck", "a yellow duck", "a yellow duck on the beach")
NLI = {
    "accuracy": {
        "all": 0.9,
        "entailment": 0.95,
        "neutral": 0.8,
        "contradiction": 0.9,
        "pairs: general": 0.95,
        "pairs: near_miss": 0.85,
        "general: entailment": 0.95,
        "near_miss: contradiction": 0.85,
    },
    "n": {
        "all": 200,
        "entailment": 100,
        "neutral": 40,
        "contradiction": 60,
        "pairs: general": 100,
        "pairs: near_miss": 60,
        "general: entailment": 100,
        "near_miss: contradiction": 60,
    },
    "precision": {
        "entailment": {"0.5": 0.9, "0.95": 0.99},
        "contradiction": {"0.5": 0.8, "0.95": 0.0},
    },
}
VALIDATION = {
    "unknown_word": 2,
    "tier_count": 1,
    "tier2_not_entailing": 1,
    "negative1_malformed": 1,
}
AUGMENTED = {
    "tier_count": 1,
    "known": 1,
    "unattested": 1,
    "tier2_not_entailing": 2,
    "tier4_nothing_new": 1,
}
ABLATION = {
    "steps": 40,
    "taught": {"with": 30, "without": 25},
    "added": 4,
    "right": {
        "with": {"value": 0.8, "low": 0.7, "high": 0.9, "n": 50},
        "without": {"value": 0.74, "low": 0.6, "high": 0.85, "n": 50},
        "difference": {"value": 0.06, "low": 0.01, "high": 0.11, "n": 50},
    },
}
HELD_OUT = {"exact_match": 0.5, "nli_valid": 0.75, "parsed": 1.0, "n": 6}


def _rows(source: str, accepted: int, wrong: int, rejects: dict[str, int], hostile: str) -> list:
    base = {"caption": CHAIN[-1] + hostile, "source": source, "tiers": CHAIN}
    negatives = NEGATIVES if source == "hierarchy model" else None
    rows: list[dict[str, Any]] = [{**base, "negatives": negatives} for _ in range(accepted - wrong)]
    rows += [{**base, "tiers": WRONG, "negatives": negatives} for _ in range(wrong)]
    for reason, number in rejects.items():
        tiers = CHAIN if reason[:4] in ("tier", "nega", "held") and reason != "tier_count" else None
        text = {"output": f"a duck =>{hostile}", "tiers": tiers, "reason": reason}
        rows += [{**base, **text} for _ in range(number)]
    return rows


def write_sheet(
    path: Path,
    oracle: bool = True,
    judged: bool = True,
    wrong: int = 1,
    hostile: str = "",
    augmented: bool = True,
) -> dict[str, Any]:
    """Write a datasheet of 20 items, ``wrong`` of the 12 accepted ones being wrong."""
    steps = {
        "seeds": _rows(
            "llm", 6, 2, {"tier_count": 3, "tier2_not_entailing": 1, "held_out": 2}, hostile
        ),
        "augmentation": _rows("augmentation", 4, 1, AUGMENTED, hostile) if augmented else [],
        "recombination": _rows("recombination", 9, 0, {"tier4_nothing_new": 1}, hostile),
        "items-train": _rows(
            "hierarchy model",
            12,
            wrong,
            {"unknown_word": 4, "negative3_not_contradicting": 3, "brand_new_reason": 1},
            hostile,
        ),
    }
    return write_datasheet(
        path,
        {"entered": 50, "kept": 40, "duplicate": 10, "empty": 0},
        {name: make_table(rows) for name, rows in steps.items()},
        make_table(_rows("hierarchy model", 5, 0, VALIDATION, hostile)),
        Prompt("test-1", f"Generalise.{hostile}", (CHAIN,)),
        score=score if oracle else None,
        reports={"nli": NLI, "hierarchy": HELD_OUT, "ablation": ABLATION} if judged else None,
    )
