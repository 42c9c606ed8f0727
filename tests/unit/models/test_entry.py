"""A model in a line: what each way of naming one stands for."""

from pathlib import Path

import pytest

from hierarcaps.models.entry import as_entry
from hierarcaps.runtime.errors import InputError


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("transformers: my models/a #2", {"transformers": "my models/a #2"}),
        ("meru: runs: best/model.pth", {"meru": "runs: best/model.pth"}),
        ("open_clip: ~/clip", {"open_clip": "/home/me/clip"}),
        ("open_clip: 'models/a #2'", {"open_clip": "models/a #2"}),
        (
            "{open_clip: ViT-B-32, pretrained: openai}",
            {"open_clip": "ViT-B-32", "pretrained": "openai"},
        ),
    ],
)
def test_a_models_path_is_taken_to_the_letter(
    text: str, entry: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOME", "/home/me")
    assert as_entry(text) == entry
    assert as_entry(entry) is entry


def test_a_tag_of_open_clip_and_the_hub():
    assert as_entry("ViT-B-32/openai") == {"open_clip": "ViT-B-32", "pretrained": "openai"}
    assert as_entry("hf-hub:laion/CLIP") == {"open_clip": "hf-hub:laion/CLIP"}


@pytest.mark.parametrize(
    ("files", "family"),
    [
        (["open_clip_config.json"], "open_clip"),
        (["config.json"], "transformers"),
        (["config.json", "open_clip_config.json"], "open_clip"),
    ],
)
def test_a_folder_is_of_the_family_of_its_configuration(
    files: list[str], family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "runs" / "last"
    folder.mkdir(parents=True)
    for name in files:
        (folder / name).touch()
    monkeypatch.chdir(tmp_path)
    assert as_entry("runs/last") == {family: "runs/last"}  # a folder that is there is no tag
    assert as_entry(str(folder)) == {family: str(folder)}


def test_a_folder_without_a_configuration(tmp_path: Path):
    with pytest.raises(InputError, match="found no configuration in this folder"):
        as_entry(str(tmp_path))
