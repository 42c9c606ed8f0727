"""Images beside the test set: names, sources, and one sentence for what is broken."""

import numpy as np
import pytest
from PIL import Image

from hierarcaps.data.image_sets import (
    CIFAR10_ANIMALS,
    CIFAR10_VEHICLES,
    CIFAR_PIXELS,
    ImageSet,
    cifar_superclasses,
    content_sha256,
    join_stores,
    labelled_files,
)
from hierarcaps.data.images import open_images
from hierarcaps.models.embedding_needs import EmbeddingNeeds, read_needs, write_needs
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import sha256_file


@pytest.fixture
def folder(tmp_path):
    for name, colour in (("duck/1.png", "yellow"), ("duck/2.png", "white"), ("car/1.png", "red")):
        path = tmp_path / "animals" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), colour).save(path)
    return tmp_path / "animals"


def test_class_folders(folder):
    rows = labelled_files(folder)
    assert rows == [("car/1.png", "car"), ("duck/1.png", "duck"), ("duck/2.png", "duck")]
    store = ImageSet("zoo", str(folder), tuple(file for file, _ in rows)).open()
    assert store.names == ("zoo/car/1.png", "zoo/duck/1.png", "zoo/duck/2.png")
    assert store["zoo/duck/1.png"].getpixel((0, 0)) == (255, 255, 0)
    assert "zoo/duck/1.png" in store
    assert "duck/1.png" not in store
    assert len(store) == 3
    with pytest.raises(InputError, match=r"no image named 'zoo/\.\./secret\.png'"):
        store["zoo/../secret.png"]


def test_what_programs_leave_is_neither_class_nor_image(folder):
    expected = labelled_files(folder)
    for name in (".ipynb_checkpoints/1.png", "__MACOSX/1.png", "duck/Thumbs.db", "duck/._1.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"")
    (folder / ".DS_Store").write_bytes(b"")
    assert labelled_files(folder) == expected
    assert "Thumbs.db" not in open_images(folder / "duck")
    assert len(open_images(folder / "duck")) == 2


def test_a_class_without_images_is_an_error(folder):
    (folder / "owl").mkdir()
    with pytest.raises(InputError, match="owl: the class has no image"):
        labelled_files(folder)


def test_missing_folders_and_truncated_images_are_named(folder, tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        labelled_files(tmp_path / "nowhere")
    with pytest.raises(InputError, match="found no folder of a class"):
        labelled_files(folder / "duck")
    path = folder / "duck" / "1.png"
    path.write_bytes(path.read_bytes()[:45])
    with pytest.raises(InputError, match=r"duck.1\.png: .*truncated"):
        ImageSet("zoo", str(folder), ("duck/1.png",)).open()["zoo/duck/1.png"]


def test_sets_are_joined_and_their_needs_survive_a_file(folder, tmp_path):
    sets = (ImageSet("a", str(folder), ("duck/1.png",)), ImageSet("b", str(folder), ("car/1.png",)))
    write_needs(tmp_path / "needs.json", EmbeddingNeeds(("a duck", "ein Bär"), sets))
    needs = read_needs(tmp_path / "needs.json")
    assert needs == EmbeddingNeeds(("a duck", "ein Bär"), sets)
    store = needs.images()
    assert store.names == ("a/duck/1.png", "b/car/1.png")
    assert store["b/car/1.png"].getpixel((0, 0)) == (255, 0, 0)
    assert ("b/car/1.png" in store, "b/duck/1.png" in store, len(store)) == (True, False, 2)
    assert join_stores(()) is None
    (tmp_path / "needs.json").write_text("[]")
    with pytest.raises(InputError, match="not a list of texts and images"):
        read_needs(tmp_path / "needs.json")


def _write_cifar100(folder, coarse, fine):
    folder.mkdir()
    pixels = np.zeros((len(fine), CIFAR_PIXELS), dtype=np.uint8)
    pixels[:, :1024] = 200  # the red plane comes first
    records = np.hstack([np.array([coarse, fine], dtype=np.uint8).T, pixels])
    (folder / "test.bin").write_bytes(records.tobytes())
    (folder / "coarse_label_names.txt").write_text("fish\nflowers\n")
    (folder / "fine_label_names.txt").write_text("ray\nrose\nshark\n")
    return folder


def test_cifar_binary_files_have_both_labels(tmp_path):
    source = _write_cifar100(tmp_path / "cifar", coarse=[1, 0, 0], fine=[1, 2, 0])
    assert labelled_files(source) == [("0", "rose"), ("1", "shark"), ("2", "ray")]
    assert cifar_superclasses(source) == {"rose": "flowers", "shark": "fish", "ray": "fish"}
    store = ImageSet("cifar", str(source), ("0", "2")).open()
    assert store["cifar/2"].size == (32, 32)
    assert store["cifar/2"].getpixel((31, 31)) == (200, 0, 0)


def test_cifar10_has_the_usual_two_superclasses(tmp_path):
    source = tmp_path / "cifar10"
    source.mkdir()
    (source / "test_batch.bin").write_bytes(bytes([3]) + b"\0" * CIFAR_PIXELS)
    names = (*CIFAR10_ANIMALS, *CIFAR10_VEHICLES)
    (source / "batches.meta.txt").write_text("\n".join(sorted(names)) + "\n\n")
    assert labelled_files(source) == [("0", "cat")]
    above = cifar_superclasses(source)
    assert (above["ship"], above["frog"], len(above)) == ("vehicle", "animal", 10)
    (source / "batches.meta.txt").write_text("a b c unicorn")
    with pytest.raises(InputError, match="class 'a' is none of CIFAR-10's"):
        cifar_superclasses(source)


def test_the_hash_of_a_set_is_that_of_its_content(tmp_path, folder):
    rows = labelled_files(folder)
    assert content_sha256(folder, rows) == content_sha256(folder, rows)
    assert content_sha256(folder, rows) != content_sha256(folder, rows[:2])
    cifar = _write_cifar100(tmp_path / "cifar", coarse=[1, 0], fine=[1, 2])
    assert content_sha256(cifar, []) == sha256_file(cifar / "test.bin")


def test_broken_cifar_files_are_named(tmp_path):
    source = _write_cifar100(tmp_path / "cifar", coarse=[1], fine=[7])
    with pytest.raises(InputError, match=r"3 names, but .* has label 7"):
        labelled_files(source)
    (source / "test.bin").write_bytes(b"\0" * 100)
    with pytest.raises(InputError, match="is the file truncated"):
        labelled_files(source)
