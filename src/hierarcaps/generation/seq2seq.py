"""H, the hierarchy model: one encoder-decoder for both directions of a caption hierarchy.

* specific -> general: from a caption, the three more general tiers;
* general -> specific: from the first tiers (none, one, two or three), the next one.

A prefix names the direction. Any T5-family checkpoint works; the mini profile starts from random
weights and a word-level tokenizer.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hierarcaps.generation.prompts import TIER_COUNT, Parsed, chain, parse_line
from hierarcaps.generation.text import SEPARATOR, normalise
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.halving import Halving
from hierarcaps.runtime.progress import progress
from hierarcaps.runtime.torch_setup import choose_device, load_pretrained, load_weights

GENERALISE = "generalise:"
SPECIALISE = "specialise:"
UPWARD_REPEATS = 3

Example = tuple[str, str]
"""Source and target text."""


def generalise_example(tiers: Sequence[str]) -> Example:
    """Return the specific -> general example of a hierarchy (tiers general -> specific)."""
    return generalise_source(tiers[-1]), chain(tiers[:-1])


def generalise_source(caption: str) -> str:
    """Return the source text that asks for the three tiers above ``caption``."""
    return f"{GENERALISE} {caption}"


def specialise_source(tiers: Sequence[str]) -> str:
    """Return the source text that asks for the tier after ``tiers`` (0 to 3, general first)."""
    return " ".join([SPECIALISE, f" {SEPARATOR} ".join(tiers)]).strip()


def examples_of(tiers: Sequence[str]) -> list[Example]:
    """Return the examples that one hierarchy gives: upwards, and downwards to each tier.

    The upward one is repeated: it is the hardest, and every item of the data set begins with it.
    """
    downward = [(specialise_source(tiers[:tier]), tiers[tier]) for tier in range(TIER_COUNT)]
    return [generalise_example(tiers)] * UPWARD_REPEATS + downward


class HierarchyModel:
    """H, ready to generate.

    Args:
        model: hub id or local folder of a T5-family checkpoint.
        revision: commit or tag of a hub model.
        batch_size: sources a batch; fewer where memory does not hold them.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        InputError: no such model.
    """

    def __init__(
        self, model: str, revision: str | None = None, batch_size: int = 256, device: str = "auto"
    ) -> None:
        self.batch_size = batch_size
        self.device = choose_device(device)
        options = {"revision": revision or "main"}
        self.tokenizer = load_pretrained("AutoTokenizer", model, **options)
        self.model = load_weights("AutoModelForSeq2SeqLM", model, **options)
        self.model.to(self.device).eval()
        self._halving = Halving("hierarchy model")

    def knows(self, texts: Sequence[str]) -> list[bool]:
        """Return for each text whether the tokenizer has no unknown token in it."""
        unknown = self.tokenizer.unk_token_id
        if unknown is None or not texts:
            return [True] * len(texts)
        return [unknown not in tokens for tokens in self.tokenizer(list(texts))["input_ids"]]

    def generate(
        self,
        sources: Sequence[str],
        *,
        max_new_tokens: int,
        beams: int = 1,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[str]:
        """Return one output per source, in order.

        Args:
            sources: texts with their direction prefix.
            max_new_tokens: longest output.
            beams: of the beam search; only where temperature is 0.
            temperature: 0 for greedy or beam search, else of the sampling.
            seed: of the sampling; the caller's random state is left alone.
        """
        import torch

        from hierarcaps.runtime.onednn import linear_by_onednn

        if beams > 1 and temperature > 0:
            raise InputError("hierarchy model: beams and temperature exclude each other")
        encoded = self.tokenizer(list(sources))["input_ids"] if sources else []
        order = sorted(range(len(sources)), key=lambda index: (len(encoded[index]), index))
        batches = [order[i : i + self.batch_size] for i in range(0, len(order), self.batch_size)]
        options: dict[str, Any] = {"num_beams": beams, "do_sample": temperature > 0}
        if temperature > 0:
            options |= {"temperature": temperature, "top_k": 0, "top_p": 1.0}
        outputs = [""] * len(sources)

        def generate(part: list[int]) -> list[str]:
            rows = {"input_ids": [encoded[index] for index in part]}
            inputs = self.tokenizer.pad(rows, return_tensors="pt").to(self.device)
            tokens = self.model.generate(**inputs, max_new_tokens=max_new_tokens, **options).cpu()
            return self.tokenizer.batch_decode(tokens, skip_special_tokens=True)

        devices = [self.device] if self.device.type == "cuda" else []
        with (
            torch.random.fork_rng(devices=devices),
            torch.inference_mode(),
            linear_by_onednn(self.device, few_shapes=True),
        ):
            torch.manual_seed(seed)
            for batch in progress(batches, "hierarchy model"):
                for part, texts in self._halving(generate, batch):
                    for index, text in zip(part, texts, strict=True):
                        outputs[index] = text
        return outputs

    def generalise(
        self, captions: Sequence[str], *, max_new_tokens: int = 48, beams: int = 1
    ) -> list[tuple[str, Parsed]]:
        """Return for each caption what the model wrote, and the four tiers parsed from it.

        Captions with words that the model never saw get the reason ``unknown_word``.
        """
        known = [index for index, known in enumerate(self.knows(captions)) if known]
        texts = self.generate(
            [generalise_source(captions[index]) for index in known],
            max_new_tokens=max_new_tokens,
            beams=beams,
        )
        results = [("", Parsed(None, "unknown_word"))] * len(captions)
        for index, text in zip(known, texts, strict=True):
            line = f"{captions[index]} {SEPARATOR} {text}"
            results[index] = (text, parse_line(line))
        return results

    def specialise(
        self,
        prefixes: Sequence[Sequence[str]],
        *,
        temperature: float,
        seed: int,
        max_new_tokens: int = 32,
    ) -> list[str]:
        """Return one sampled next tier for each prefix of tiers (general first), normalised."""
        texts = self.generate(
            [specialise_source(prefix) for prefix in prefixes],
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            seed=seed,
        )
        return [normalise(text) for text in texts]


def build_hierarchy_model(vocabulary: int, tokenizer: Any, settings: dict[str, Any]) -> Any:
    """Return a T5 with random weights: ``width``, ``layers``, ``heads`` of the settings."""
    import torch

    from hierarcaps.runtime.torch_setup import declare_torchvision_ops

    declare_torchvision_ops()
    from transformers import T5Config, T5ForConditionalGeneration

    width, heads = settings["width"], settings["heads"]
    if width % heads:
        raise InputError(f"hierarchy model width {width} is no multiple of its {heads} heads")
    config = T5Config(
        vocab_size=vocabulary,
        d_model=width,
        d_kv=width // heads,
        d_ff=2 * width,
        num_layers=settings["layers"],
        num_heads=heads,
        dropout_rate=settings.get("dropout", 0.0),
        feed_forward_proj="gated-gelu",
        relative_attention_num_buckets=16,
        relative_attention_max_distance=32,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    # A token that the decoder starts from; T5 takes the padding.
    config.decoder_start_token_id = tokenizer.pad_token_id
    torch.manual_seed(settings["seed"])
    return T5ForConditionalGeneration(config)


def model_folder(path: str | Path) -> str:
    """Return a trained model's folder for transformers; InputError where there is none."""
    if not (Path(path) / "config.json").is_file():
        raise InputError(f"{path}: no trained model there (expected config.json)")
    return str(path)
