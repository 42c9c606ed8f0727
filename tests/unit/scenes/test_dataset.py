"""Splits on disk: contract, determinism, separation of the splits, drawing."""

import csv
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from hierarcaps.runtime.errors import InputError
from hierarcaps.scenes import taxonomy
from hierarcaps.scenes.dataset import read_scenes, write_split
from hierarcaps.scenes.drawing import BACKGROUND_VARIANTS, concept_sheet, draw, scene_sheet
from hierarcaps.scenes.grammar import parse
from hierarcaps.scenes.logic import true_of
from hierarcaps.scenes.scene import SPLITS, Scene, SceneObject, sample_scenes
from hierarcaps.scenes.shapes.backgrounds import paint

PARAMS = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text(encoding="utf-8"))
SETTINGS = {
    "seed": 0, "image_size": 64, "train": 150, "validation": 60, "test": 80,
    "captions_per_image": 4, "caption_mix": PARAMS["scenes"]["caption_mix"], "held_out_share": 0.2,
    "typical_share": 0.5,
}  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    for split in SPLITS:
        write_split(split, SETTINGS, folder / f"{split}.parquet", folder / f"{split}.csv")
    return folder


def test_rows_hold_the_contract(written):
    frame = read_scenes(written / "test.parquet")
    assert list(frame["name"])[:2] == ["test-00000.png", "test-00001.png"]
    assert len(frame) == 80
    for row in frame.itertuples():
        image = Image.open(io.BytesIO(row.image))
        assert (image.size, image.mode) == ((64, 64), "RGB")
        scene = Scene.from_json(row.scene)
        assert (len(row.captions), len(row.tiers)) == (4, 4)
        assert all(true_of(parse(text), scene) for text in (*row.captions, *row.tiers))
        assert row.held_out == scene.held_out


def test_csv_holds_the_gold_tiers(written):
    frame = read_scenes(written / "validation.parquet", columns=["name", "tiers"])
    with (written / "validation.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["image_url"] for row in rows] == list(frame["name"])
    assert [row["captions"].split(" => ") for row in rows] == [
        list(each) for each in frame["tiers"]
    ]


def test_equal_settings_give_equal_bytes(written, tmp_path):
    write_split("test", SETTINGS, tmp_path / "t.parquet", tmp_path / "t.csv")
    assert (tmp_path / "t.parquet").read_bytes() == (written / "test.parquet").read_bytes()
    assert (tmp_path / "t.csv").read_bytes() == (written / "test.csv").read_bytes()


def test_read_scenes_names_the_file(tmp_path):
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(b"PAR1 no")
    with pytest.raises(InputError, match=r"bad\.parquet"):
        read_scenes(bad)
    with pytest.raises(InputError, match=r"none\.parquet"):
        read_scenes(tmp_path / "none.parquet")


def test_splits_share_no_scene_and_no_picture():
    scenes = {split: list(sample_scenes(split, 800, seed=0)) for split in SPLITS}
    pictures = {split: {draw(each).tobytes() for each in scenes[split]} for split in SPLITS}
    for one, other in (("train", "validation"), ("train", "test"), ("validation", "test")):
        assert not set(scenes[one]) & set(scenes[other])
        assert not pictures[one] & pictures[other]
    for split in ("validation", "test"):
        assert len({scene.content for scene in scenes[split]}) == 800


@pytest.mark.parametrize("setting", taxonomy.SETTINGS)
def test_no_two_variants_of_a_background_are_equal(setting):
    pictures = {paint(setting, variant, 32).tobytes() for variant in range(BACKGROUND_VARIANTS)}
    assert len(pictures) == BACKGROUND_VARIANTS


def test_held_out_combinations_are_only_in_test():
    shares = {
        split: np.mean([scene.held_out for scene in sample_scenes(split, 2000, seed=1)])
        for split in SPLITS
    }
    assert shares["train"] == shares["validation"] == 0
    assert 0.16 < shares["test"] < 0.24
    colours = Counter(taxonomy.held_out_colour(concept) for concept in taxonomy.CONCEPTS)
    assert set(colours) == set(taxonomy.COLOURS)
    assert all(taxonomy.held_out_colour(c.name) != c.colour for c in taxonomy.CONCEPTS.values())


def test_seeds_change_the_scenes():
    first, again, other = (list(sample_scenes("train", 50, seed=seed)) for seed in (0, 0, 1))
    assert first == again
    assert not set(first) & set(other)


def test_taxonomy_is_a_tree_of_drawable_leaves():
    assert 42 <= len(taxonomy.CONCEPTS) <= 46
    assert len(taxonomy.CATEGORIES) == 8
    for concept in taxonomy.CONCEPTS.values():
        assert taxonomy.ancestors(concept.name)[-1] == taxonomy.ROOT
        assert taxonomy.category(concept.name) in taxonomy.CATEGORIES
        assert concept.colour in taxonomy.COLOURS
        assert concept.setting in taxonomy.SETTINGS
    # A middle level over one concept only would make two words mean the same pictures.
    parents = Counter(taxonomy.PARENTS.values())
    assert all(parents[level] >= 2 for level in taxonomy.MIDDLE_LEVELS)


@pytest.mark.parametrize("concept", taxonomy.CONCEPTS)
def test_concepts_show_in_any_colour_and_are_centred_enough(concept):
    pictures = []
    for colour in taxonomy.COLOURS:
        scene = Scene((SceneObject(concept, colour, "large", 1),), "snow", None, 30)
        pictures.append(np.asarray(draw(scene), dtype=float))
    differences = [np.abs(a - b).mean() for i, a in enumerate(pictures) for b in pictures[i + 1 :]]
    assert min(differences) > 1.0


def test_sizes_counts_and_image_size_show():
    def drawn(size, count, pixels=64):
        scene = Scene((SceneObject("apple", "red", size, count),), "sea", None, 3)
        return np.asarray(draw(scene, pixels), dtype=int)

    def red(picture):
        return ((picture[..., 0] > 180) & (picture[..., 2] < 110)).sum()

    small, medium, large = (red(drawn(size, 1)) for size in taxonomy.SIZES)
    assert small * 1.3 < medium < large / 1.3
    assert red(drawn("small", 3)) < red(drawn("large", 3))
    assert drawn("large", 1, 32).shape == (32, 32, 3)


def test_relations_are_where_they_say():
    def centre(scene):
        picture = np.asarray(draw(scene), dtype=int)
        rows = np.nonzero((picture[..., 0] > 190) & (picture[..., 1:].max(-1) < 90))[0]
        return rows.mean()

    apple = SceneObject("apple", "red", "large", 1)
    cat = SceneObject("cat", "gray", "large", 1)
    above, below = (Scene((apple, cat), "snow", name, 6) for name in ("above", "below"))
    assert centre(above) < 32 < centre(below)


def test_scene_json_round_trip():
    for scene in sample_scenes("test", 50, seed=0):
        assert Scene.from_json(scene.to_json()) == scene
    for text in ("", "{}", "[1]", '{"objects": []}', "null"):
        with pytest.raises(InputError):
            Scene.from_json(text)


def test_concept_sheet_shows_every_concept():
    assert concept_sheet(columns=23, zoom=1).width == 23 * (64 + 8) + 8


def test_scene_sheet_wraps_long_captions():
    scenes = list(sample_scenes("test", 4, seed=0))
    short = scene_sheet(scenes, ["a duck"] * 4, columns=4)
    long = scene_sheet(scenes, ["a duck"] * 3 + ["a large red duck next to a car on the beach"], 4)
    assert long.width == short.width
    assert long.height > short.height
