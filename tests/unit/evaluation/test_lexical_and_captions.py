"""Lexical entailment and multi-caption retrieval: readers, scores, one sentence for bad files."""

import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from hierarcaps.evaluation.results import interval_of
from hierarcaps.evaluation.tasks.lexical import hyperlex, read_hyperlex
from hierarcaps.evaluation.tasks.retrieval import caption_retrieval
from hierarcaps.models.embeddings import Embeddings
from hierarcaps.runtime.errors import InputError

HEADER = "WORD1 WORD2 POS TYPE AVG_SCORE AVG_SCORE_0_10 STD SCORES..\n"
ROWS = (
    "duck animal N hyp-2 5.9 9.8 0.1 6 6\n"
    "duck owl N cohyp 2.0 3.3 0.1 2 2\n"
    "animal duck N r-hyp-2 1.0 1.7 0.1 1 1\n"
    "swim move V hyp-1 5.5 9.2 0.1 5 6\n"
    "move swim V r-hyp-1 0.5 0.8 0.1 0 1\n"
)
BOOTSTRAP = {"seed": 0, "resamples": 100}


@pytest.fixture
def file(tmp_path):
    (tmp_path / "hyperlex.txt").write_text(HEADER + ROWS)
    return tmp_path / "hyperlex.txt"


def _arc(angle, direction=1):
    vector = np.zeros(4)
    vector[0], vector[direction] = np.cos(angle), np.sin(angle)
    return vector


def _words(template="{}"):
    """Return a model in which ducks and owls lie beyond animals, and swimming beyond moving."""
    vectors = {
        "animal": _arc(0.4), "duck": _arc(0.9) + 0.05 * np.eye(4)[2],
        "owl": _arc(0.9) - 0.3 * np.eye(4)[2], "move": _arc(0.4, 3), "swim": _arc(0.9, 3),
    }  # fmt: skip
    strings = tuple(sorted(template.replace("{}", word) for word in vectors))
    return Embeddings(
        images=np.zeros((0, 4), dtype=np.float32),
        texts=np.array([vectors[s.split()[-1]] for s in strings], dtype=np.float32),
        root=np.eye(4, dtype=np.float32)[0],
        names=(),
        strings=strings,
        provenance={},
    )


def test_a_model_that_knows_the_words(file):
    task = hyperlex(str(file), "{}")
    table = task.items([], _words())
    assert table.loc[0, "angle"] < table.loc[1, "angle"] < table.loc[2, "angle"]
    values = task.values(table)
    numbers = {name: interval_of(value, BOOTSTRAP, ()) for name, value in values.items()}
    assert numbers["spearman_all"].value >= 0.9
    assert numbers["spearman_nouns"].value == 1
    assert np.isnan(numbers["spearman_verbs"].value)  # without either of two pairs there is none
    assert numbers["direction"][:3] == pytest.approx((1, 1, 1))
    assert numbers["direction"].n == 2
    # Nouns and verbs have each score too, so that the baselines stand beside the nouns' rho.
    assert set(numbers) == {"direction"} | {
        f"spearman_{rows}{score}"
        for rows in ("all", "nouns", "verbs")
        for score in ("", "_cosine", "_radius")
    }


def test_words_stand_in_their_template(file):
    task = hyperlex(str(file), "a photo of {}")
    assert "a photo of duck" in set(task.strings([]))
    assert len(task.items([], _words("a photo of {}"))) == 5
    assert task.provenance([])["template"] == "a photo of {}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("word1 word2 score\n", "found the header 'word1 word2 score'"),
        ("", "found the header ''"),
        (HEADER, "no pairs of words below the header"),
        (HEADER + "duck animal N\n", "line 2: found 'duck animal N'"),
        (HEADER + ROWS + "a b N hyp-1 high\n", "line 7: found 'a b N hyp-1 high'"),
    ],
)
def test_bad_lexical_files_are_named(tmp_path, text, message):
    (tmp_path / "file.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        read_hyperlex(tmp_path / "file.txt")
    with pytest.raises(InputError, match="not a readable HyperLex file"):
        read_hyperlex(tmp_path / "absent.txt")


def test_several_captions_an_image(tmp_path):
    path = tmp_path / "captions.csv"
    path.write_text("image,caption\n1.jpg,a dog\n1.jpg,a brown dog \n2.jpg,a cat\n2.jpg,a dog\n")
    task = caption_retrieval("pets", str(path), str(tmp_path))
    assert task.name == "retrieval_pets"
    assert task.image_set.names == ("pets/1.jpg", "pets/2.jpg")
    assert sorted(set(task.strings([]))) == ["a brown dog", "a cat", "a dog"]
    embeddings = Embeddings(
        images=np.array([[1, 0], [0, 1]], dtype=np.float32),
        # In the order of the strings: brown dog, cat, dog. The second image's best caption is
        # beaten by no wrong one; "a brown dog" finds the second image first.
        texts=np.array([[0.3, 0.9], [0.1, 1.0], [0.9, 0.1]], dtype=np.float32),
        root=np.array([1, 0], dtype=np.float32),
        names=task.image_set.names,
        strings=("a brown dog", "a cat", "a dog"),
        provenance={},
    )
    table = task.items([], embeddings)
    expected = pd.DataFrame(
        {
            "unit": ["pets/1.jpg", "pets/1.jpg", "pets/2.jpg", "pets/2.jpg"],
            "caption": ["a dog", "a brown dog", "a cat", "a dog"],
            "image_to_text_rank": [1, 1, 1, 1],
            "text_to_image_rank": [1, 2, 1, 1],
        }
    )
    pd.testing.assert_frame_equal(table, expected)
    values = task.values(table)
    assert np.isnan(values["image_to_text_r1"]).tolist() == [False, True, False, True]
    # A shared caption is asked once.
    np.testing.assert_array_equal(values["text_to_image_r1"], [1, 0, 1, np.nan])
    # Of the images, which vary independently, and not of the captions.
    assert interval_of(values["text_to_image_r1"], BOOTSTRAP, table["unit"]).n == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,text\na,b\n", "no column 'image'; found 'file, text'"),
        ("image,caption\n1.jpg,\n", "line 2: expected an image and a caption"),
        ("image,caption\n", "found no rows"),
        ("image,caption\n../secret.jpg,a dog\n", "line 2: found '../secret.jpg', expected a bare"),
    ],
)
def test_bad_caption_tables_are_named(tmp_path, text, message):
    (tmp_path / "captions.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        caption_retrieval("pets", str(tmp_path / "captions.csv"), str(tmp_path))


def test_cocos_annotations_are_captions(tmp_path):
    path = tmp_path / "captions_val.json"
    images = [{"id": 7, "file_name": "7.jpg"}, {"id": 3, "file_name": "3.jpg"}]
    annotations = [
        {"image_id": 3, "caption": "A dog. "},
        {"image_id": 7, "caption": "A cat."},
        {"image_id": 3, "caption": "A brown dog."},
    ]
    path.write_text(json.dumps({"images": images, "annotations": annotations}))
    task = caption_retrieval("coco", str(path), str(tmp_path / "val.parquet"))
    assert task.image_set.names == ("coco/3.jpg", "coco/7.jpg")
    assert task.captions == (("A dog.", "A brown dog."), ("A cat.",))
    for content, message in (
        ("[]", "not COCO's caption annotations"),
        ("no json", "expected COCO's caption annotations"),
        (json.dumps({"images": [], "annotations": annotations}), "annotation 1: names image 3"),
        (json.dumps({"images": images, "annotations": [{"image_id": 3, "caption": None}]}),
         "annotation 1: expected an image and a caption, found a null caption"),
    ):  # fmt: skip
        path.write_text(content)
        with pytest.raises(InputError, match=message):
            caption_retrieval("coco", str(path), str(tmp_path))


def test_pictures_of_captions_can_come_in_one_file(tmp_path):
    png = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(png, "PNG")
    pq.write_table(
        pa.table({"name": ["1.png"], "image": [png.getvalue()]}), tmp_path / "val.parquet"
    )
    (tmp_path / "captions.csv").write_text("image,caption\n1.png,red\n")
    task = caption_retrieval("x", str(tmp_path / "captions.csv"), str(tmp_path / "val.parquet"))
    assert task.image_set.open()["x/1.png"].getpixel((0, 0)) == (255, 0, 0)
