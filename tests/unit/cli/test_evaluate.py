"""``hierarcaps evaluate``: one task, a user's own data, no test set of hierarchies."""

import json
from pathlib import Path

import numpy as np
import pytest

from hierarcaps import cli
from hierarcaps.data.images import open_images
from hierarcaps.models.embed import embed_images, embed_texts
from hierarcaps.models.registry import load_model

NAMES = ["red", "green", "blue", "white", "black", "orange"]


def metrics(capsys: pytest.CaptureFixture[str]) -> dict[str, dict]:
    return {row["metric"]: row for row in json.loads(capsys.readouterr().out)["metrics"]}


def vectors(own_data: dict[str, str], texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    encoder = load_model(own_data["--model"], device="cpu")
    files = [f"{name}.png" for name in NAMES]
    return (
        embed_images(encoder, open_images(own_data["--images"]), files, 8),
        embed_texts(encoder, texts, 8),
    )


def test_retrieval(own_data: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    table = tmp_path / "captions.csv"
    captions = [f"a {name} boat" for name in NAMES]
    rows = [f"{name}.png,{caption}" for name, caption in zip(NAMES, captions, strict=True)]
    table.write_text("\n".join(["image,caption", *rows]) + "\n")
    arguments = [
        "evaluate", own_data["--model"], "--task", "retrieval", "--data", str(table),
        "--images", own_data["--images"], "--device", "cpu",
    ]  # fmt: skip
    assert cli.main([*arguments, "--json"]) == 0
    found = metrics(capsys)
    images, texts = vectors(own_data, captions)
    right = (images @ texts.T).argmax(axis=1) == np.arange(6)
    assert found["image_to_text_r1"]["value"] == pytest.approx(right.mean())
    assert found["text_to_image_r10"]["value"] == 1.0
    assert found["image_to_text_r1"]["n"] == 6
    assert cli.main(arguments) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["metric", "value", "95%", "interval", "n"]
    assert ["text_to_image_r10", "1.000", "1.000", "to", "1.000", "6"] in lines


def test_classification(
    own_data: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    for name in NAMES:
        (tmp_path / "classes" / name).mkdir(parents=True)
        picture = Path(own_data["--images"], f"{name}.png")
        (tmp_path / "classes" / name / "1.png").write_bytes(picture.read_bytes())
    arguments = [
        "evaluate", own_data["--model"], "--task", "classification", "--data",
        str(tmp_path / "classes"), "--template", "{} boat", "--device", "cpu", "--json",
    ]  # fmt: skip
    assert cli.main(arguments) == 0
    images, texts = vectors(own_data, [f"{name} boat" for name in NAMES])
    right = (images @ texts.T).argmax(axis=1) == np.arange(6)
    assert metrics(capsys)["fine_accuracy"]["value"] == pytest.approx(right.mean())


def test_words(own_data: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    words = tmp_path / "pairs.txt"
    rows = [
        ("duck", "bird", "hyp-1", 5.5),
        ("goat", "bird", "hyp-2", 1.0),
        ("car", "cat", "no-rel", 0.2),
    ]
    lines = [f"{x} {y} N {relation} {grade} {grade}" for x, y, relation, grade in rows]
    words.write_text("\n".join(["WORD1 WORD2 POS TYPE AVG_SCORE AVG_SCORE_0_10", *lines]) + "\n")
    arguments = ["evaluate", own_data["--model"], "--task", "lexical", "--data", str(words)]
    assert cli.main([*arguments, "--device", "cpu", "--json"]) == 0
    _, (root, duck, bird, goat) = vectors(own_data, ["", "duck", "bird", "goat"])
    radius = {name: np.linalg.norm(x - root) for name, x in (("b", bird), ("d", duck), ("g", goat))}
    rises = np.mean([radius["d"] > radius["b"], radius["g"] > radius["b"]])
    assert metrics(capsys)["direction"]["value"] == rises


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "x"], "task: found 'x', expected one of retrieval, classification, lexical"),
        (["--task", "retrieval"], "task retrieval: found no images, expected their folder"),
        (["--task", "lexical", "--images", "y"], "found images, expected templates at the most"),
        (["--task", "lexical"], "absent"),
        (["--task", "classification"], "absent"),
        (["--task", "classification", "--template", "a"], "template 'a'"),
    ],
)
def test_what_cannot_be_evaluated(
    arguments: list[str],
    message: str,
    own_data: dict[str, str],
    capsys: pytest.CaptureFixture[str],
):
    assert cli.main(["evaluate", own_data["--model"], "--data", "absent", *arguments]) == 1
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
