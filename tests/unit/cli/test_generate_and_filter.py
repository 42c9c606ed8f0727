"""``hierarcaps generate`` and ``filter``: hierarchies that the judge believes, rejects with why."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from tiny_checkpoints import tiny_judge, tiny_llama, tiny_t5

from hierarcaps import cli
from hierarcaps.data.hierarchy import CaptionHierarchy, read_hierarchies, write_hierarchies
from hierarcaps.generation import own_data
from hierarcaps.scenes.grammar import parse
from hierarcaps.scenes.logic import relation

DUCK = ("an animal", "a duck", "a red duck", "a red duck on the beach")
CAR = ("a vehicle", "a car", "a small blue car", "a small blue car in the snow")
NOT_DUCK = ("a vehicle", "an owl", "a blue duck", "a red duck in the snow")


class Judge:
    """The drawn world's own logic in the shape of an NLI model."""

    def __init__(self) -> None:
        self.asked = 0

    def is_too_long(self, pair: tuple[str, str]) -> bool:
        return False

    def probabilities(self, pairs: list[tuple[str, str]]) -> np.ndarray:
        self.asked += 1
        names = ("entailment", "neutral", "contradiction")
        rows = []
        for premise, hypothesis in pairs:
            one, other = parse(premise), parse(hypothesis)
            label = relation(one, other) if one and other else "neutral"
            rows.append([float(label == name) for name in names])
        return np.array(rows, dtype=np.float32).reshape(-1, 3)


class Writer:
    """A language model that knows two captions, and stops after some calls where it is told to."""

    def __init__(self, calls: int = 1000) -> None:
        self.calls = calls
        self.answers = {each[3]: f" {' => '.join(each[2::-1])}" for each in (DUCK, CAR)}
        self.seen: list[str] = []

    def complete(self, prompts: list[str], **_: object) -> list[str]:
        self.calls -= 1
        if self.calls < 0:
            raise KeyboardInterrupt
        captions = [prompt.rsplit("\n", 1)[1].removesuffix(" =>") for prompt in prompts]
        self.seen += captions
        return [self.answers.get(caption, " nothing") for caption in captions]


@pytest.fixture(autouse=True)
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judge:
    judge = Judge()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HIERARCAPS_DATA", raising=False)
    monkeypatch.setattr(own_data, "open_judge", lambda *_: judge)
    return judge


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> Writer:
    writer = Writer()
    monkeypatch.setattr("hierarcaps.generation.own_data.open_llm", lambda _: writer)
    return writer


def rejects(path: str) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


GENERATE = ["generate", "captions.txt", "--llm", "x", "--nli", "y", "--out", "out/made.csv"]


@pytest.mark.usefixtures("writer")
def test_what_enters_and_what_leaves(capsys: pytest.CaptureFixture[str]):
    captions = [DUCK[3], CAR[3], DUCK[3], "a duck", "a big owl in a room"]
    Path("captions.txt").write_text("\n".join(captions) + "\n")
    assert cli.main([*GENERATE, "--json", "--quiet"]) == 0
    shown = json.loads(capsys.readouterr().out)
    counts = {name: number for name, number in shown["counts"].items() if number}
    assert counts == {
        "entered": 5, "duplicate": 1, "too_short": 1, "kept": 3, "accepted": 2, "tier_count": 1,
    }  # fmt: skip
    assert [item.tiers for item in read_hierarchies("out/made.csv")] == [DUCK, CAR]
    assert shown["rejects"] == "out/made.rejects.csv"
    (row,) = rejects(shown["rejects"])
    assert (row["reason"], row["caption"]) == ("tier_count", "a big owl in a room")
    assert sorted(path.name for path in Path("out").iterdir()) == ["made.csv", "made.rejects.csv"]
    # What came out is what `filter` and `align` take.
    assert cli.main(["filter", "out/made.csv", "--nli", "y", "--out", "again.csv"]) == 0
    assert read_hierarchies("again.csv") == read_hierarchies("out/made.csv")
    assert ["accepted", "2"] in [line.split() for line in capsys.readouterr().out.splitlines()]


def test_captions_of_a_table_keep_their_images(writer: Writer):
    Path("captions.csv").write_text(f"image,caption\n7.jpg,{DUCK[3]}\n8.jpg,{CAR[3]}\n")
    arguments = ["generate", "captions.csv", *GENERATE[2:], "--count", "1"]
    assert cli.main(arguments) == 0
    assert len(writer.seen) == 1
    (item,) = read_hierarchies("out/made.csv")
    assert item.image == {DUCK[3]: "7.jpg", CAR[3]: "8.jpg"}[item.tiers[3]]


def test_an_interrupted_generation_goes_on(
    writer: Writer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(own_data, "PART_ROWS", 1)
    Path("captions.txt").write_text(f"{DUCK[3]}\n{CAR[3]}\n")
    writer.calls = 1
    assert cli.main(GENERATE) == 130
    assert capsys.readouterr().err.endswith("Interrupted: no file is left half-written\n")
    assert [path.name for path in Path("out").iterdir()] == [".made.csv-parts"]
    writer.calls = 1
    assert cli.main(GENERATE) == 0
    assert writer.seen == [DUCK[3], CAR[3]]
    assert [item.tiers for item in read_hierarchies("out/made.csv")] == [DUCK, CAR]
    assert not Path("out", ".made.csv-parts").exists()


def test_models_of_transformers_and_negatives(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Random weights write nothing usable: that is said, with the file of why."""
    Path("captions.txt").write_text(f"{DUCK[3]}\n")
    models = ["--llm", tiny_llama(tmp_path / "llm"), "--negatives-by", tiny_t5(tmp_path / "t5")]
    capsys.readouterr()
    arguments = [*GENERATE, *models, "--max-new-tokens", "4", "--device", "cpu", "--quiet"]
    assert cli.main(arguments) == 1
    printed = capsys.readouterr()
    assert printed.err == (
        "Error: captions.txt: none of 1 rows passed; out/made.rejects.csv says why\n"
    )
    assert printed.out == ""
    assert len(rejects("out/made.rejects.csv")) == 1
    assert not Path("out/made.csv").exists()


def test_filter_judges_negatives_too(capsys: pytest.CaptureFixture[str]):
    items = [
        CaptionHierarchy("right", DUCK, "1.jpg", NOT_DUCK),
        CaptionHierarchy("no chain", ("a vehicle", *DUCK[1:]), None, NOT_DUCK),
        CaptionHierarchy("no other", DUCK, None, (*NOT_DUCK[:2], "a red duck", NOT_DUCK[3])),
        CaptionHierarchy("no way on", DUCK, None, (NOT_DUCK[0], "a car", *NOT_DUCK[2:])),
    ]
    write_hierarchies("items.parquet", items)
    arguments = ["filter", "items.parquet", "--nli", "y", "--out", "kept.csv", "--json"]
    assert cli.main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["counts"] == {
        "entered": 4, "accepted": 1, "negative2_not_entailing": 1,
        "negative3_not_contradicting": 1, "tier2_not_entailing": 1,
    }  # fmt: skip
    (kept,) = read_hierarchies("kept.csv")
    assert (kept.tiers, kept.negatives, kept.image) == (DUCK, NOT_DUCK, "1.jpg")
    assert [(row["id"], row["reason"]) for row in rejects("kept.rejects.csv")] == [
        ("no chain", "tier2_not_entailing"),
        ("no other", "negative3_not_contradicting"),
        ("no way on", "negative2_not_entailing"),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "made.txt"], "made.txt: unknown kind of hierarchy file"),
        (["--prompt", "web-9"], "found 'web-9', expected one of objects-1, web-1"),
        (["--entailment", "2"], "nli.thresholds.entailment: found 2.0"),
        (["--backend", "x"], "generation.llm.backend: found 'x'"),
        (["--llm", "absent.gguf"], "no such file absent.gguf"),
    ],
)
def test_what_cannot_be_generated(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
):
    Path("captions.txt").write_text(f"{DUCK[3]}\n")
    assert cli.main([*GENERATE, *arguments]) == 1
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1
    assert not Path("out", "made.csv").exists()


def test_a_file_without_usable_captions(capsys: pytest.CaptureFixture[str]):
    Path("captions.txt").write_text("a duck\n")
    assert cli.main(GENERATE) == 1
    said = "captions.txt: found no usable caption (1 entered, 1 too_short)\n"
    assert capsys.readouterr().err.endswith(said)


def test_a_judge_that_knows_no_canary_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    write_hierarchies("items.csv", [CaptionHierarchy("1", DUCK)])
    model = tiny_judge(tmp_path / "judge", "bert")
    assert cli.main(["filter", "items.csv", "--nli", model, "--out", "kept.csv", "--quiet"]) == 1
    assert (
        "the canary pair ('a man is sleeping', 'a person is sleeping')" in capsys.readouterr().err
    )
    assert not Path("kept.csv").exists()
