"""What the language model wrote, filtered by NLI."""

from collections.abc import Sequence

from hierarcaps.generation.filtering import Thresholds, filter_positives
from hierarcaps.generation.shards import gather, model_identity, shard_key, write_table
from hierarcaps.generation.steps import Files, Params
from hierarcaps.nli import open_nli
from hierarcaps.runtime.files import sha256_file


def make_accepted(
    inputs: Sequence[Files], nli_model: Files, nli_settings: Params, output: Files
) -> None:
    """Filter the gathered shards of seeds (or of augmentation) by NLI."""
    thresholds = Thresholds.from_params(nli_settings["thresholds"])
    nli = open_nli(nli_model, nli_settings)
    key = shard_key(
        "filter", inputs=[sha256_file(path) for path in inputs], nli=model_identity(nli_model),
        settings=dict(nli_settings),
    )  # fmt: skip
    write_table(output, filter_positives(gather(inputs), nli, thresholds), key)
