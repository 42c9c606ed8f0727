"""The rehearsal of the paper's study is all of that study, only smaller, and its stand-ins load.

What is made here is of the drawn world; the rehearsal itself is `make rehearsal`.
"""

import io
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dual_stand_ins
import pytest
import text_stand_ins
import torch
import yaml
from job_table import job_counts
from material import ROOT, Material, drawn_material
from PIL import Image
from published import official_files, put_in_place, write_own_lists, write_published
from rehearse import PAPER, REHEARSAL, command, environment

from hierarcaps.data.captions import conceptual_parts, read_coco
from hierarcaps.data.downloads import fetch_downloads, read_downloads
from hierarcaps.data.image_sets import cifar_superclasses, labelled_files
from hierarcaps.data.official import fetch_test_set
from hierarcaps.generation.seq2seq import HierarchyModel
from hierarcaps.models.registry import load_model
from hierarcaps.nli.model import NLIModel
from hierarcaps.runtime.params import merge

CANARIES = {"entailment": ["a man is sleeping", "a person is sleeping"]}


def _numbers(overlay: Any, base: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield each leaf of an overlay: its key, its value and the value that it replaces."""
    if isinstance(overlay, dict):
        for name, value in overlay.items():
            yield from _numbers(value, base[name], f"{key}.{name}")
    else:
        yield key, overlay, base


def test_it_changes_counts_alone():
    read = [yaml.safe_load(path.read_text()) for path in (ROOT / "params.yaml", PAPER, REHEARSAL)]
    paper = merge(read[0], read[1])
    leaves = list(_numbers(read[2], paper))
    assert len(leaves) > 10
    for key, value, before in leaves:
        if isinstance(value, list):  # of seeds
            assert value == before[: len(value)], key
            assert 0 < len(value) < len(before), key
        else:
            assert {type(value), type(before)} == {int}, key
            assert 0 < value < before, key


@pytest.fixture(scope="module")
def material() -> Material:
    return drawn_material(tests=4, pictures=30)


@pytest.fixture(scope="module")
def made(material, tmp_path_factory) -> Path:
    """All but the models."""
    folder = tmp_path_factory.mktemp("made")
    write_published(folder / "files", material)
    write_own_lists(folder, folder / "files", material)
    put_in_place(folder / "placed", material)
    (folder / "placed" / "models").mkdir()
    (folder / "placed" / "models" / "meru_vit_b.pth").touch()
    return folder


def test_every_rule_of_the_papers_plan_is_in_the_rehearsals(made):
    def rules(*overlays: Path) -> set[str]:
        run = command(made / "placed", overlays, "--cores", "2", "--dry-run", "--", "all")
        plan = subprocess.run(
            run, env=environment(made, {}), capture_output=True, text=True, check=True
        )
        return set(job_counts(plan.stdout))

    papers = rules(PAPER)
    assert len(papers) > 30
    assert papers == rules(PAPER, REHEARSAL, made / "lists.yaml")


def test_who_is_asked_beyond_the_loopback_is_noted(tmp_path):
    contacts = tmp_path / "contacts.txt"
    variables = environment(tmp_path, {"REHEARSAL_CONTACTS": str(contacts)})
    script = (
        "import socket, sys\n"
        "with socket.socket(type=socket.SOCK_DGRAM) as asking:\n"  # sends nothing
        "    asking.connect((sys.argv[1], 80))\n"
    )
    for host in ("127.0.0.1", "192.0.2.1"):
        subprocess.run([sys.executable, "-c", script, host], env=variables, check=False)
    assert contacts.read_text() == "192.0.2.1, asked by -c 192.0.2.1\n"


def test_published_files_are_read_by_the_code_that_reads_the_real_ones(
    material, made, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HIERARCAPS_MIRROR", (made / "files").as_uri())
    monkeypatch.delenv("HIERARCAPS_DATA", raising=False)
    listed = read_downloads(made / "downloads.csv")
    fetch_downloads([each for each in listed if "cifar" in each.file or "coco" in each.file])
    assert len(labelled_files("data/published/cifar100")) == 100
    assert len(set(cifar_superclasses("data/published/cifar100").values())) == 20
    assert set(cifar_superclasses("data/published/cifar10").values()) == {"animal", "vehicle"}
    assert len(read_coco("data/published/coco/captions_val2017.json")) == 24 * 5
    fetch_test_set(made / "official.sha256", "test.csv", "test.parquet")
    assert Path("test.csv").read_bytes() == official_files(material)["hierarcaps_test.csv"]
    placed = made / "placed" / "data"
    (table,) = conceptual_parts(placed / "conceptual" / "Train_GCC-training.tsv")
    assert None in table.columns["image"]
    assert len(table) > 150
    images = read_coco(placed / "coco" / "annotations" / "captions_val2014.json").columns["image"]
    assert {name for name, _ in material.test} <= set(images)


@pytest.mark.parametrize("write", [dual_stand_ins.write_align, dual_stand_ins.write_siglip])
def test_encoders_of_transformers_load(write, material, tmp_path):
    write(tmp_path, material.texts)
    encoder = load_model({"transformers": str(tmp_path)}, device="cpu")
    picture = Image.open(io.BytesIO(next(iter(material.pictures.values()))))
    with torch.inference_mode():
        texts = encoder.encode_text(encoder.tokenise(["a duck", ""]))
        images = encoder.encode_image(encoder.preprocess(picture)[None])
    assert texts.shape[1] == images.shape[1]


def test_a_large_open_clip_loads_by_its_tag_beside_narrowed_configurations(material, hub, tmp_path):
    repository = "timm/vit_large_patch14_clip_224.openai"
    dual_stand_ins.write_open_clip(hub.root / "hub" / repository, "ViT-L-14", "openai")
    dual_stand_ins.narrow_open_clip(tmp_path / "stand-ins" / "packages")
    script = (
        "from hierarcaps.models.registry import load_model\n"
        "model = load_model({'open_clip': 'ViT-L-14', 'pretrained': 'openai'}, device='cpu')\n"
        "print(model.provenance()['activation'], len(model.model.transformer.resblocks))\n"
        "print(*model.encode_text(model.tokenise(['a duck'])).shape)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False,
        env=environment(tmp_path, {"HF_ENDPOINT": hub.endpoint}),
    )  # fmt: skip
    assert done.stdout.split("\n")[-2] == f"1 {768 // dual_stand_ins.NARROW}", done.stderr
    assert "QuickGELU" in done.stdout
    assert done.stdout.split("\n")[-3].endswith(" 12")


def test_the_judge_loads_as_it_is_published_and_asks_nobody_to_convert_it(
    material, hub, monkeypatch
):
    monkeypatch.setattr(text_stand_ins, "JUDGE_STEPS", 1)
    monkeypatch.delenv("DISABLE_SAFETENSORS_CONVERSION", raising=False)
    folder = hub.root / "hub" / text_stand_ins.JUDGE
    text_stand_ins.write_judge(folder, material, CANARIES)
    assert not list(folder.glob("*.safetensors"))
    judge = NLIModel(text_stand_ins.JUDGE, canaries={})
    assert judge.probabilities([("a red duck", "a duck")]).shape == (1, 3)
    assert not [each for each in threading.enumerate() if "auto_conversion" in each.name]
    # What a conversion begins with.
    assert not [each.path for each in hub.asked if "discussions" in each.path]


def test_what_h_starts_from_loads_and_writes(material, tmp_path, monkeypatch):
    monkeypatch.setattr(text_stand_ins, "HIERARCHY_STEPS", 1)
    text_stand_ins.write_hierarchy_model(tmp_path / "h", material)
    model = HierarchyModel(str(tmp_path / "h"), device="cpu")
    # T5's own pieces have the arrow's two characters.
    assert model.knows(["a red duck => a duck"]) == [True]
    assert len(model.generate(["generalise: a red duck"], max_new_tokens=3)) == 1
