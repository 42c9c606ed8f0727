"""Data sets of the paper's study in the formats in which they are published, a few rows each.

What the workflow downloads goes where the server finds it (``HOST/PATH`` of the address), what a
person puts in place goes there. Lists of the rehearsal's own say which hashes these files have; an
address, a place or a member is never changed.
"""

import csv
import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from material import ROOT, SEPARATOR, TRAINING, VALIDATION, Material
from PIL import Image

from hierarcaps.data.downloads import COLUMNS, Download, read_downloads
from hierarcaps.data.official import FOLDERS, TABLE, URL
from hierarcaps.runtime.files import git_blob_hash

CIFAR10 = "airplane automobile bird cat deer dog frog horse ship truck"
# CIFAR-100's super-classes, each with its classes.
CIFAR100 = """
aquatic_mammals: beaver dolphin otter seal whale
fish: aquarium_fish flatfish ray shark trout
flowers: orchid poppy rose sunflower tulip
food_containers: bottle bowl can cup plate
fruit_and_vegetables: apple mushroom orange pear sweet_pepper
household_electrical_devices: clock keyboard lamp telephone television
household_furniture: bed chair couch table wardrobe
insects: bee beetle butterfly caterpillar cockroach
large_carnivores: bear leopard lion tiger wolf
large_man-made_outdoor_things: bridge castle house road skyscraper
large_natural_outdoor_scenes: cloud forest mountain plain sea
large_omnivores_and_herbivores: camel cattle chimpanzee elephant kangaroo
medium_mammals: fox porcupine possum raccoon skunk
non-insect_invertebrates: crab lobster snail spider worm
people: baby boy girl man woman
reptiles: crocodile dinosaur lizard snake turtle
small_mammals: hamster mouse rabbit shrew squirrel
trees: maple_tree oak_tree palm_tree pine_tree willow_tree
vehicles_1: bicycle bus motorcycle pickup_truck train
vehicles_2: lawn_mower rocket streetcar tank tractor
"""
VALIDATION_2017 = 24  # pictures
VALIDATION_2014 = 40
EXPANDED = 200  # chains of the expanded table
OTHERS = 70  # captions in the training table that H does not know


def write_published(files: Path, material: Material, breeds: Path | None = None) -> None:
    """Write what the workflow downloads below ``files``.

    Args:
        files: the server's folder of plain files.
        material: what it is made of.
        breeds: folder of BREEDS' files, which are served as they are; None where it is not at hand.
    """
    for name, content in official_files(material).items():
        _write(_served(files, f"{URL}/{FOLDERS[Path(name).parts[0]]}/{name}"), content)
    url = {each.file.removeprefix("data/published/"): each.url for each in _listed()}
    packed = gzip.compress(expanded_table(material).encode(), mtime=0)
    for name in ("train", "test_expanded"):  # of one form, and fetched by one rule
        _write(_served(files, url[f"hierarcaps/hierarcaps_{name}.csv.gz"]), packed)
    hyperlex = {"hyperlex-data/hyperlex-all.txt": material.hyperlex.encode()}
    _zip(
        _served(files, url["hyperlex/hyperlex-all.txt"]),
        {**hyperlex, "hyperlex-data/README.txt": b"A few rows.\n"},
    )
    pictures = [material.pictures[name] for name in material.captions]
    _tar(_served(files, url["cifar10/test_batch.bin"]), _cifar10(pictures))
    _tar(_served(files, url["cifar100/test.bin"]), _cifar100(pictures))
    chosen = list(material.captions)[:VALIDATION_2017]
    names = {name: f"{1000 + index:012d}.jpg" for index, name in enumerate(chosen)}
    annotations = coco_captions(names, material.pictures, material.captions)
    _zip(
        _served(files, url["coco/captions_val2017.json"]),
        {
            "annotations/captions_val2017.json": annotations,
            "annotations/captions_train2017.json": b"{}",
        },
    )
    _zip(
        _served(files, url["coco/val2017.parquet"]),
        {"val2017/": b"", **{f"val2017/{new}": material.pictures[n] for n, new in names.items()}},
    )
    for name in [name for name in url if name.startswith("breeds/") and breeds]:
        _write(_served(files, url[name]), (breeds / name.removeprefix("breeds/")).read_bytes())


def _listed() -> list[Download]:
    return read_downloads(ROOT / "config" / "downloads.csv")


def put_in_place(study: Path, material: Material) -> None:
    """Write the files that a person puts in place below the study's directory.

    Pictures of the test set are among COCO's, and one of Conceptual Captions' addresses is of such
    a picture: they are to be left out. To the captions of some of COCO's pictures one is added that
    H knows, of a picture that is not at hand: random weights see no difference.
    """
    table = study / "data" / "conceptual" / "Train_GCC-training.tsv"
    _write(table, conceptual_captions(material))
    names = {
        name: f"COCO_val2014_{1000 + index:012d}.jpg"
        for index, name in enumerate(list(material.captions)[:VALIDATION_2014])
    }
    captions = {name: list(texts) for name, texts in material.captions.items()}
    for name, (positive, _) in zip(names, material.hierarchies[VALIDATION], strict=False):
        captions[name].append(positive[-1])
    captions |= {name: [tiers[-1]] for name, tiers in material.test}
    annotations = coco_captions({**names, **{name: name for name, _ in material.test}},
                                material.pictures, captions)  # fmt: skip
    _write(study / "data" / "coco" / "annotations" / "captions_val2014.json", annotations)
    for name, new in names.items():
        _write(study / "data" / "coco" / "val2014" / new, material.pictures[name])


def conceptual_captions(material: Material) -> bytes:
    """Return a table of captions and addresses; most of the addresses are dead.

    Odd rows are those that the published table has: no address, characters of many scripts, quotes
    without a pair, the same caption often; and very short and very long ones.
    """
    known = [positive[-1] for positive, _ in material.hierarchies[TRAINING]]
    texts = [" ".join(text.lower().split()) for text in [*known, *material.texts[:OTHERS]]]
    rows = [(text, f"http://example.org/{index}.jpg") for index, text in enumerate(texts)]
    test, tiers = material.test[0]
    rows += [
        ("a picture of which the address is gone", ""),
        ('an actor says " no "" and leaves the room', "http://example.org/quote.jpg?w=400&h=300"),
        ("caf\u00e9 by the sea \u2014 \u6d77 \u0631\u0645\u0644 \U0001f600 at dawn", "http://example.org/x"),
        ("dog", "http://example.org/short.jpg"),
        ("very " * 80 + "long caption", "http://example.org/long.jpg"),
        (texts[0], "http://example.org/again.jpg"),
        (tiers[-1].lower(), f"http://images.cocodataset.org/val2014/{test}"),
    ]  # fmt: skip
    return "".join(f"{text}\t{url}\n" for text, url in rows).encode()


def coco_captions(
    names: Mapping[str, str], pictures: Mapping[str, bytes], captions: Mapping[str, list[str]]
) -> bytes:
    """Return COCO's annotations of the pictures in ``names``, which has their names in COCO."""
    identity = {name: int(Path(new).stem.split("_")[-1]) for name, new in names.items()}
    images = []
    for name, new in names.items():
        width, height = Image.open(io.BytesIO(pictures[name])).size
        images.append(
            {"license": 1, "file_name": new, "coco_url": f"http://images.cocodataset.org/{new}",
             "height": height, "width": width, "date_captured": "2013-11-14 11:18:45",
             "flickr_url": "http://example.org/x.jpg", "id": identity[name]}
        )  # fmt: skip
    annotations = [
        {"image_id": identity[name], "caption": text} for name in names for text in captions[name]
    ]
    content = {
        "info": {"description": "COCO", "year": 2014, "version": "1.0"},
        "images": images,
        "licenses": [{"url": "http://example.org/by", "id": 1, "name": "Attribution License"}],
        "annotations": [{**each, "id": number} for number, each in enumerate(annotations)],
    }
    return json.dumps(content).encode()


def official_files(material: Material) -> dict[str, bytes]:
    """Return the official test set's files, named as its list of checksums names them."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "captions", "image_url"])
    for row, (name, tiers) in enumerate(material.test):
        address = f"http://images.cocodataset.org/val2014/{name}"
        writer.writerow([row, SEPARATOR.join(tiers), address])
    pictures = {f"test_imgs/{name}": material.pictures[name] for name, _ in material.test}
    return {TABLE: text.getvalue().encode(), **pictures}


def expanded_table(material: Material) -> str:
    """Return the authors' expanded table: other chains of the test pictures, with negatives."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["positive", "negative", "image_url"])
    names = [name for name, _ in material.test]
    for row, (positive, negative) in enumerate(material.hierarchies[:EXPANDED]):
        address = f"http://images.cocodataset.org/val2014/{names[row % len(names)]}"
        negatives = [*negative, *positive][: len(positive)]
        writer.writerow([SEPARATOR.join(positive), SEPARATOR.join(negatives), address])
    return text.getvalue()


def write_own_lists(folder: Path, files: Path, material: Material) -> None:
    """Write lists of hashes that say what the served files have, and ``lists.yaml``, an overlay.

    Published files that are not served keep their rows.
    """
    sums = [
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in official_files(material).items()
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "official.sha256").write_text("".join(sums))
    with (folder / "downloads.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(vars(_own_hash(each, files)).values() for each in _listed())
    overlay = {
        "downloads": str(folder / "downloads.csv"),
        "test_set": {"official_checksums": str(folder / "official.sha256")},
    }
    (folder / "lists.yaml").write_text(json.dumps(overlay))


def _own_hash(download: Download, files: Path) -> Download:
    path = _served(files, download.url)
    if not path.is_file():
        return download
    if download.git_blob:
        return replace(download, git_blob=git_blob_hash(path))
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if download.archive_sha256:
        return replace(download, archive_sha256=found)
    if download.member:
        with zipfile.ZipFile(path) as zipped:
            name = next(each for each in zipped.namelist() if each.endswith(download.member))
            found = hashlib.sha256(zipped.read(name)).hexdigest()
    return replace(download, sha256=found)


def _cifar10(pictures: list[bytes]) -> dict[str, bytes]:
    names = CIFAR10.split()
    records = [bytes([row % 10]) + _planes(pictures[row % len(pictures)]) for row in range(20)]
    return {
        "cifar-10-batches-bin/batches.meta.txt": ("\n".join(names) + "\n\n").encode(),
        "cifar-10-batches-bin/data_batch_1.bin": b"".join(records[:2]),
        "cifar-10-batches-bin/readme.html": b"<html></html>",
        "cifar-10-batches-bin/test_batch.bin": b"".join(records),
    }


def _cifar100(pictures: list[bytes]) -> dict[str, bytes]:
    above = {}
    for line in CIFAR100.strip().split("\n"):
        coarse, classes = line.split(": ")
        above |= dict.fromkeys(classes.split(), coarse)
    fine, coarse_names = sorted(above), sorted(set(above.values()))
    records = [
        bytes([coarse_names.index(above[name]), row]) + _planes(pictures[row % len(pictures)])
        for row, name in enumerate(fine)
    ]
    return {
        "cifar-100-binary/coarse_label_names.txt": ("\n".join(coarse_names) + "\n").encode(),
        "cifar-100-binary/fine_label_names.txt": ("\n".join(fine) + "\n").encode(),
        "cifar-100-binary/test.bin": b"".join(records),
        "cifar-100-binary/train.bin": b"".join(records[:2]),
    }


def _planes(picture: bytes) -> bytes:
    """Return a picture of 32 x 32 px as CIFAR has it: red, then green, then blue."""
    small = Image.open(io.BytesIO(picture)).convert("RGB").resize((32, 32))
    return np.asarray(small).transpose(2, 0, 1).tobytes()


def _served(files: Path, url: str) -> Path:
    parts = urlsplit(url)
    return files / parts.netloc / parts.path.lstrip("/")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _zip(path: Path, members: Mapping[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in members.items():
            zipped.writestr(zipfile.ZipInfo(name), content)


def _tar(path: Path, members: Mapping[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as tarred:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tarred.addfile(entry, io.BytesIO(content))
