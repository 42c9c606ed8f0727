"""What the language model writes in the context of accepted seeds."""

from hierarcaps.generation.caption_files import read_texts
from hierarcaps.generation.filtering import accepted
from hierarcaps.generation.llm import open_llm
from hierarcaps.generation.seeding import augment
from hierarcaps.generation.shards import (
    is_current,
    make_table,
    read_table,
    shard_key,
    write_table,
)
from hierarcaps.generation.splitting import held_out
from hierarcaps.generation.steps import Files, Params
from hierarcaps.runtime.files import sha256_file


def make_augmentation(
    seeds: Files, captions: Files, settings: Params, llm: Params, seed: int, output: Files
) -> None:
    """Let the language model continue lists of accepted seeds; see ``seeding.augment``.

    Where ``settings`` say ``attested``, ``captions`` attest what may be written.
    """
    key = shard_key(
        "augmentation", settings=dict(settings), llm=dict(llm), seed=seed, seeds=sha256_file(seeds),
        captions=sha256_file(captions),
    )  # fmt: skip
    if is_current(output, key):
        return
    table = read_table(seeds)
    chains = list(accepted(table)["tiers"])
    hidden = [chain[-1] for chain in held_out(table)["tiers"]]
    rows = []
    if settings["prompts"]:  # else the model, half a minute to load, is not opened
        texts = read_texts(captions) if settings["attested"] else None
        rows = augment(chains, open_llm(dict(llm)), dict(settings), seed, hidden, texts)
    write_table(output, make_table(rows), key)
