"""What H writes."""

from hierarcaps.generation.caption_files import count_rows, read_captions
from hierarcaps.generation.filtering import Thresholds
from hierarcaps.generation.negatives import add_negatives, write_positives
from hierarcaps.generation.seq2seq import HierarchyModel
from hierarcaps.generation.shards import (
    is_current,
    model_identity,
    shard_key,
    shard_rows,
    write_table,
)
from hierarcaps.generation.steps import Files, Params
from hierarcaps.nli import open_nli
from hierarcaps.runtime.files import sha256_file


def make_items(
    captions: Files, shard: int, shards: int, model: Files, settings: Params, nli_model: Files,
    nli_settings: Params, seed: int, output: Files,
) -> None:  # fmt: skip
    """Write the positives and negatives of a shard of the captions drawn for it, by H and NLI.

    ``settings`` is the params section ``generation.production``: ``batch_size``, ``device``,
    ``positives`` and ``negatives``.
    """
    key = shard_key(
        "items", settings=dict(settings), nli_settings=dict(nli_settings), seed=seed,
        captions=sha256_file(captions), model=model_identity(model), nli=model_identity(nli_model),
        shard=[shard, shards],
    )  # fmt: skip
    if is_current(output, key):
        return
    part = read_captions(captions, shard_rows(count_rows(captions), shard, shards))
    h = HierarchyModel(
        str(model), batch_size=settings["batch_size"], device=settings.get("device", "auto")
    )
    nli = open_nli(nli_model, nli_settings)
    thresholds = Thresholds.from_params(nli_settings["thresholds"])
    items = write_positives(part, h, nli, thresholds, settings["positives"])
    items = add_negatives(items, h, nli, thresholds, settings["negatives"], seed * 100 + shard)
    write_table(output, items, key)
