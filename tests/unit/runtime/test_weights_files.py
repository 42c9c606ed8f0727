"""Weights in other dress: wrapped names and training checkpoints load, other files are named."""

import argparse
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_checkpoints import tiny_deberta, tiny_llama, tiny_t5
from tiny_clip import TINY, tiny_weights, write_folder
from tiny_meru import write_published
from tiny_transformers import tiny_clip

from hierarcaps.models.meru_family.encoder import load_meru
from hierarcaps.models.open_clip_family.encoder import load_open_clip, open_clip
from hierarcaps.models.transformers_family.encoder import load_transformers
from hierarcaps.runtime.errors import InputError, one_line
from hierarcaps.runtime.torch_setup import load_pretrained, load_weights
from hierarcaps.runtime.weights_files import read_state, renamed, renaming

CPU = torch.device("cpu")
WRAPPERS = ["_orig_mod.", "module.", "model.", "module._orig_mod.", "_orig_mod.module."]
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0a\nsize 598641023\n"
BESIDE = {
    "epoch": np.int64(3),
    "loss": np.float64(1.5),
    "curve": np.arange(3.0),
    "args": argparse.Namespace(lr=0.1),
    "folder": Path("logs/run"),
    "torch": torch.__version__,
}


def equal(found, expected) -> bool:
    return found.keys() == expected.keys() and all(
        map(torch.equal, found.values(), expected.values())
    )


def wrapped(state, prefix):
    return {f"{prefix}{name}": value.clone() for name, value in state.items()}


@pytest.mark.parametrize("prefix", WRAPPERS)
@pytest.mark.parametrize(
    ("make", "auto_class"),
    [
        (tiny_t5, "AutoModelForSeq2SeqLM"),
        (lambda folder: tiny_deberta(folder, ("entailment", "neutral", "contradiction")),
         "AutoModelForSequenceClassification"),
        (tiny_llama, "AutoModelForCausalLM"),  # whose own names begin with "model."
        (tiny_clip, "CLIPModel"),
    ],
    ids=["t5", "deberta", "llama", "clip"],
)  # fmt: skip
def test_transformers_folders_lose_the_names_of_wrappers(tmp_path, make, auto_class, prefix):
    folder = str(make(tmp_path))
    expected = load_weights(auto_class, folder).state_dict()
    path = tmp_path / "model.safetensors"
    save_file(wrapped(load_file(path), prefix), path, {"format": "pt"})
    assert equal(load_weights(auto_class, folder).state_dict(), expected)


def test_another_prefix_is_named(tmp_path):
    folder = tiny_t5(tmp_path)
    path = tmp_path / "model.safetensors"
    save_file(wrapped(load_file(path), "student."), path, {"format": "pt"})
    with pytest.raises(InputError, match=r"are not in it .*; it has student\.decoder"):
        load_weights("AutoModelForSeq2SeqLM", folder)


def test_another_prefix_is_named_in_open_clips_files_too(tmp_path, architecture):
    path = tmp_path / "a.pt"
    torch.save(wrapped(tiny_weights(), "student."), path)
    with pytest.raises(InputError, match=r"has no 'logit_scale'.*'student\.logit_scale'"):
        load_open_clip(architecture, str(path), CPU)


@pytest.fixture
def architecture(monkeypatch):
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "tiny-clip", TINY)
    return "tiny-clip"


@pytest.mark.parametrize("prefix", ["", *WRAPPERS])
@pytest.mark.parametrize("key", [None, "state_dict", "model"])
def test_open_clip_files_lose_the_names_of_wrappers(tmp_path, architecture, prefix, key):
    state = wrapped(tiny_weights(), prefix)
    path = tmp_path / "epoch_3.pt"
    torch.save(state if key is None else {**BESIDE, key: state}, path)
    encoder = load_open_clip(architecture, str(path), CPU)
    assert equal(encoder.model.state_dict(), tiny_weights())
    assert encoder.provenance()["weights_file"] == "epoch_3.pt"


def test_a_compiled_tower_and_a_wrapped_folder_load_too(tmp_path):
    folder, weights = write_folder(tmp_path), tiny_weights()
    path = tmp_path / "open_clip_model.safetensors"
    for names in (lambda n: n.replace("visual.", "visual._orig_mod."), lambda n: f"model.{n}"):
        save_file({names(name): value.clone() for name, value in weights.items()}, path)
        encoder = load_open_clip(str(folder), None, CPU)
        assert equal(encoder.model.state_dict(), weights)
        assert encoder.provenance()["weights_file"] == path.name


def test_a_wrapped_meru_is_the_meru(tmp_path):
    plain = load_meru(str(write_published(tmp_path / "a.pth")), CPU)
    content = torch.load(tmp_path / "a.pth", weights_only=True)
    torch.save({**BESIDE, "model": wrapped(content["model"], "module.")}, tmp_path / "b.pth")
    found = load_meru(str(tmp_path / "b.pth"), CPU)
    assert equal(found.model.state_dict(), plain.model.state_dict())


@pytest.mark.parametrize("as_archive", [True, False])
def test_what_lies_beside_the_weights_is_passed_over(tmp_path, as_archive, capfd):
    path = tmp_path / "last.pt"
    content = {**BESIDE, "state_dict": {"w": torch.arange(3.0)}}
    torch.save(content, path, _use_new_zipfile_serialization=as_archive)
    assert read_state(path)["w"].tolist() == [0, 1, 2]
    torch.save({"w": np.ones(2)}, path)
    with pytest.raises(InputError, match=r"no state dict \('w' is no tensor\)"):
        read_state(path)


def test_names_are_unwrapped_only_where_all_are_wrapped():
    assert renaming(["a", "b"], ["module.a", "b"]) is None
    assert renaming(["a"], ["module.c"]) is None
    assert renaming(["a"], ["a"]) is None
    assert renaming([], ["module.a"]) is None
    assert renaming(["a"], ["head.a"]) is None
    rules = renaming(["a.model.x"], ["module.model._orig_mod.a.model.x"])
    assert renamed({"module.model._orig_mod.a.model.x": 1}, rules) == {"a.model.x": 1}


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_file_still_with_git_lfs_is_named_in_every_folder(tmp_path, name):
    clip, judge, open_folder = tmp_path / "clip", tmp_path / "judge", tmp_path / "open"
    tiny_clip(clip), tiny_t5(judge)
    open_folder.mkdir()
    write_folder(open_folder)
    theirs = {"model.safetensors": "open_clip_model.safetensors"}.get(name, "open_clip_config.json")
    for folder, file in ((clip, name), (judge, name), (open_folder, theirs)):
        (folder / file).write_text(POINTER)
    for read in (
        lambda: load_transformers(str(clip), CPU),
        lambda: (
            load_pretrained("AutoTokenizer", str(judge))
            and load_weights("AutoModelForSeq2SeqLM", str(judge))
        ),
        lambda: load_open_clip(str(open_folder), None, CPU),
    ):
        with pytest.raises(InputError, match=r"is a pointer of Git LFS.*git lfs pull") as error:
            read()
        assert "\n" not in str(error.value)


class Evil:
    def __reduce__(self):
        return print, ("executed",)


@pytest.mark.parametrize("as_archive", [True, False])
def test_other_objects_are_named_and_nothing_of_torchs_advice_is_said(
    tmp_path, as_archive, architecture, capfd
):
    clip = tiny_clip(tmp_path / "clip")
    (clip / "model.safetensors").unlink()
    content = {"state_dict": {"logit_scale": torch.ones(())}, "callback": Evil()}
    paths = [tmp_path / "last.pt", clip / "pytorch_model.bin"]
    for path in paths:
        torch.save(content, path, _use_new_zipfile_serialization=as_archive)
    for read in (
        lambda: load_open_clip(architecture, str(paths[0]), CPU),
        lambda: load_meru(str(paths[0]), CPU),
        lambda: load_transformers(str(clip), CPU),
    ):
        with pytest.raises(InputError, match=r"objects besides tensors.*\(.*print\)") as error:
            read()
        assert "weights_only" not in str(error.value)
        assert "\x1b" not in str(error.value)
    assert "executed" not in capfd.readouterr().out


def test_an_unknown_pickle_gets_no_advice_to_unpickle_it(tmp_path):
    path = tmp_path / "a.pt"
    path.write_bytes(pickle.dumps({"w": bytearray(b"1")}, protocol=5))
    with pytest.raises(InputError, match=r"a\.pt: ") as error:
        read_state(path)
    assert "weights_only" not in str(error.value)


def test_torchscript_says_what_to_do(tmp_path, architecture):
    path = tmp_path / "ViT-B-32.pt"
    torch.jit.script(torch.nn.Linear(2, 2)).save(path)
    with pytest.raises(InputError, match=r"is a TorchScript archive.*'openai'"):
        load_open_clip(architecture, str(path), CPU)


def test_a_librarys_colours_stay_off_the_line():
    assert one_line(ValueError("a \x1b[1mbold\x1b[0m\n word")) == "a bold word"
