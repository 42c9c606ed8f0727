"""H, trained and measured."""

from collections.abc import Sequence

from hierarcaps.generation.distillation import evaluate_hierarchy_model, train_hierarchy_model
from hierarcaps.generation.filtering import Thresholds, accepted
from hierarcaps.generation.seq2seq import HierarchyModel
from hierarcaps.generation.shards import gather
from hierarcaps.generation.splitting import held_out
from hierarcaps.generation.steps import Files, Params
from hierarcaps.nli import open_nli


def make_hierarchy_model(
    inputs: Sequence[Files], settings: Params, nli_model: Files, nli_settings: Params,
    output: Files, curve: Files, report: Files,
) -> None:  # fmt: skip
    """Train H on the accepted rows of all inputs, and measure it on the held-out ones."""
    table = gather(inputs)
    train_hierarchy_model(list(accepted(table)["tiers"]), settings, output, curve)
    evaluate_hierarchy_model(
        HierarchyModel(str(output), device=settings.get("device", "auto")),
        open_nli(nli_model, nli_settings),
        list(held_out(table)["tiers"]),
        Thresholds.from_params(nli_settings["thresholds"]),
        report,
    )
