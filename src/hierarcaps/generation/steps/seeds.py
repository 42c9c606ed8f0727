"""What the language model writes from captions."""

from hierarcaps.generation.caption_files import count_rows, read_captions
from hierarcaps.generation.llm import open_llm
from hierarcaps.generation.prompt_texts import get_prompt
from hierarcaps.generation.seeding import write_seeds
from hierarcaps.generation.shards import (
    is_current,
    shard_key,
    shard_rows,
    write_table,
)
from hierarcaps.generation.steps import Files, Params
from hierarcaps.runtime.files import sha256_file


def make_seeds(
    captions: Files, shard: int, shards: int, settings: Params, seed: int, output: Files
) -> None:
    """Let the language model write hierarchies for a shard of the captions drawn for it.

    ``settings`` is the params section ``generation.seeds``: ``llm``, ``prompt``,
    ``max_new_tokens``, ``temperature``.
    """
    prompt = get_prompt(settings["prompt"])
    key = shard_key(
        "seeds", settings=dict(settings), prompt=prompt.prefix(), seed=seed,
        captions=sha256_file(captions), shard=[shard, shards],
    )  # fmt: skip
    if is_current(output, key):
        return
    part = read_captions(captions, shard_rows(count_rows(captions), shard, shards))
    llm = open_llm(settings["llm"])
    write_table(output, write_seeds(part, llm, prompt, dict(settings), seed + shard), key)
