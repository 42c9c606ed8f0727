"""Device choice, whole weights, and importing torchvision beside a CPU-only torch."""

import json
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_checkpoints import tiny_deberta, tiny_llama, tiny_t5

from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.torch_setup import choose_device, load_weights

LABELS = ("entailment", "neutral", "contradiction")


def test_auto_takes_a_gpu_only_where_there_is_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("cuda")


def test_a_demanded_gpu_must_exist(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert choose_device("cuda:0") == torch.device("cuda:0")
    with pytest.raises(InputError, match="cuda:1 was asked for, but the last GPU is cuda:0"):
        choose_device("cuda:1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="torch sees no GPU"):
        choose_device("cuda")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(InputError, match="mps was asked for, but torch sees no GPU of Apple"):
        choose_device("mps")


@pytest.mark.parametrize("name", ["gpu", "meta", ""])
def test_unknown_devices(name: str):
    with pytest.raises(InputError, match="expected auto, cpu, cuda, cuda:N or mps"):
        choose_device(name)


def test_torchvision_imports_after_the_declaration():
    code = (
        "from hierarcaps.runtime.torch_setup import declare_torchvision_ops as d;"
        "d(); d(); import torchvision.transforms; d()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_torch_with_cuda_is_left_alone():
    code = (
        "import torch; torch.version.cuda = '12.8';"
        "from hierarcaps.runtime import torch_setup as t;"
        "t.declare_torchvision_ops(); assert t._library is None"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("make", "auto_class"),
    [
        (tiny_t5, "AutoModelForSeq2SeqLM"),
        (lambda folder: tiny_deberta(folder, LABELS), "AutoModelForSequenceClassification"),
        (tiny_llama, "AutoModelForCausalLM"),
    ],
    ids=["t5", "deberta", "llama"],
)
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_weights_are_single_precision_whatever_the_file_says(tmp_path, make, auto_class, dtype):
    folder = make(tmp_path)
    half = load_weights(auto_class, folder).to(getattr(torch, dtype))
    half.save_pretrained(folder)
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == dtype
    model = load_weights(auto_class, folder)
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    assert next(load_weights(auto_class, folder, dtype=half.dtype).parameters()).dtype == half.dtype


def test_weights_that_a_file_lacks_are_not_drawn_at_random(tmp_path):
    folder = tiny_deberta(tmp_path, LABELS)
    path = tmp_path / "model.safetensors"
    kept = {name: each for name, each in load_file(path).items() if "classifier" not in name}
    save_file(kept, path, metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"2 weights of DebertaV2.* not in it \(classifier\.bias"):
        load_weights("AutoModelForSequenceClassification", folder)
