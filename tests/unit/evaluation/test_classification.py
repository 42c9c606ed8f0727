"""Zero-shot classification on models that are right, nearly right, or given broken data."""

import json

import numpy as np
import pytest
from PIL import Image

from hierarcaps.data.class_tree import ClassTree
from hierarcaps.evaluation.tasks.classification import Classification, folder_classification
from hierarcaps.evaluation.tasks.labelled_images import LabelledImages, read_superclasses
from hierarcaps.models.embeddings import Embeddings
from hierarcaps.runtime.errors import InputError

CLASSES = ("car", "cat", "duck", "owl")
SUPERCLASS = {"car": "vehicle", "cat": "animal", "duck": "animal", "owl": "animal"}
PARENTS = {
    "bird": ["animal"], "duck": ["bird"], "owl": ["bird"], "cat": ["animal"],
    "animal": ["thing"], "vehicle": ["thing"], "car": ["vehicle"],
}  # fmt: skip
TEMPLATES = ("a {}", "photo of {}")


@pytest.fixture
def task() -> Classification:
    data = LabelledImages(
        names=[f"{name}.png" for name in CLASSES],
        labels=list(CLASSES),
        words={name: name for name in CLASSES},
        superclass=SUPERCLASS,
        superclass_words={name: name for name in ("animal", "vehicle")},
        tree=ClassTree(PARENTS),
    )
    return Classification("classification", data, TEMPLATES)


def _embeddings(task: Classification, answers: dict[str, str]) -> Embeddings:
    """Return images that lie on the class ``answers`` gives for them, prompts around classes."""
    axes = dict(zip((*CLASSES, "animal", "vehicle"), np.eye(6), strict=True))
    axes["animal"] = (axes["cat"] + axes["duck"] + axes["owl"]) / np.sqrt(3)
    axes["vehicle"] = axes["car"]
    prompts = sorted(set(task.strings([])))
    offsets = {"a": np.eye(6)[5] * 0.1, "photo": -np.eye(6)[5] * 0.1}
    texts = [axes[prompt.split()[-1]] + offsets[prompt.split()[0]] for prompt in prompts]
    return Embeddings(
        images=np.array([axes[answers[name]] for name in CLASSES], dtype=np.float32),
        texts=np.array(texts, dtype=np.float32),
        root=np.eye(6, dtype=np.float32)[4],
        names=tuple(task.data.names),
        strings=tuple(prompts),
        provenance={},
    )


def test_a_perfect_model(task):
    values = task.values(task.items([], _embeddings(task, {name: name for name in CLASSES})))
    for name in ("fine", "coarse"):
        assert (values[f"{name}_accuracy"] == 1).all()
    assert (values["tree_induced_error"] == 0).all()
    assert np.isnan(values["lca_height_of_mistakes"]).all()
    assert "fine_top5_accuracy" not in values  # of four classes all are among five


def test_near_mistakes_are_told_from_far_ones(task):
    answers = {"car": "owl", "cat": "cat", "duck": "owl", "owl": "owl"}
    table = task.items([], _embeddings(task, answers))
    assert list(table["predicted"]) == ["owl", "cat", "owl", "owl"]
    assert list(table["tree_induced_error"]) == [5, 0, 2, 0]
    values = task.values(table)
    assert values["fine_accuracy"].mean() == 0.5
    assert values["coarse_accuracy_of_fine"].mean() == 0.75
    assert np.nanmean(values["tree_induced_error_of_mistakes"]) == 3.5
    assert list(table["hierarchical_recall"]) == [0, 1, pytest.approx(2 / 3), 1]


def test_ties_count_against_the_model(task):
    embeddings = _embeddings(task, {name: name for name in CLASSES})
    table = task.items([], Embeddings(
        embeddings.images, np.ones_like(embeddings.texts), embeddings.root, embeddings.names,
        embeddings.strings, {},
    ))  # fmt: skip
    assert list(table["rank"]) == [4] * 4


@pytest.fixture
def folder(tmp_path):
    for name in ("n2", "n3", "n9"):
        (tmp_path / "images" / name).mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(tmp_path / "images" / name / "1.png")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "class_hierarchy.txt").write_text("n0 n1\nn1 n2\nn1 n3\n")
    (tmp_path / "tree" / "node_names.txt").write_text(
        "n0\tentity\nn1\tfish\nn2\ttench, T\nn3\teel\n"
    )
    (tmp_path / "tree" / "dataset_class_info.json").write_text(json.dumps([[0, "n2", "tench"]]))
    return tmp_path


def _settings(folder, **more):
    return {"images": str(folder / "images"), "templates": ["a {}"], **more}


def test_classes_missing_from_the_hierarchy_are_counted(folder):
    task = folder_classification("fish", _settings(folder, hierarchy=str(folder / "tree"), depth=1))
    assert task.name == "classification_fish"
    assert task.data.names == ("fish/n2/1.png", "fish/n3/1.png")
    assert sorted(task.strings([])) == ["a eel", "a fish", "a tench"]
    assert task.provenance([])["left_out_classes_not_in_hierarchy"] == ["n9"]
    assert task.image_set.files == ("n2/1.png", "n3/1.png")
    provenance = task.provenance([])
    assert provenance["left_out_images"] == 1
    assert provenance["classes_with_the_words_of_another"] == []
    assert len(provenance["hierarchy_sha256"]["node_names.txt"]) == 64


def test_an_is_a_list_adds_the_metrics_of_hycoclip(folder):
    is_a = folder / "isa.txt"
    is_a.write_text("n0 n1\nn1 n2\nn1 n3\n")
    settings = _settings(folder, hierarchy=str(folder / "tree"), is_a=str(is_a))
    task = folder_classification("fish", settings)
    prompts, vectors = tuple(sorted(task.strings([]))), np.eye(2, dtype=np.float32)
    assert prompts == ("a eel", "a tench")
    images = vectors[[1, 1]]  # both look like a tench
    embeddings = Embeddings(images, vectors, vectors[0], tuple(task.data.names), prompts, {})
    values = task.values(task.items([], embeddings))
    found = {name: list(values[f"hycoclip_{name}"]) for name in ("tie", "lca", "jaccard")}
    assert found == {"tie": [0, 2], "lca": [1, 1], "jaccard": [1, 1]}
    assert len(task.provenance([])["is_a_sha256"]) == 64
    is_a.write_text("n0 n1\nn1 n2\n")
    with pytest.raises(InputError, match="class 'n3' is not in the is-a list"):
        folder_classification("fish", settings)
    with pytest.raises(InputError, match="no such file"):
        folder_classification("fish", {**settings, "is_a": str(folder / "absent.txt")})


def test_provenance_follows_the_images(folder):
    def sha256() -> str:
        return folder_classification("fish", _settings(folder)).provenance([])["images_sha256"]

    before = sha256()
    assert sha256() == before
    Image.new("RGB", (40, 40), "red").save(folder / "images" / "n2" / "1.png")
    assert sha256() != before


def test_classes_of_equal_words_are_told_apart_or_reported(folder):
    names = folder / "tree" / "node_names.txt"
    names.write_text("n0\tentity\nn1\tfish\nn2\tcrane\nn3\tcrane, hoist\n")
    settings = _settings(folder, hierarchy=str(folder / "tree"))
    task = folder_classification("x", settings)
    assert dict(task.data.words) == {"n2": "crane", "n3": "hoist"}
    assert task.provenance([])["classes_with_the_words_of_another"] == []
    names.write_text("n0\tentity\nn1\tfish\nn2\tcrane\nn3\tcrane\n")
    task = folder_classification("x", settings)
    assert task.provenance([])["classes_with_the_words_of_another"] == ["n2", "n3"]


def test_a_truncated_image_of_a_class_is_named(folder):
    path = folder / "images" / "n3" / "1.png"
    path.write_bytes(path.read_bytes()[:45])
    store = folder_classification("fish", _settings(folder)).image_set.open()
    with pytest.raises(InputError, match=r"n3.1\.png: .*truncated"):
        store["fish/n3/1.png"]


def test_superclasses_come_from_a_table(folder):
    path = folder / "superclasses.csv"
    path.write_text("class,superclass\nn2,river_fish\nn3,river_fish\nn9,bird\n")
    task = folder_classification("fish", _settings(folder, superclasses=str(path)))
    assert sorted(task.strings([])) == ["a bird", "a n2", "a n3", "a n9", "a river fish"]
    path.write_text("class,superclass\nn2,river_fish\n")
    with pytest.raises(InputError, match="no super-class for class 'n3'"):
        folder_classification("fish", _settings(folder, superclasses=str(path)))
    assert len(task.provenance([])["superclasses_sha256"]) == 64
    for row, message in (
        ("n2,\n", "line 2: expected a class and its super-class"),
        ("n2\n", "line 2: found 1 fields, expected 2"),
        ("n2,fish\nn2,bird\n", "line 3: class 'n2' has the super-classes 'fish' and 'bird'"),
    ):
        path.write_text("class,superclass\n" + row)
        with pytest.raises(InputError, match=message):
            read_superclasses(path)
    path.write_text("name,above\nn2,river_fish\n")
    with pytest.raises(InputError, match="no column 'class'"):
        read_superclasses(path)


def test_bad_settings_are_one_sentence(folder):
    with pytest.raises(InputError, match=r"'a photo': expected one '\{\}'"):
        folder_classification("x", {"images": str(folder / "images"), "templates": ["a photo"]})
    with pytest.raises(InputError, match="templates: found none"):
        folder_classification("x", {"images": str(folder / "images"), "templates": []})
    for name in ("n2", "n3"):
        (folder / "images" / name / "1.png").unlink()
        (folder / "images" / name).rmdir()
    with pytest.raises(InputError, match="no class folder is in"):
        folder_classification("x", _settings(folder, hierarchy=str(folder / "tree")))
