"""Device choice, and importing torchvision beside a CPU-only torch."""

import subprocess
import sys

import pytest
import torch

from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.torch_setup import choose_device


def test_auto_takes_a_gpu_only_where_there_is_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
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


@pytest.mark.parametrize("name", ["gpu", "meta", ""])
def test_unknown_devices(name: str):
    with pytest.raises(InputError, match="expected auto, cpu, cuda or cuda:N"):
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
