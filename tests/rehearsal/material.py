"""What a rehearsal is made of: captions, pictures, hierarchies and labelled pairs.

Real ones where they are at hand (``../shared/data`` beside the checkout, or the folder that
HIERARCAPS_TEST_DATA names), else those of the drawn world.
"""

import csv
import gzip
import io
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from hierarcaps.data.names import file_name
from hierarcaps.generation.prompts import chain, parse_line
from hierarcaps.nli.pairs import sample_pairs
from hierarcaps.scenes.captions import captions, gold_tiers
from hierarcaps.scenes.drawing import draw
from hierarcaps.scenes.scene import sample_scenes

ROOT = Path(__file__).resolve().parents[2]
SEPARATOR = " => "
# Of the hierarchies, those whose captions are in the training table, and those of the validation
# captions: what H knows by heart, since it learns no English in a minute.
TRAINING, VALIDATION = slice(0, 80), slice(80, 110)
KNOWN = slice(0, 110)
SHOWN = slice(110, 250)  # to the language model
FIRST_TIERS, OF_EACH = 20, 6
EVERY = 6  # of HyperLex's rows one: its intervals take time that grows with their square
LABELS = ("entailment", "neutral", "contradiction")

Chain = tuple[str, ...]
Pair = tuple[str, str, str]
"""Premise, hypothesis and one of ``LABELS``."""


@dataclass(frozen=True)
class Material:
    """What the published files of a rehearsal are made of.

    Attributes:
        source: where it is from, for people.
        test: rows of the test set, each the name of a picture and four tiers, general first.
        pictures: JPEG files by name: those of ``test`` and of ``captions``.
        captions: name of a picture -> its captions; none of them of the test set.
        texts: captions without pictures, which nobody wrote a hierarchy for.
        hierarchies: four tiers and, of each, a text that contradicts it; none of the test set.
        pairs: of premise and hypothesis, with their relation.
        hyperlex: some rows of HyperLex's table, in its form.
    """

    source: str
    test: list[tuple[str, Chain]]
    pictures: dict[str, bytes]
    captions: dict[str, list[str]]
    texts: list[str]
    hierarchies: list[tuple[Chain, Chain]]
    pairs: list[Pair] = field(repr=False)
    hyperlex: str = field(repr=False)


def find_material(tests: int, pictures: int) -> Material:
    """Return real material where it is at hand, else drawn.

    Args:
        tests: pictures of the test set.
        pictures: with captions.
    """
    folder = Path(os.environ.get("HIERARCAPS_TEST_DATA", ROOT.parent / "shared" / "data"))
    if (folder / "hierarcaps").is_dir():
        return real_material(folder, tests, pictures)
    return drawn_material(tests, pictures)


def real_material(folder: Path, tests: int, pictures: int) -> Material:
    """Return the first pictures of the official test set and of Flickr8k, and their texts."""
    test = []
    for row in _rows((folder / "hierarcaps" / "hierarcaps_test.csv").read_text(encoding="utf-8")):
        test.append((file_name(row["image_url"]), tuple(row["captions"].split(SEPARATOR))))
    known = {name for name, _ in test}
    packed = (folder / "hierarcaps" / "hierarcaps_test_expanded.csv.gz").read_bytes()
    others = [
        row for row in _rows(gzip.decompress(packed).decode())
        if file_name(row["image_url"]) not in known
    ]  # fmt: skip
    # In small letters and without outer spaces, as Conceptual Captions' table has its captions.
    found = [
        tuple(
            tuple(" ".join(tier.lower().split()) for tier in row[kind].split(SEPARATOR))
            for kind in ("positive", "negative")
        )
        for row in others
    ]
    # One a caption, as the pipeline accepts them; those of short captions first.
    whole = {p[-1]: (p, n) for p, n in found if parse_line(chain(p)).tiers and len(n) == 4}
    hierarchies = varied(sorted(whole.values(), key=lambda pair: len(pair[0][-1].split())))
    of_picture: dict[str, list[str]] = {}
    for row in _rows((folder / "flickr8k" / "captions.txt").read_text(encoding="utf-8")):
        of_picture.setdefault(row["image"], []).append(row["caption"])
    flickr = folder / "flickr8k" / "images"
    names = [name for name in of_picture if (flickr / name).is_file()][:pictures]
    test = test[:tests]
    with (folder / "hyperlex" / "hyperlex-all.txt").open(encoding="utf-8") as file:
        header, *pairs = file
    return Material(
        source="Flickr8k, the official HierarCaps files, SICK, MED and HyperLex",
        test=test,
        pictures={
            **{name: (folder / "hierarcaps" / "test_imgs" / name).read_bytes() for name, _ in test},
            **{name: (flickr / name).read_bytes() for name in names},
        },
        captions={name: of_picture[name] for name in names},
        texts=[text for name, some in of_picture.items() if name not in names for text in some],
        hierarchies=hierarchies,
        pairs=[*_sick(folder / "sick"), *_med(folder / "med" / "MED.tsv")],
        hyperlex="".join([header, *pairs[::EVERY]]),
    )


def varied(hierarchies: list[tuple[Chain, Chain]]) -> list[tuple[Chain, Chain]]:
    """Return the hierarchies, first those that small models learn soonest.

    Their first tiers are few and frequent, their second tiers all different.
    """
    frequent = Counter(positive[0] for positive, _ in hierarchies).most_common(FIRST_TIERS)
    left = dict.fromkeys((tier for tier, _ in frequent), OF_EACH)
    first: dict[str, tuple[Chain, Chain]] = {}
    for pair in hierarchies:
        general, second, *_ = pair[0]
        if left.get(general) and second not in first:
            first[second] = pair
            left[general] -= 1
    chosen = set(first.values())
    return [*first.values(), *(pair for pair in hierarchies if pair not in chosen)]


def _rows(text: str, **options) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), **options))


def _sick(folder: Path) -> list[Pair]:
    plain = {"delimiter": "\t", "quoting": csv.QUOTE_NONE}
    return [
        (row["sentence_A"], row["sentence_B"], row["entailment_judgment"].lower())
        for path in sorted(folder.glob("SICK_*.txt"))
        for row in _rows(path.read_text(encoding="utf-8"), **plain)
    ]


def _med(path: Path) -> list[Pair]:
    rows = _rows(path.read_text(encoding="utf-8"), delimiter="\t", quoting=csv.QUOTE_NONE)
    return [(row["sentence1"], row["sentence2"], row["gold_label"]) for row in rows]


def drawn_material(tests: int, pictures: int) -> Material:
    """Return scenes of the drawn world, their captions and its logic."""
    rng = Random("rehearsal")
    mix = {"generic": 0.0, "category": 0.0, "concept": 0.1, "attribute": 0.2, "most": 0.4,
           "full": 0.3}  # fmt: skip
    test, files = [], {}
    for index, scene in enumerate(sample_scenes("test", tests, 0)):
        name = f"COCO_val2014_{index:012d}.jpg"
        files[name] = _jpeg(scene)
        test.append((name, tuple(gold_tiers(scene, rng))))
    of_picture = {}
    for index, scene in enumerate(sample_scenes("validation", pictures, 0)):
        files[f"scene{index}.jpg"] = _jpeg(scene)
        of_picture[f"scene{index}.jpg"] = captions(scene, 5, rng, mix)
    scenes = list(sample_scenes("train", 2000, 0))
    told = [tuple(gold_tiers(scene, rng)) for scene in scenes]
    chains = [tiers for tiers in told if parse_line(chain(tiers)).tiers]
    shuffled = rng.sample(chains, len(chains))
    pairs = [(p.premise, p.hypothesis, p.label) for p in sample_pairs(12000, "rehearsal", 1.0, 0.3)]
    return Material(
        source="the drawn world",
        test=test,
        pictures=files,
        captions=of_picture,
        texts=[text for scene in scenes for text in captions(scene, 2, rng, mix)],
        hierarchies=varied(
            list({p[-1]: (p, n) for p, n in zip(chains, shuffled, strict=True)}.values())
        ),
        pairs=pairs,
        hyperlex=_drawn_hyperlex(),
    )


def _jpeg(scene) -> bytes:
    buffer = io.BytesIO()
    draw(scene, 64).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


def _drawn_hyperlex() -> str:
    """Return a table of HyperLex's form; the scores are none that people gave."""
    words = ["duck", "bird", "animal", "goat", "car", "vehicle", "tree", "plant"]
    annotators = [f"INDIVIDUAL_SCORE_{number}" for number in range(1, 11)]
    header = ["WORD1", "WORD2", "POS", "TYPE", "AVG_SCORE", "AVG_SCORE_0_10", "STD", *annotators]
    rows = [
        [a, b, "N", "hyp-1", f"{(i + j) % 6:.2f}", f"{(i + j) % 6 / 0.6:.2f}", "1.0", *["3"] * 10]
        for i, a in enumerate(words)
        for j, b in enumerate(words)
        if a != b
    ]
    return "".join(" ".join(row) + "\n" for row in [header, *rows])
