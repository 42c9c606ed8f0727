"""Every bad input that the project knows, each answered by one sentence that names its place."""

import gzip
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from safetensors.torch import save

from hierarcaps.data.downloads import read_downloads
from hierarcaps.data.hierarchy import read_hierarchies
from hierarcaps.data.image_sets import labelled_files
from hierarcaps.data.images import open_images
from hierarcaps.evaluation.tasks.labelled_images import read_superclasses
from hierarcaps.evaluation.tasks.lexical import read_hyperlex
from hierarcaps.evaluation.tasks.retrieval import read_captions as captions_of_images
from hierarcaps.generation.sources import read_captions
from hierarcaps.generation.steps.captions import make_captions
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.weights_files import read_state

CHAIN = "a => b => c => d"
HEADER = "id,captions,image_url\n"
WORDS = "image,caption\n"
URL = "http://x.org/1.jpg"
LIMITS = {"min_words": 1, "max_words": 60, "max_characters": 300}

Reader = Callable[[Path], Any]


def conceptual(path: Path) -> Any:
    return read_captions(path, "conceptual")


def coco(path: Path) -> Any:
    return read_captions(path, "coco")


def swapped_columns(path: Path) -> Any:
    return read_captions(path, "table", caption_column="image", image_column="caption")


def url_captions(path: Path) -> Any:
    return read_captions(path, "table", caption_column="image")


# (reader, name of the file, its text or bytes, what the sentence says)
TABLES: list[tuple[Reader, str, str | bytes, str]] = [
    (read_hierarchies, "a.csv", HEADER + f"1,{CHAIN},1.jpg,more\n", "line 2: found 4 fields, exp"),
    (read_hierarchies, "a.csv", HEADER + f"1,{CHAIN}\n", "line 2: found 2 fields, expected 3"),
    (read_hierarchies, "a.csv", HEADER + f"1,{CHAIN}, on a beach by night\n", "for the image"),
    (read_hierarchies, "a.csv", HEADER + "1,a => b => c,1.jpg\n", "line 2: found 3 tiers"),
    (read_hierarchies, "a.csv", HEADER + "1,a => => c => d,1.jpg\n", "number 2 of the tiers is"),
    (read_hierarchies, "a.csv", HEADER + f"1,{CHAIN},\n1,{CHAIN},\n", "already given to line 2"),
    (read_hierarchies, "a.csv", HEADER.replace("captions", "caption"), "'captions' is missing"),
    (read_hierarchies, "a.csv", "id,captions,image_url,id\n", "a column name occurs twice"),
    (read_hierarchies, "a.csv", HEADER, "found no rows"),
    (read_hierarchies, "a.csv", "", "the file is empty"),
    (read_hierarchies, "a.csv", HEADER.encode("utf-16"), "expected UTF-8"),
    (read_hierarchies, "a.csv.gz", HEADER, "cannot be read"),
    (read_hierarchies, "a.csv.gz", gzip.compress(HEADER.encode(), mtime=0)[:-5], "is it truncated"),
    (read_hierarchies, "a.xlsx", "PK", "unknown kind of hierarchy file"),
    (read_captions, "a.csv", WORDS + f"{URL},a duck, on a beach\n", "line 2: found 3 fields, exp"),
    (read_captions, "a.csv", WORDS + f"{URL},a duck\n{URL}\n", "line 3: found 1 fields"),
    (read_captions, "a.csv", WORDS + f'{URL},a duck\n{URL},"a" duck\n', "line 3: not a valid"),
    (read_captions, "a.csv", WORDS + f'{URL},"a duck\n{URL},a car"\n', "looks like the next row"),
    (read_captions, "a.csv", WORDS + f'{URL},"a duck\n', "line 2: not a valid"),
    (read_captions, "a.csv", WORDS + "a red duck,on a beach\n", "for the image"),
    (read_captions, "a.csv", WORDS.replace(",", ";"), "parted by semicolons"),
    (read_captions, "a.csv", WORDS.replace(",", "\t"), "parted by tabs"),
    (read_captions, "a.csv", "image,caption,caption\n", "'caption' is there twice"),
    (read_captions, "a.csv", "image,text\n", "no column 'caption'; found 'image, text'"),
    (read_captions, "a.csv", "", "the file is empty"),
    (read_captions, "a.csv", WORDS.encode() + b"1.jpg,caf\xe9\n", "expected UTF-8"),
    (read_captions, "a.csv", WORDS + f'{URL},"{"a" * 200_000}"\n', "field larger than"),
    (swapped_columns, "a.csv", WORDS + f"{URL},a red duck\n", "for the image"),
    (url_captions, "a.csv", WORDS + f"{URL},duck\n", "in 1 of 1 rows"),
    (conceptual, "a.tsv", f"a duck\t{URL}\ta note\n", "line 1: found 3 fields"),
    (conceptual, "a.tsv", f"a duck\t{URL}\ta\tb\n", "line 1: found 4 fields"),
    (conceptual, "a.tsv", "a duck\n", "line 1: found 1 fields"),
    (conceptual, "a.tsv", "a duck\ta car\n", "expected a row of Conceptual Captions"),
    (conceptual, "a.tsv", f"a duck\t{URL}\na duck\t{URL}\tx\n", "line 2: found 3 fields"),
    (conceptual, "a.tsv", f"a duck\t{URL}\n{URL}\ta duck\n", "line 2: found 'a duck' for the add"),
    (conceptual, "a.tsv", b"caf\xe9\thttp://x.org/1.jpg\n", "expected UTF-8"),
    (coco, "a.json", "[]", "not COCO's caption annotations"),
    (coco, "a.json", "{", "cannot be read as JSON"),
    (coco, "a.json", '{"images": [{"id": 1}], "annotations": []}', "images has no 'file_name'"),
    (coco, "a.json", '{"images": [1], "annotations": []}', "number 1 of images has no 'id'"),
    (
        coco, "a.json",
        json.dumps({"images": [{"id": 1, "file_name": "a"}] * 2, "annotations": []}),
        "image 1 is given twice",
    ),
    (
        coco, "a.json",
        json.dumps({"images": [], "annotations": [{"image_id": 1, "caption": 7}]}),
        "annotations has '7' for 'caption'",
    ),
    (
        coco, "a.json",
        json.dumps({"images": [], "annotations": [{"image_id": 1, "caption": "x"}]}),
        "annotation 1: names image 1",
    ),
    (captions_of_images, "a.csv", WORDS + "1.jpg,a duck, on a beach\n", "line 2: found 3 fields"),
    (captions_of_images, "a.csv", WORDS + "1.jpg,\n", "line 2: expected an image and a caption"),
    (captions_of_images, "a.csv", WORDS + ",a duck\n", "line 2: expected an image and a caption"),
    (captions_of_images, "a.csv", WORDS + "a red duck,1.jpg\n", "have the columns shifted"),
    (captions_of_images, "a.csv", WORDS + "b/1.jpg,a duck\n", "expected a bare file name"),
    (captions_of_images, "a.csv", WORDS + "b\\1.jpg,a duck\n", "expected a bare file name"),
    (captions_of_images, "a.csv", WORDS, "found no rows"),
    (
        captions_of_images, "a.json",
        json.dumps({"images": [{"id": 1, "file_name": "a.jpg"}],
                    "annotations": [{"image_id": 1, "caption": None}]}),
        "annotation 1: expected an image and a caption, found a null caption",
    ),
    (read_superclasses, "a.csv", "class,superclass\nduck,bird,animal\n", "line 2: found 3 fields"),
    (read_superclasses, "a.csv", "class,superclass\nduck\n", "line 2: found 1 fields"),
    (read_superclasses, "a.csv", "class,superclass\nduck, \n", "line 2: expected a class and"),
    (read_superclasses, "a.csv", "class,superclass\na,b\na,c\n", "line 3: class 'a' has"),
    (read_superclasses, "a.csv", "class\n", "no column 'superclass'"),
    (read_downloads, "a.csv", "file,url\n", "expected file,url,member"),
    (
        read_downloads, "a.csv",
        "file,url,member,archive_sha256,sha256\ndata/published/a,https://x\n",
        "line 2: found 2 fields, expected 5",
    ),
    (read_hyperlex, "a.txt", "WORD1 WORD2 POS TYPE AVG_SCORE\na b N hyp nan\n", "line 2: found"),
    (read_hyperlex, "a.txt", "WORD1 WORD2 POS TYPE AVG_SCORE\na b c N hyp 1\n", "line 2: found"),
    (read_hyperlex, "a.txt", "WORD1 WORD2 POS TYPE AVG_SCORE\na b N hyp 60\n", "line 2: found"),
]  # fmt: skip


def one_sentence(read: Callable[[], Any], place: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        read()
    assert message in str(error.value)
    assert place in str(error.value)
    assert "\n" not in str(error.value)
    assert "\x1b" not in str(error.value)
    assert "weights_only" not in str(error.value)


@pytest.mark.parametrize(("read", "name", "content", "message"), TABLES)
def test_a_bad_table_is_refused_by_its_line(tmp_path, read, name, content, message):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    one_sentence(lambda: read(path), name, message)


@pytest.mark.parametrize("read", sorted({row[0] for row in TABLES}, key=lambda read: read.__name__))
def test_a_table_that_is_not_there_is_named(tmp_path, read):
    path = tmp_path / "absent.csv"
    one_sentence(lambda: read(path), "absent.csv", "")


def picture(side: tuple[int, int], mode: str = "1") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, side).save(buffer, "PNG")
    return buffer.getvalue()


def noise(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((40, 40), 99).save(buffer, kind)
    return buffer.getvalue()


TIERS = [["a", "b", "c", "d"]]
# (reader, columns, what the sentence says)
STORES: list[tuple[Reader, dict[str, Any], str]] = [
    (open_images, {"name": ["a.png"], "image": [1]}, "image (int64)"),
    (open_images, {"name": [7], "image": [b""]}, "name (int64)"),
    (open_images, {"name": ["a.png"], "pixels": [b""]}, "expected 'name' (text) and 'image'"),
    (open_images, {"image": [b""]}, "expected 'name' (text) and 'image'"),
    (open_images, {"name": ["a.png"], "image": ["text"]}, "image (string)"),
    (open_images, {"name": ["a.png"], "image": [{"path": "a"}]}, "image (struct<path: string>)"),
    (open_images, {"name": ["a.png", None], "image": [b"", b""]}, "row 2: has no name"),
    (open_images, {"name": ["", "a.png"], "image": [b"", b""]}, "row 1: has no name"),
    (open_images, {"name": ["a.png"] * 2, "image": [b"", b""]}, "row 2: name 'a.png' occurs twice"),
    (open_images, {"image": [{"bytes": b"", "path": None}] * 2}, "found columns"),
    (read_captions, {"caption": [b"a duck"]}, "column 'caption' holds binary, expected texts"),
    (read_captions, {"caption": [["a duck"]]}, "column 'caption' holds list"),
    (read_captions, {"caption": [1.5]}, "column 'caption' holds double"),
    (read_captions, {"caption": ["a duck"], "image": [7]}, "column 'image' holds int64"),
    (read_captions, {"text": ["a duck"]}, "no column 'caption'"),
    (
        read_hierarchies,
        {"id": ["0"], "tiers": TIERS, "image": [0], "negatives": [None]},
        "column 'image' holds int64",
    ),
    (
        read_hierarchies,
        {"id": ["0"], "tiers": ["abcd"], "image": ["a.png"], "negatives": [None]},
        "column 'tiers' holds string, expected lists",
    ),
    (
        read_hierarchies,
        {"id": [None, "1"], "tiers": TIERS * 2, "image": ["a.png"] * 2, "negatives": [None] * 2},
        "row 1: the id is null",
    ),
    (read_hierarchies, {"id": ["0"], "tiers": TIERS}, "column 'image' is missing"),
]


@pytest.mark.parametrize(("read", "columns", "message"), STORES)
def test_a_bad_store_is_refused_by_its_column_or_row(tmp_path, read, columns, message):
    path = tmp_path / "store.parquet"
    pq.write_table(pa.table(columns), path)
    one_sentence(lambda: read(path), "store.parquet", message)


# What is wrong: (content of x.png, what the sentence says)
PICTURES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not an image"),
    "a page": (b"<html>404</html>", "not an image"),
    "a header": (noise("PNG")[:20], "x.png"),
    "half a PNG": (noise("PNG")[:600], "is it truncated"),
    "half a JPEG": (noise("JPEG")[:600], "is it truncated"),
    "a broken chunk": (noise("PNG").replace(b"IDAT", b"IDAX"), "not an image"),
    "a strip": (picture((40_000, 1)), "strip of 40000 x 1 pixels"),
    "195 megapixels": (picture((15_000, 13_000)), "too large"),
}


@pytest.mark.parametrize("fault", PICTURES)
@pytest.mark.parametrize("kind", ["folder", "parquet"])
def test_a_bad_picture_is_named(tmp_path, kind, fault):
    content, message = PICTURES[fault]
    path = tmp_path if kind == "folder" else tmp_path / "store.parquet"
    if kind == "folder":
        (tmp_path / "x.png").write_bytes(content)
    else:
        pq.write_table(pa.table({"name": ["x.png"], "image": [content]}), path)
    one_sentence(lambda: open_images(path)["x.png"], "x.png", message)


def test_a_null_picture_is_named(tmp_path):
    path = tmp_path / "store.parquet"
    columns = {"name": ["a.png", "b.png"], "image": [b"", None]}
    pq.write_table(pa.table(columns), path)
    one_sentence(lambda: open_images(path)["b.png"], "b.png", "the image is null")


class Callback:
    """What a training script leaves in its checkpoints."""


def saved(content: Any, *, as_archive: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=as_archive)
    return buffer.getvalue()


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("model/weights.txt", "1")
    return buffer.getvalue()


def scripted() -> bytes:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), buffer)
    return buffer.getvalue()


STATE = {"w": torch.arange(100.0)}
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0a\nsize 598641023\n"
# (name of the file, its bytes, what the sentence says)
WEIGHTS: list[tuple[str, bytes, str]] = [
    ("a.safetensors", b"", "is empty"),
    ("a.safetensors", POINTER, "is a pointer of Git LFS, not the file itself"),
    ("a.safetensors", b"<!DOCTYPE html><p>404", "is a web page"),
    ("a.safetensors", save(STATE)[:-1], "is cut off, 471 bytes of at least 472"),
    ("a.safetensors", save(STATE)[:30], "is cut off, 30 bytes of at least 72"),
    ("a.safetensors", save(STATE)[:5], "is no whole safetensors file"),
    ("a.safetensors", save(STATE).replace(b"F32", b"F3\xff"), "is no whole safetensors file"),
    ("a.safetensors", saved(STATE), "is a file of torch under another name"),
    ("a.bin", save(STATE), "is a safetensors file under another name"),
    ("a.gguf", b"GGUF\3\0\0\0{" + b"\0" * 60, "not a file of tensors and plain values"),
    ("a.bin", POINTER, "fetch it with 'git lfs pull'"),
    ("a.pt", b"", "is empty"),
    ("a.pt", b"\n<html><body>Sign in", "is a web page"),
    ("a.pt", saved(STATE)[:-50], "is cut off or damaged"),
    ("a.pt", saved(STATE, as_archive=False)[:-50], "cannot be read"),
    ("a.pt", zipped(), "is no checkpoint of torch"),
    ("a.pt", scripted(), "is a TorchScript archive, which brings code of its own"),
    ("a.pt", saved({"state_dict": STATE, "hook": Callback()}), "plain values (test_bad_inputs.Cal"),
    ("a.pt", saved({"hook": Callback()}, as_archive=False), "values (test_bad_inputs.Callback)"),
    ("a.pt", saved(torch.nn.Linear(2, 2)), "holds objects besides tensors"),
    ("a.pt", pickle.dumps({"w": 1}, protocol=5), "not a file of tensors and plain values"),
    ("a.pt", saved({"epoch": 3}), "found no state dict ('epoch' is no tensor)"),
    ("a.pt", saved([torch.ones(1)]), "found no state dict, expected one"),
    ("a.pt", b"\x00" * 80, "cannot be read"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "message"), WEIGHTS, ids=[f"{row[0]}-{row[2][:30]}" for row in WEIGHTS]
)
def test_bad_weights_are_named_by_their_cause(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    one_sentence(lambda: read_state(path), name, message)


def hidden_only(folder: Path) -> None:
    (folder / "duck").mkdir()
    (folder / "duck" / ".DS_Store").write_bytes(b"")


def folder_in_a_class(folder: Path) -> None:
    (folder / "duck" / "more").mkdir(parents=True)


def broken_link(folder: Path) -> None:
    (folder / "duck").mkdir()
    (folder / "duck" / "0.jpg").symlink_to(folder / "nowhere.jpg")


def no_class(folder: Path) -> None:
    (folder / "__MACOSX").mkdir()
    (folder / "0.jpg").write_bytes(b"")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (hidden_only, "duck: the class has no image"),
        (folder_in_a_class, "more: found a folder or a broken link"),
        (broken_link, "0.jpg: found a folder or a broken link"),
        (no_class, "found no folder of a class"),
    ],
)
def test_a_bad_folder_of_classes_is_named(tmp_path, make, message):
    make(tmp_path)
    one_sentence(lambda: labelled_files(tmp_path), str(tmp_path), message)


def test_where_no_caption_is_usable_the_reasons_are_counted(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(WORDS + f"1.jpg,a duck\n2.jpg,\n2.jpg,A duck.\n3.jpg,!\n{URL},x.jpg\n")
    limits = {**LIMITS, "min_words": 3}
    sources = [{"path": path, "kind": "table"}]
    one_sentence(
        lambda: make_captions(sources, ["1.jpg"], limits, tmp_path / "o", tmp_path / "c"),
        "a.csv",
        "no usable caption is left, of 5 (2 test_image, 2 empty, 1 too_short)",
    )
    assert [each.name for each in tmp_path.iterdir()] == ["a.csv"]
