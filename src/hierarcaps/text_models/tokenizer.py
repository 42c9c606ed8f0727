"""A word-level tokenizer for the small models that are trained from scratch.

Words of a closed vocabulary, so that a word outside it is visible as the unknown token: sub-word
pieces would let a tiny model guess at words that it never saw.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from hierarcaps.runtime.torch_setup import declare_torchvision_ops

PAD, END, UNKNOWN, START = "<pad>", "</s>", "<unk>", "<s>"
SPECIAL = (PAD, END, UNKNOWN, START)


def train_word_tokenizer(
    texts: Iterable[str], extra: Iterable[str] = (), pair_template: bool = False
) -> Any:
    """Return a fast transformers tokenizer of the words in ``texts``.

    Text is lower-cased and split at white space; commas and full stops stand alone, and ``=>`` is
    one word. Encoded texts end with ``</s>``.

    Args:
        texts: what to take words from, most frequent first in the vocabulary.
        extra: further words, always in the vocabulary.
        pair_template: encode two texts as ``<s> a </s> b </s>`` with segment numbers 0 and 1.
    """
    declare_torchvision_ops()
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
    from tokenizers import processors as post
    from transformers import PreTrainedTokenizerFast

    split = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Split(Regex(r"=>|[,.;:!?]"), "isolated"),
        ]
    )
    lower = normalizers.Lowercase()
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(word for word, _ in split.pre_tokenize_str(lower.normalize_str(text)))
    counts.update(dict.fromkeys(extra, 1))
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    vocabulary = {word: index for index, word in enumerate(dict.fromkeys((*SPECIAL, *ordered)))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.normalizer = lower
    tokenizer.pre_tokenizer = split
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=True)  # no space before a comma
    single, pair = (f"$A {END}", None)
    if pair_template:
        single, pair = f"{START} $A {END}", f"{START} $A {END} $B:1 {END}:1"
    tokenizer.post_processor = post.TemplateProcessing(
        single=single, pair=pair, special_tokens=[(s, vocabulary[s]) for s in (START, END)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD, eos_token=END, unk_token=UNKNOWN, bos_token=START,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"]
        if pair_template
        else ["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
    )  # fmt: skip
