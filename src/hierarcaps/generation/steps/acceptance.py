"""What the language model wrote, filtered by NLI, mended, and partly held out."""

from collections.abc import Sequence

from hierarcaps.generation.filtering import Thresholds, filter_positives
from hierarcaps.generation.mending import mend
from hierarcaps.generation.prompt_texts import get_prompt
from hierarcaps.generation.shards import gather, model_identity, shard_key, write_table
from hierarcaps.generation.splitting import hold_out
from hierarcaps.generation.steps import Files, Params
from hierarcaps.nli import open_nli
from hierarcaps.runtime.files import sha256_file


def make_accepted(
    inputs: Sequence[Files], nli_model: Files, nli_settings: Params, mended_by: str | None,
    held_out: float, seed: int, output: Files,
) -> None:  # fmt: skip
    """Filter the gathered shards of seeds (or of augmentation) by NLI.

    Rejects are mended by the categories of the prompt ``mended_by`` (``mending.mend``; None: not
    at all); a share ``held_out`` of what is accepted is set apart (``splitting.hold_out``), chosen
    by ``seed``.
    """
    thresholds = Thresholds.from_params(nli_settings["thresholds"])
    nli = open_nli(nli_model, nli_settings)
    categories = get_prompt(mended_by).categories if mended_by else []
    key = shard_key(
        "filter", inputs=[sha256_file(path) for path in inputs], nli=model_identity(nli_model),
        settings=dict(nli_settings), categories=categories,
        held_out=held_out, seed=seed,
    )  # fmt: skip
    table = filter_positives(gather(inputs), nli, thresholds)
    if categories:
        table = mend(table, categories, nli, thresholds)
    write_table(output, hold_out(table, held_out, seed), key)
