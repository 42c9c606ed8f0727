"""H with and without what augmentation added."""

import pandas as pd

from hierarcaps.generation.ablation import WITH, WITHOUT, compare_lessons
from hierarcaps.generation.caption_files import vocabulary
from hierarcaps.generation.filtering import Thresholds, accepted
from hierarcaps.generation.oracle import positive_faults
from hierarcaps.generation.recombination import fill_up
from hierarcaps.generation.shards import read_table
from hierarcaps.generation.steps import Files, Params
from hierarcaps.nli import open_nli
from hierarcaps.runtime.files import write_json


def make_ablation(
    seeds: Files, augmentation: Files, captions: Files, validation: Files, settings: Params,
    hierarchy_model: Params, size: int, nli_model: Files, nli_settings: Params, seed: int,
    has_oracle: bool, output: Files,
) -> None:  # fmt: skip
    """Compare H of seeds and augmentation with H of seeds alone, both recombined to ``size``.

    Args:
        seeds: table of the seeds.
        augmentation: table of what the language model added.
        captions: of the training split; they attest word forms for recombination.
        validation: captions of validation images, which both are measured on.
        settings: ``steps`` that each is trained for, and number of ``captions``.
        hierarchy_model: params section of H; ``settings`` change its steps.
        size: hierarchies that teach.
        nli_model: folder or hub id of the filter.
        nli_settings: params section ``nli``.
        seed: of recombination and of the choice of captions.
        has_oracle: whether captions come from the drawn world, whose logic knows the truth.
        output: JSON of ``ablation.compare_lessons``.
    """
    nli = open_nli(nli_model, nli_settings)
    thresholds = Thresholds.from_params(nli_settings["thresholds"])
    written = list(accepted(read_table(seeds))["tiers"])
    added = list(accepted(read_table(augmentation))["tiers"])
    attested = vocabulary(captions)
    lessons = {}
    for name, chains in ((WITH, [*written, *added]), (WITHOUT, written)):
        table = fill_up(chains, attested, size, seed, nli, thresholds)
        lessons[name] = [*chains, *accepted(table)["tiers"]]
    seen = pd.read_parquet(validation)
    content = compare_lessons(
        lessons,
        seen.sample(frac=1, random_state=seed).head(settings["captions"]),
        {**hierarchy_model, "steps": settings["steps"]},
        nli,
        thresholds,
        (lambda tiers: not any(positive_faults(tiers))) if has_oracle else None,
    )
    write_json(output, {**content, "added": len(added)})
