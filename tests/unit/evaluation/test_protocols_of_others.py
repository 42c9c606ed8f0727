"""Protocols of other projects on cases that are counted by hand."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import yaml

from hierarcaps.data.class_tree import ClassTree, hycoclip_errors, read_is_a
from hierarcaps.data.hierarchy import CaptionHierarchy
from hierarcaps.evaluation.results import interval_of
from hierarcaps.evaluation.tasks.himo import (
    GrowingCaptions,
    correlation_with_place,
    growing_captions,
    read_growing_captions,
)
from hierarcaps.evaluation.tasks.hyper3_entailment import Hyper3Entailment, caption_pairs
from hierarcaps.evaluation.tasks.names import PROTOCOLS_OF_OTHERS, task_names
from hierarcaps.evaluation.tasks.prolip_interpolation import ProLIPInterpolation
from hierarcaps.evaluation.tasks.registry import all_tasks
from hierarcaps.evaluation.tasks.sugar_crepe import FILES, read_sugar_crepe, sugar_crepe
from hierarcaps.geometry.spaces import Lorentz
from hierarcaps.models.embeddings import Embeddings
from hierarcaps.runtime.errors import InputError

BOOTSTRAP = {"seed": 0, "resamples": 100}


def numbers(task, table) -> dict[str, float]:
    values = task.values(table).items()
    return {name: interval_of(each, BOOTSTRAP, table["unit"]).value for name, each in values}


def on_circle(degrees: dict[str, float], images: dict[str, float], root: float) -> Embeddings:
    """Return unit vectors of the plane at these angles."""

    def vectors(angles) -> np.ndarray:
        radians = np.radians(list(angles))
        return np.column_stack([np.cos(radians), np.sin(radians)]).astype(np.float32)

    return Embeddings(
        vectors(images.values()), vectors(degrees.values()), vectors([root])[0],
        tuple(images), tuple(degrees), {},
    )  # fmt: skip


def test_protocols_run_only_where_they_are_listed() -> None:
    settings = {"thresholds": 3, "protocols": ["himo_tiers", "hyper3_entailment"]}
    names = [task.name for task in all_tasks(settings)]
    assert names == task_names(settings)
    assert names[-2:] == ["hyper3_entailment", "himo_tiers"]
    assert not set(PROTOCOLS_OF_OTHERS).intersection(task_names({"thresholds": 3}))


def test_the_parameters_know_the_protocols() -> None:
    schema = Path(__file__).parents[3] / "workflow" / "schemas" / "evaluation.yaml"
    properties = yaml.safe_load(schema.read_text(encoding="utf-8"))["properties"]
    assert properties["protocols"]["items"]["enum"] == list(PROTOCOLS_OF_OTHERS)


# Hyper3-CLIP


def test_hyper3s_negatives_are_the_first_hundred_of_the_others() -> None:
    items = [
        CaptionHierarchy(str(i), ("a", f"b {i}", f"c {i}", f"d {i}"), f"{i}.png")
        for i in range(150)
    ]
    pairs = caption_pairs(items)
    of = {kind: [p for p in pairs if p[2] == kind] for kind in ("own", "first", "even")}
    assert len(of["own"]) == 600
    assert len(of["first"]) == len(of["even"]) == 15_000
    assert [p[3] for p in of["first"] if p[0] == "149"] == [f"d {i}" for i in range(100)]
    assert [p[3] for p in of["first"] if p[0] == "0"] == [f"d {i}" for i in range(1, 101)]
    assert len({p[3] for p in of["first"]}) == 101
    assert len({p[3] for p in of["even"]}) == 150
    assert not any(p[3] == f"d {p[0]}" for p in pairs if p[2] != "own")


def test_only_the_fair_negatives_know_what_else_is_true_of_an_image() -> None:
    items = [
        CaptionHierarchy("0", ("a", "b", "c", "d"), "x.png"),
        CaptionHierarchy("1", ("a", "b", "c", "e"), "x.png"),
        CaptionHierarchy("2", ("a", "b", "c", "f"), "y.png"),
    ]
    pairs = [(item, kind, text) for item, _, kind, text in caption_pairs(items) if item == "0"]
    assert [p[2] for p in pairs if p[1] == "first"] == ["e", "f"]
    assert [p[2] for p in pairs if p[1] == "even"] == ["f"]


def test_hyper3s_entailment_counted_by_hand() -> None:
    """Two images on the axes of the hyperbolic plane, captions nearer to the vertex."""
    places = {
        "a": (0.4, 0.4), "b": (0.5, 0), "c": (1, 0), "d": (1.5, 0),
        "p": (0, 0.5), "q": (0, 1), "r": (0, 1.5),
    }  # fmt: skip
    items = [
        CaptionHierarchy("0", ("a", "b", "c", "d"), "x"),
        CaptionHierarchy("1", ("a", "p", "q", "r"), "y"),
    ]
    texts = np.array(list(places.values()), dtype=np.float32)
    images = np.array([[3, 0], [0, 3]], dtype=np.float32)
    root = np.zeros(2, dtype=np.float32)
    embeddings = Embeddings(images, texts, root, ("x", "y"), tuple(places), {}, Lorentz(1.0))
    task = Hyper3Entailment()
    table = task.items(items, embeddings)
    of_x = table[table["unit"] == "x"].set_index(["kind", "caption"])
    # b, c, d lie on the way to x: no angle. r lies across: beyond a right angle.
    np.testing.assert_allclose(of_x.loc["own"].loc[["b", "c", "d"], "score"], 1, atol=1e-6)
    assert of_x.loc[("first", "r"), "score"] == 0
    # The angle at a by the law of cosines in the triangle of the vertex, a and x.
    near, far = math.asinh(math.hypot(0.4, 0.4)), math.asinh(3)
    side = math.acosh(
        math.cosh(near) * math.cosh(far) - math.sinh(near) * math.sinh(far) * math.cos(math.pi / 4)
    )
    inner = (math.cosh(near) * math.cosh(side) - math.cosh(far)) / (
        math.sinh(near) * math.sinh(side)
    )
    phi = math.pi - math.acos(inner)
    assert of_x.loc[("own", "a"), "score"] == pytest.approx(max(0, 1 - 2 * phi / math.pi), abs=1e-6)
    aperture = math.asin(2 * 0.1 / math.hypot(0.4, 0.4))
    assert of_x.loc[("own", "a"), "margin"] == pytest.approx(aperture - phi, abs=1e-6)
    found = numbers(task, table)
    # Each image: four right captions, one wrong one that scores 0.
    assert 1 - 2 * phi / math.pi > 0
    assert found["auroc_first"] == found["average_precision_even"] == 1
    assert {name.rsplit("_", 1)[-1] for name in found} == {"first", "even", "margin", "similarity"}


def test_hyper3s_areas_are_of_all_pairs_at_once() -> None:
    items = [
        CaptionHierarchy("0", ("a", "b", "c", "d"), "x"),
        CaptionHierarchy("1", ("e", "f", "g", "h"), "y"),
    ]
    places = {"a": 10, "b": 20, "c": 30, "d": 40, "e": 49, "f": 60, "g": 70, "h": 85}
    embeddings = on_circle(places, {"x": 50, "y": 90}, root=0)
    table = Hyper3Entailment().items(items, embeddings)
    # Degrees from x: own 40, 30, 20, 10, other (h) 35; from y: own 41, 30, 20, 5, other (d) 50.
    # Nearer than 35 are 6 of 8, nearer than 50 all.
    assert numbers(Hyper3Entailment(), table)["auroc_first_similarity"] == (6 + 8) / 16
    # The same as margins: first six with precision 1, then one wrong, then two right ones.
    table["margin"] = table["similarity"]
    found = numbers(Hyper3Entailment(), table)
    assert found["average_precision_first_margin"] == pytest.approx((6 + 7 / 8 + 8 / 9) / 8)
    assert found["auroc_even_margin"] == (6 + 8) / 16


# ProLIP


def test_prolips_steps_counted_by_hand() -> None:
    items = [
        CaptionHierarchy("0", ("a", "b", "c", "d"), "x"),
        CaptionHierarchy("1", ("a", "e", "f", "g"), "x"),
    ]
    places = {"a": 5, "b": 20, "c": 40, "d": 60, "e": 100, "f": 120, "g": 140}
    task = ProLIPInterpolation()
    table = task.items(items, on_circle(places, {"x": 62}, root=0))
    assert list(table["retrieved"][0]) == list(table["retrieved"][1]) == ["a", "b", "c", "d"]
    assert list(table["precision"]) == [1, 0.25]
    assert list(table["recall"]) == [1, 0.25]
    # The last step is at .98 of the way: a text at the root itself is not met before its half.
    far = on_circle({**places, "a": 0, "b": 0.5}, {"x": 62}, root=0)
    assert list(task.items(items, far)["retrieved"][0]) == ["b", "c", "d"]
    # The start is a text, not the image.
    beyond = on_circle({**places, "e": 89}, {"x": 75}, root=0)
    assert list(task.items(items, beyond)["retrieved"][0]) == ["a", "b", "c", "d", "e"]
    assert numbers(task, table)["texts_met"] == 4


def test_prolips_way_on_the_hyperboloid_goes_to_the_vertex() -> None:
    places = {"a": 0.1, "b": 0.6, "c": 1.2, "d": 2.0}
    texts = np.array([[math.sinh(x), 0] for x in places.values()], dtype=np.float32)
    embeddings = Embeddings(
        texts[-1:], texts, np.zeros(2, np.float32), ("x",), tuple(places), {}, Lorentz(1.0)
    )
    table = ProLIPInterpolation().items([CaptionHierarchy("0", tuple(places), "x")], embeddings)
    assert list(table["retrieved"][0]) == ["a", "b", "c", "d"]
    half = Lorentz(1.0).towards_root(texts, np.zeros(2), 0.5)
    np.testing.assert_allclose(np.arcsinh(half[:, 0]), [0.05, 0.3, 0.6, 1.0], rtol=1e-6)


# HiMo-CLIP


def test_himo_counted_by_hand() -> None:
    assert correlation_with_place([1, 2, 4]) == pytest.approx(3 / math.sqrt(2 * 14 / 3))
    assert correlation_with_place([3, 2, 1]) == pytest.approx(-1)
    assert correlation_with_place([0.1, 0.1, 0.1]) == 0
    items = [
        CaptionHierarchy("0", ("a", "b", "c", "d"), "x"),
        CaptionHierarchy("1", ("d", "c", "b", "a"), "x"),
        CaptionHierarchy("2", ("a", "a", "a", "a"), "y"),
    ]
    task = GrowingCaptions()
    places = {"a": 90, "b": 60, "c": 48.189685, "d": 0}  # cosines 0, 1/2, 2/3, 1
    table = task.items(items, on_circle(places, {"x": 0, "y": 30}, root=0))
    values = np.array([0, 1 / 2, 2 / 3, 1])
    expected = (np.array([-1.5, -0.5, 0.5, 1.5]) @ values) / math.sqrt(
        5 * ((values - values.mean()) ** 2).sum()
    )
    assert list(table["correlation"]) == [pytest.approx(expected), pytest.approx(-expected), 0]
    assert numbers(task, table)["himo_at_k"] == pytest.approx(0, abs=1e-7)
    assert list(task.values(table)["similarity_never_falls"]) == [1, 0, 1]


def test_growing_captions_are_of_any_number(tmp_path) -> None:
    rows = [
        {"img_path": "1.jpg", "caption": ["A cat.", "A cat. It sleeps."], "raw_caption": "A cat."},
        {"img_path": "2.jpg", "caption": ["A dog.", "A dog. It runs.", "A dog. It runs far off."]},
    ]
    path = tmp_path / "long.json"
    path.write_text("\n".join(map(json.dumps, rows)))
    task = growing_captions("docci", str(path), str(tmp_path))
    assert task.name == "himo_docci"
    assert task.image_set.names == ("docci/1.jpg", "docci/2.jpg")
    texts = list(task.strings([]))
    assert texts == [text for row in rows for text in row["caption"]]
    places = dict(zip(texts, (60, 30, 0, 30, 60), strict=True))
    table = task.items([], on_circle(places, {"docci/1.jpg": 0, "docci/2.jpg": 0}, root=0))
    assert table["correlation"][0] == pytest.approx(1)
    assert table["correlation"][1] < -0.9
    path.write_text("\n".join(map(json.dumps, [rows[0], rows[0]])))
    with pytest.raises(InputError, match="is there twice"):
        read_growing_captions(path)


# HyCoCLIP


def test_hycoclips_errors_counted_by_hand(tmp_path) -> None:
    """Its ancestors hold the root and not the class; the right answer's lca is 1."""
    path = tmp_path / "isa.txt"
    path.write_text(
        "thing animal\nthing vehicle\nanimal bird\nanimal cat\nbird duck\nbird owl\nvehicle car\n"
    )
    true = ["duck", "duck", "duck", "cat", "duck"]
    found = hycoclip_errors(read_is_a(path), true, ["duck", "owl", "cat", "duck", "car"])
    assert list(found.tie) == [0, 2, 3, 3, 5]
    assert list(found.lca) == [1, 1, 1, 2, 2]
    assert list(found.jaccard) == pytest.approx([1, 1, 2 / 3, 2 / 3, 1 / 4])
    assert list(found.precision) == pytest.approx([1, 1, 1, 2 / 3, 1 / 2])
    assert list(found.recall) == pytest.approx([1, 1, 2 / 3, 1, 1 / 3])
    with pytest.raises(InputError, match="is a root"):
        hycoclip_errors(ClassTree({"a": ["b"]}), ["b"], ["a"])


# SugarCrepe


def sugar_crepe_files(folder, entries: int = 2) -> None:
    for file in FILES:
        content = {
            str(i): {"filename": f"{i}.jpg", "caption": f"right {i}", "negative_caption": "wrong"}
            for i in range(entries)
        }
        (folder / f"{file}.json").write_text(json.dumps(content))


def test_sugar_crepe_counted_by_hand(tmp_path) -> None:
    sugar_crepe_files(tmp_path)
    (tmp_path / "swap_att.json").write_text(
        json.dumps({"0": {"filename": "0.jpg", "caption": "tie", "negative_caption": "wrong"}})
    )
    task = sugar_crepe(str(tmp_path), "images")
    assert task.image_set.files == ("0.jpg", "1.jpg")
    assert set(task.strings([])) == {"right 0", "right 1", "wrong", "tie"}
    places = {"right 0": 5, "right 1": 60, "wrong": 30, "tie": 30}
    images = {"sugar_crepe/0.jpg": 0, "sugar_crepe/1.jpg": 0}
    found = numbers(task, task.items([], on_circle(places, images, root=0)))
    # Image 0 is right and image 1 wrong in six files; in one, image 0 is a tie.
    assert [found[f"accuracy_{file}"] for file in FILES] == [0.5, 0.5, 0.5, 0.5, 0, 0.5, 0.5]
    assert found["accuracy"] == pytest.approx(3 / 7)
    assert task.provenance([])["pairs"]["swap_att"] == 1


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({"filename": "1.jpg", "caption": "a"}, "entry 0: expected the texts"),
        ({"filename": "1.jpg", "caption": "a", "negative_caption": " "}, "expected the texts"),
        ({"filename": "b/1.jpg", "caption": "a", "negative_caption": "b"}, "expected a file name"),
        ({"filename": "1.jpg", "caption": "a", "negative_caption": "a "}, "are equal"),
        ("a", "expected the texts"),
    ],
)
def test_a_broken_sugar_crepe_file_is_refused(tmp_path, entry, fault) -> None:
    path = tmp_path / "swap_obj.json"
    path.write_text(json.dumps({"0": entry}))
    with pytest.raises(InputError, match=fault):
        read_sugar_crepe(path)


def test_a_missing_or_unreadable_sugar_crepe_file_is_named(tmp_path) -> None:
    sugar_crepe_files(tmp_path)
    (tmp_path / "add_att.json").write_text("[")
    with pytest.raises(InputError, match=r"add_att\.json: cannot be read as JSON"):
        sugar_crepe(str(tmp_path), "images")
    (tmp_path / "add_att.json").unlink()
    with pytest.raises(InputError, match=r"add_att\.json: no such file"):
        sugar_crepe(str(tmp_path), "images")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{", "line 1: expected an object"),
        ('{"img_path": "1.jpg"}', "line 1: expected an object"),
        ('{"img_path": "1.jpg", "caption": "a"}', "line 1: expected an object"),
        ('{"img_path": "1.jpg", "caption": ["a"]}', "2 or more captions"),
        ('{"img_path": "1.jpg", "caption": ["a b", "a"]}', "each longer"),
        ('{"img_path": "a/1.jpg", "caption": ["a", "a b"]}', "bare file name"),
        ("", "found no rows"),
    ],
)
def test_broken_growing_captions_are_refused(tmp_path, line, fault) -> None:
    path = tmp_path / "long.json"
    path.write_text(line)
    with pytest.raises(InputError, match=fault):
        read_growing_captions(path)
