import types

import pytest
import torch
from hostile_captions import HOSTILE
from small_memory import small_memory
from tiny_checkpoints import tiny_llama

from hierarcaps.generation import llm as llm_module
from hierarcaps.generation.llm import TransformersLLM, locate_model, open_llm
from hierarcaps.runtime.errors import InputError

PREFIX = "a => b\nc => d\n"
PROMPTS = [PREFIX + text for text in ("a cat =>", "x", "a much longer caption =>", "b =>")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_llama(tmp_path_factory.mktemp("llama"))


@pytest.fixture(scope="module")
def llama(folder):
    return TransformersLLM(folder, batch_size=2, device="cpu", dtype="float32")


def plain_greedy(llama, prompt, new_tokens):
    """The definition: one token after the other, no cache, no batch, no padding."""
    ids = llama.tokenizer(prompt)["input_ids"]
    start = len(ids)
    for _ in range(new_tokens):
        with torch.no_grad():
            token = int(llama.model(torch.tensor([ids])).logits[0, -1].argmax())
        if token in llama._stop_tokens:
            break
        ids = [*ids, token]
    return llama.tokenizer.decode(ids[start:], skip_special_tokens=True)


def test_cached_prefix_batches_and_padding_change_nothing(llama):
    expected = [plain_greedy(llama, prompt, 6) for prompt in PROMPTS]
    assert llama.complete(PROMPTS, max_new_tokens=6) == expected
    assert any(expected)


def test_a_memory_too_small_changes_no_completion(folder, monkeypatch, capsys):
    model = TransformersLLM(folder, batch_size=4, device="cpu", dtype="float32")
    expected = model.complete(PROMPTS, max_new_tokens=6)
    monkeypatch.setattr(model.model, "generate", small_memory(model.model.generate, 1))
    assert model.complete(PROMPTS, max_new_tokens=6) == expected
    assert "language model: memory does not hold 4 at once, goes on with 1" in (
        capsys.readouterr().err
    )


def test_prompts_without_anything_in_common(llama):
    prompts = ["xyz", "abc"]
    expected = [plain_greedy(llama, prompt, 5) for prompt in prompts]
    assert llama.complete(prompts, max_new_tokens=5) == expected
    assert llama.complete([], max_new_tokens=5) == []
    assert llama.complete(["abc"], max_new_tokens=5) == expected[1:]


def test_sampling_is_seeded_and_leaves_the_callers_random_state_alone(llama):
    state = torch.get_rng_state()
    first = llama.complete(PROMPTS, max_new_tokens=8, temperature=1.0, seed=1)
    assert torch.equal(state, torch.get_rng_state())
    assert first == llama.complete(PROMPTS, max_new_tokens=8, temperature=1.0, seed=1)
    assert first != llama.complete(PROMPTS, max_new_tokens=8, temperature=1.0, seed=2)
    same = llama.complete([PREFIX] * 4, max_new_tokens=8, temperature=1.0, seed=1)
    assert len(set(same)) > 1


def test_stop_at_the_line(llama):
    newline = llama.tokenizer("\n")["input_ids"][-1]
    assert newline in llama._stop_tokens
    assert llama.tokenizer.eos_token_id in llama._stop_tokens
    texts = llama.complete([PREFIX] * 30, max_new_tokens=40, temperature=2.0, seed=0)
    assert not any("\n" in text for text in texts)
    assert len({len(text) for text in texts}) > 3


@pytest.mark.parametrize("name", [name for name in HOSTILE if name not in ("surrogate", "long")])
def test_hostile_captions_complete(llama, name):
    assert len(llama.complete([PREFIX + HOSTILE[name] + " =>"], max_new_tokens=3)) == 1


def test_a_gguf_file_is_read_once_and_gguf_left_as_it_was(monkeypatch):
    gguf = pytest.importorskip("gguf")
    read = []
    monkeypatch.setattr(gguf, "GGUFReader", lambda path: read.append(path) or object())
    reader = gguf.GGUFReader
    with llm_module._gguf_read_once():
        assert gguf.GGUFReader("a") is gguf.GGUFReader("a")
        assert gguf.GGUFReader("b") is not gguf.GGUFReader("a")
    assert read == ["a", "b"]
    assert gguf.GGUFReader is reader


def test_models_are_located(tmp_path, monkeypatch):
    file = tmp_path / "model.gguf"
    file.touch()
    assert locate_model(str(file)) == (str(tmp_path), "model.gguf")
    assert locate_model("org/name", "x.gguf") == ("org/name", "x.gguf")
    shipped = types.SimpleNamespace(suffix=".gguf", name="model.gguf", locate=lambda: file)
    monkeypatch.setattr(llm_module.metadata, "files", lambda name: [shipped])
    assert locate_model("package:some-wheel") == (str(tmp_path), "model.gguf")
    with pytest.raises(InputError, match="found 0"):
        locate_model("package:some-wheel", "other.gguf")


@pytest.mark.parametrize(
    ("model", "message"),
    [("package:no-such-wheel-x", "is not installed"), ("/no/such/file.gguf", "no such file")],
)
def test_missing_models_get_one_sentence(model, message):
    with pytest.raises(InputError, match=message):
        TransformersLLM(model)


def test_missing_folder_backend_device_and_dtype(tmp_path, folder):
    with pytest.raises(InputError, match="cannot be loaded as AutoTokenizer"):
        TransformersLLM(str(tmp_path / "none"))
    with pytest.raises(InputError, match="expected transformers or vllm"):
        open_llm({"model": folder, "backend": "none"})
    with pytest.raises(InputError, match="expected auto, cpu"):
        TransformersLLM(folder, device="toaster")
    with pytest.raises(InputError, match=r"generation\.llm\.dtype"):
        TransformersLLM(folder, dtype="int3")
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="sees no GPU"):
            TransformersLLM(folder, device="cuda")
