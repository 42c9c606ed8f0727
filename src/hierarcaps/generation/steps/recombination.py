"""Accepted rows, recombined."""

from collections.abc import Sequence

from hierarcaps.generation.caption_files import vocabulary
from hierarcaps.generation.filtering import Thresholds, accepted
from hierarcaps.generation.recombination import fill_up
from hierarcaps.generation.shards import gather, model_identity, shard_key, write_table
from hierarcaps.generation.steps import Files, Params
from hierarcaps.nli import open_nli
from hierarcaps.runtime.files import sha256_file


def make_recombination(
    inputs: Sequence[Files], captions: Files, size: int, nli_model: Files, nli_settings: Params,
    seed: int, output: Files,
) -> None:  # fmt: skip
    """Recombine the accepted rows of all inputs until there are ``size`` in all, and filter.

    ``captions`` attests word forms (see ``recombination.fill_up``).
    """
    chains = list(accepted(gather(inputs))["tiers"])
    nli = open_nli(nli_model, nli_settings)
    thresholds = Thresholds.from_params(nli_settings["thresholds"])
    table = fill_up(chains, vocabulary(captions), size, seed, nli, thresholds)
    key = shard_key(
        "recombination",
        inputs=[sha256_file(path) for path in inputs],
        captions=sha256_file(captions),
        size=size,
        seed=seed,
        nli=model_identity(nli_model),
        settings=dict(nli_settings),
    )
    write_table(output, table, key)
