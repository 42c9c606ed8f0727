"""``hierarcaps describe``: retrieved hierarchies as trees, JSON and a page."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from hierarcaps import cli
from hierarcaps.models.embed import embed_images, embed_texts
from hierarcaps.models.registry import load_model

CAPTIONS = [
    "a red boat at sea",
    "a boat",
    "thing",
    "[red]<b>a green boat</b>",
    "a\u202eboat\x1b[2J",
]


@pytest.fixture
def arguments(own_data: dict[str, str], tmp_path: Path) -> list[str]:
    (tmp_path / "captions.txt").write_text("\n".join([*CAPTIONS, "", CAPTIONS[0]]) + "\n")
    model, images = own_data["--model"], Path(own_data["--images"])
    paths = [str(images / "red.png"), str(images / "blue.png")]
    captions = str(tmp_path / "captions.txt")
    return ["describe", *paths, "--model", model, "--captions", captions, "--device", "cpu"]


def test_each_image_retrieves_the_nearest_caption_within_each_radius(
    arguments: list[str], own_data: dict[str, str], capsys: pytest.CaptureFixture[str]
):
    import torch

    from hierarcaps.data.images import open_images

    assert cli.main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["images"]
    assert [Path(each["image"]).name for each in found] == ["red.png", "blue.png"]
    folder = own_data["--model"].removeprefix("transformers: ")
    encoder = load_model({"transformers": folder}, 0, torch.device("cpu"))
    root, *texts = embed_texts(encoder, ["", *CAPTIONS], 8)
    radii = np.linalg.norm(np.stack(texts).astype(float) - root.astype(float), axis=1)
    images = embed_images(encoder, open_images(own_data["--images"]), ["red.png", "blue.png"], 2)
    for image, each in zip(images, found, strict=True):
        chain = []
        for threshold in np.linspace(radii.min(), radii.max(), 50):
            within = [i for i in range(len(CAPTIONS)) if radii[i] <= threshold + 1e-12]
            best = max(within, key=lambda i: texts[i] @ image)
            if not chain or chain[-1] != CAPTIONS[best]:
                chain.append(CAPTIONS[best])
        assert [text["text"] for text in each["retrieved"]] == chain
        shown = [text["radius"] for text in each["retrieved"]]
        assert shown == pytest.approx([radii[CAPTIONS.index(text)] for text in chain], abs=1e-6)
        assert shown == sorted(shown)


def test_trees_steer_no_terminal(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    assert cli.main(arguments) == 0
    printed = capsys.readouterr().out
    trees = re.split(r"(?m)^(?=\S*\.png$)", printed)[1:]
    assert len(trees) == 2
    assert all(re.search(r"(?m)^└── \d\.\d{3} ", tree) for tree in trees)
    assert "\x1b" not in printed
    assert "\u202e" not in printed


def test_a_page_holds_the_images_and_runs_nothing(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    page = tmp_path / "out" / "page.html"
    assert cli.main([*arguments, "--html", str(page)]) == 0
    assert f"The page: {page}" in capsys.readouterr().out
    text = page.read_text()
    assert text.count('<img src="data:image/webp;base64,') == 2
    assert "<b>" not in text
    assert "<script" not in text
    assert "default-src &#x27;none&#x27;" in text


def test_a_folder_stands_for_its_images_and_a_table_for_its_tiers(
    arguments: list[str], own_data: dict[str, str], capsys: pytest.CaptureFixture[str]
):
    images = Path(own_data["--images"])
    (images / "notes.txt").write_text("no image")
    arguments[1:3] = [str(images)]
    arguments[arguments.index("--captions") + 1] = own_data["--hierarchies"]
    assert cli.main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["images"]
    assert [Path(each["image"]).name for each in found] == sorted(
        path.name for path in images.glob("*.png")
    )
    texts = {text["text"] for each in found for text in each["retrieved"]}
    assert texts <= {"thing", "a boat"} | {
        f"a {colour} boat{place}"
        for colour in ("red", "green", "blue", "white", "black", "orange")
        for place in ("", " at sea")
    }


@pytest.mark.parametrize(
    ("captions", "message"),
    [
        ("", "captions.txt: found no captions, expected one on each line"),
        ("image,caption\n1.jpg,A goat.\n", "line 2: found '1.jpg,A goat.', expected a caption"),
        ("a goat\n1.jpg#0\tA goat.\n", "line 2: found"),
    ],
)
def test_what_is_no_list_of_captions(
    captions: str,
    message: str,
    arguments: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    (tmp_path / "captions.txt").write_text(captions)
    assert cli.main([*arguments, "--html", str(tmp_path / "page.html")]) == 1
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert not (tmp_path / "page.html").exists()


def test_images_that_are_not_there(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "empty").mkdir()
    for path, message in [
        ("absent.png", "no such image, expected a file or a folder"),
        (str(tmp_path / "empty"), "found no images in this folder"),
    ]:
        assert cli.main([arguments[0], path, *arguments[3:]]) == 1
        assert capsys.readouterr().err == f"Error: {path}: {message}\n"
