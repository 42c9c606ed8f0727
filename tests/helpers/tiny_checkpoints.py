"""Tiny checkpoints with random weights, made on the spot: the classes of the paper profile."""

from pathlib import Path

import torch

from hierarcaps.runtime.torch_setup import declare_torchvision_ops
from hierarcaps.text_models.tokenizer import train_word_tokenizer

declare_torchvision_ops()

import transformers  # noqa: E402

TEXTS = [
    "an animal => a duck => a red duck => a red duck on the beach",
    "a vehicle => a car => a blue car => a small blue car in the snow",
    "generalise: specialise: \n",
]


def _save(folder: Path, model: transformers.PreTrainedModel, tokenizer) -> str:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def tiny_llama(folder: Path) -> str:
    """A byte-level Llama: it can write line breaks, as real ones do."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate(["<s>", "</s>", *letters])}
    inner = Tokenizer(models.BPE(vocabulary, []))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>"
    )
    torch.manual_seed(1)
    config = transformers.LlamaConfig(
        vocab_size=len(vocabulary), hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, bos_token_id=0, eos_token_id=1,
        initializer_range=0.5,
    )  # fmt: skip
    return _save(folder, transformers.LlamaForCausalLM(config), tokenizer)


def tiny_deberta(folder: Path, labels: tuple[str, ...]) -> str:
    tokenizer = train_word_tokenizer(TEXTS, pair_template=True)
    torch.manual_seed(0)
    config = transformers.DebertaV2Config(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64, type_vocab_size=2, pad_token_id=0,
        relative_attention=True, position_buckets=8, pos_att_type=["p2c", "c2p"],
        id2label=dict(enumerate(labels)), label2id={x: i for i, x in enumerate(labels)},
    )  # fmt: skip
    return _save(folder, transformers.DebertaV2ForSequenceClassification(config), tokenizer)


def tiny_t5(folder: Path) -> str:
    tokenizer = train_word_tokenizer(TEXTS)
    torch.manual_seed(0)
    config = transformers.T5Config(
        vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=32, num_layers=1, num_heads=2,
        pad_token_id=0, eos_token_id=1, decoder_start_token_id=0,
    )  # fmt: skip
    return _save(folder, transformers.T5ForConditionalGeneration(config), tokenizer)


PAIRED = {
    # Family: (tokeniser, its special tokens, configuration, class).
    "bert": ("BertTokenizer", ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], "Bert"),
    "deberta": ("DebertaTokenizer", ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"], "Deberta"),
    "roberta": ("RobertaTokenizer", ["<s>", "<pad>", "</s>", "<unk>", "<mask>"], "Roberta"),
    "gpt2": ("GPT2Tokenizer", ["<|endoftext|>"], "GPT2"),
}


def tiny_deberta_v3(folder: Path, labels: tuple[str, ...], dtype: str = "float32") -> str:
    """A DeBERTa of version 3 as published: DebertaV2's classes, pieces of sentencepiece."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = ["\u2581a", "\u2581red", "\u2581car", "\u2581", "c", "a", "r", "s"]
    vocabulary = [(token, 0.0) for token in special]
    vocabulary += [(piece, -1.0 - len(pieces) + len(piece)) for piece in pieces]
    tokenizer = transformers.DebertaV2Tokenizer(vocab=vocabulary)
    torch.manual_seed(0)
    config = transformers.DebertaV2Config(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64, type_vocab_size=0, pad_token_id=0,
        relative_attention=True, position_buckets=8, norm_rel_ebd="layer_norm",
        share_att_key=True, pos_att_type=["p2c", "c2p"], position_biased_input=False,
        pooler_hidden_size=32, initializer_range=0.5,
        id2label=dict(enumerate(labels)), label2id={x: i for i, x in enumerate(labels)},
    )  # fmt: skip
    model = transformers.DebertaV2ForSequenceClassification(config)
    return _save(folder, model.to(getattr(torch, dtype)), tokenizer)


def tiny_judge(folder: Path, family: str, positions: int = 20) -> str:
    """An NLI model with the tokeniser of its family, which knows the letters a, b and the space."""
    name, special, prefix = PAIRED[family]
    words = [*special, "a", "b", "\u0120", "\u0120a", "\u0120b"]
    vocabulary = {token: row for row, token in enumerate(words)}
    options = {} if family == "bert" else {"merges": []}
    tokenizer = getattr(transformers, name)(vocab=vocabulary, **options)
    torch.manual_seed(0)
    pad = vocabulary.get("[PAD]", vocabulary.get("<pad>"))
    config = getattr(transformers, f"{prefix}Config")(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=positions, pad_token_id=pad,
        id2label={0: "contradiction", 1: "neutral", 2: "entailment"},
        label2id={"contradiction": 0, "neutral": 1, "entailment": 2},
    )  # fmt: skip
    model = getattr(transformers, f"{prefix}ForSequenceClassification")(config)
    return _save(folder, model, tokenizer)
