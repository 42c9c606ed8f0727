"""Tables of the notebooks: estimates with intervals, example hierarchies, provenance."""

import io
import json
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import pandas as pd
from PIL import Image

from hierarcaps.report.markup import (
    Html,
    Panel,
    figure,
    folded,
    note,
    number_cell,
    prose,
    scrolling,
    table,
)
from hierarcaps.report.study import (
    PRECISION,
    R1_IMAGE_TO_TEXT,
    R1_TEXT_TO_IMAGE,
    RECALL,
    TAU_D,
    TAU_D_CONTROLLED,
    Kind,
    Results,
    Run,
    heading,
)
from hierarcaps.report.wording import count, span

GROUPS: dict[Kind, str] = {
    "model": "Models",
    "untrained": "Untrained controls (random weights)",
    "baseline": "Baselines without a model",
}
MAX_PICTURE_PIXELS = 320
LONG_CHAIN = 12


class Column(NamedTuple):
    """A metric as a table's column."""

    heading: str
    task: str
    metric: str


def columns(task: str, **headings: str) -> tuple[Column, ...]:
    """Return columns of one task, from ``metric=heading``."""
    return tuple(Column(heading, task, metric) for metric, heading in headings.items())


MAIN_COLUMNS = tuple(
    Column(heading(key), *key)
    for key in (
        TAU_D,
        TAU_D_CONTROLLED,
        PRECISION,
        RECALL,
        R1_IMAGE_TO_TEXT,
        R1_TEXT_TO_IMAGE,
    )
)
RADIUS_CONTROL_COLUMNS = tuple(
    column
    for key in (PRECISION, RECALL)
    for column in (
        Column(heading(key), *key),
        *(
            Column(f"{heading(key)}, {control}", "radius_controls", f"{key[1]}_{control}")
            for control in ("words", "characters", "shuffled")
        ),
    )
)
ROOT_COLUMNS = tuple(
    Column(f"{heading(key)}, {name}", "root_ablation", f"{key[1]}_{root}")
    for key in (TAU_D, PRECISION, RECALL)
    for root, name in (("empty", "empty string"), ("mean", "mean text"), ("origin", "origin"))
    if (key, root) != (TAU_D, "origin")  # 0 by construction
)
GAP_COLUMNS = columns(
    "modality_gap",
    gap="Gap of the centroids",
    cosine_of_pairs="Cosine, image and caption",
    image_radius="Radius, images",
    text_radius="Radius, tier 4",
    image_beyond_text="Images beyond tier 4",
)
PAIR_COLUMNS = columns(
    "length_matched", plain="Equal length, plain", coloured="Equal length, coloured"
) + columns(
    "entailment",
    auroc_other="Other item, by angle",
    auroc_other_radius="Other item, by radius",
    auroc_reversed="Reversed, by angle",
    auroc_reversed_radius="Reversed, by radius",
)
PROTOCOL_COLUMNS = (
    *columns(
        "hyper3_entailment",
        average_precision_first_margin="Hyper3-CLIP: AP",
        auroc_first_margin="Hyper3-CLIP: AUROC",
        average_precision_even_margin="the same, even negatives: AP",
        auroc_even_margin="even negatives: AUROC",
    ),
    *columns("prolip_interpolation", precision="ProLIP: precision", recall="ProLIP: recall"),
    *columns("himo_tiers", himo_at_k="HiMo@K, tiers"),
    *columns("sugar_crepe", accuracy="SugarCrepe"),
)
CLASSIFICATION_COLUMNS = columns(
    "classification",
    fine_accuracy="Fine",
    coarse_accuracy="Coarse, by its own prompts",
    coarse_accuracy_of_fine="Coarse, of the fine answer",
    tree_induced_error="Distance on the class tree",
)
HIERARCHICAL_COLUMNS = columns(
    "hierarchical_retrieval",
    precision="Precision",
    recall="Recall",
    **{f"recall_tier_{tier}": f"Recall, tier {tier}" for tier in range(1, 5)},
)
RETRIEVAL_COLUMNS = columns(
    "retrieval",
    **{
        f"{way}_r{k}": f"{name} R@{k}"
        for name, way in (("Image to text", "image_to_text"), ("Text to image", "text_to_image"))
        for k in (1, 5, 10)
    },
)


def world(results: Results) -> Html:
    """Return the drawn world's contact sheet, or a sentence where the images are not drawn."""
    test_set = results.info["test_set"]
    size = f"{count(test_set['n_items'], 'image')}, {count(test_set['n_texts'], 'caption')}"
    if results.contact_sheet is None:
        return note(
            f"The test set is {test_set['source']} ({size}); it has no contact sheet of drawn "
            "concepts. Example images are further down."
        )
    panel = Panel(results.contact_sheet, "Contact sheet of the concepts drawn", "image/png")
    return figure([panel], f"The concepts of the drawn world. Test set: {size}.")


def estimate_table(results: Results, columns: Sequence[Column], title: str) -> Html:
    """Return a row per run that has any of the metrics: values over their 95% intervals."""
    head = "".join(f'<th scope="col">{prose(column.heading)}</th>' for column in columns)
    bodies: list[str] = []
    sizes: set[int] = set()
    for kind, group in GROUPS.items():
        rows = []
        for run in results.of_kind(kind):
            estimates = [results.estimate(run, c.task, c.metric) for c in columns]
            if not any(estimates):
                continue
            sizes |= {estimate.n for estimate in estimates if estimate}
            rows.append(_estimate_row(run, [f"<td>{number_cell(e)}</td>" for e in estimates]))
        if rows:
            first = f'<tr><th scope="rowgroup" colspan="{len(columns) + 2}">{group}</th></tr>'
            bodies.append(f"<tbody>\n{first}\n" + "\n".join(rows) + "\n</tbody>")
    if not bodies:
        return note(f"{title}: not measured in this run.")
    caption = (
        f"<span>{prose(title)}</span> <small>One row per seed. In brackets: bootstrap 95% "
        f"interval over items, n = {span(sizes)}. A dash: does not apply or was not "
        "measured.</small>"
    )
    return scrolling(
        f'<table class="hc-table">\n<caption>{caption}</caption>\n<thead><tr>'
        f'<th scope="col">Model</th><th scope="col">Seed</th>{head}</tr></thead>\n'
        + "\n".join(bodies)
        + "\n</table>",
        title,
    )


def _estimate_row(run: Run, cells: Sequence[str]) -> str:
    seed = "–" if run.objective == "baseline" and not run.model.startswith("random") else run.seed
    label = f'<th scope="row">{escape(run.label)}</th><td>{seed}</td>'
    return f"<tr>{label}{''.join(cells)}</tr>"


def choose_examples(results: Results) -> tuple[pd.DataFrame, str]:
    """Return the items to show and the rule that chose them, in plain text.

    Of the items kept with pictures, ranked by recall, then precision (both falling), then item id
    under the model of the highest recall: the first two, the middle two and the last two.
    """
    best = results.highest(*RECALL)
    if best is None:
        return pd.DataFrame(), "No model's retrieved hierarchies are part of this run."
    found = results.items(best[0], "hierarchical_retrieval")
    table = results.examples[["item_id", "image"]].merge(
        found[["item_id", "precision", "recall"]], on="item_id", validate="one_to_one"
    )
    table = table.sort_values(
        ["recall", "precision", "item_id"], ascending=[False, False, True], ignore_index=True
    )
    chosen = best_middle_worst(len(table), ("best", "median", "worst"))
    table = table.loc[list(chosen)].assign(place=list(chosen.values()))
    rule = (
        f"Chosen by rule, not by eye: of the {count(len(results.examples), 'image')} kept with "
        f"their pictures (of {len(found):,} in the test set), ranked by recall, then precision, "
        f"then item id under {results.name(best[0])} (the model of the highest recall), the "
        "first two, the middle two and the last two."
    )
    return table, rule


def best_middle_worst(size: int, names: tuple[str, str, str]) -> dict[int, str]:
    """Return the first two, middle two and last two places of ``size`` ranked, with their names.

    In rising order, each once: of few, a place has its last name.
    """
    middle = max(size // 2 - 1, 0)
    places = (0, 1, middle, middle + 1, size - 2, size - 1)
    named = dict(zip(places, (name for name in names for _ in range(2)), strict=True))
    return {place: named[place] for place in sorted(named) if 0 <= place < size}


def example_cards(results: Results) -> Html:
    """Return the chosen items as cards: picture, gold chain and each model's retrieved chain."""
    chosen, rule = choose_examples(results)
    runs = [run for run in results.representatives("model") if results.estimate(run, *RECALL)]
    found = {run: results.items(run, "hierarchical_retrieval").set_index("item_id") for run in runs}
    cards = []
    for item in chosen.itertuples(index=False):
        gold = list(found[runs[0]].loc[item.item_id, "gold"])
        chains = "\n".join(chain(results, run, found[run].loc[item.item_id], gold) for run in runs)
        cards.append(
            f'<article class="hc-card">\n<header>{picture(item.image, gold)}<p><b>{item.place}</b> '
            f"<code>{escape(item.item_id)}</code></p></header>\n"
            f"<section><h4>gold</h4>{gold_chain(gold)}</section>\n"
            f"{chains}\n</article>"
        )
    return note(rule) + Html('<div class="hc-cards">\n' + "\n".join(cards) + "\n</div>")


def picture(content: bytes, gold: Sequence[str]) -> str:
    """Return an item's image as an element, described by its most specific tier."""
    return Panel(thumbnail(content), f"The image: {gold[-1]}", "image/png").tag


def gold_chain(gold: Sequence[str]) -> str:
    """Return an item's own tiers as a list, from general to specific."""
    return f'<ol class="hc-chain">{"".join(f"<li>{escape(text)}</li>" for text in gold)}</ol>'


def chain(results: Results, run: Run, row: pd.Series, gold: Sequence[str]) -> str:
    """Return what a run retrieves for one item, generic to specific, its gold tiers marked."""
    retrieved = list(row["retrieved"])
    entries = []
    for text in retrieved[:LONG_CHAIN]:
        if text in gold:
            tier = list(gold).index(text) + 1
            mark = f'<b class="hc-mark">✓ tier {tier}</b>'
            entries.append(f'<li class="hc-hit">{escape(text)} {mark}</li>')
        else:
            entries.append(f"<li>{escape(text)}</li>")
    if len(retrieved) > LONG_CHAIN:
        entries.append(f"<li>… and {len(retrieved) - LONG_CHAIN} more</li>")
    scores = f"precision {row['precision']:.2f}, recall {row['recall']:.2f}"
    texts = f'<ol class="hc-chain">{"".join(entries)}</ol>' if entries else "<p>nothing</p>"
    return f"<section><h4>{escape(results.name(run))} <small>{scores}</small></h4>{texts}</section>"


def thumbnail(content: bytes) -> bytes:
    """Return a PNG of at most ``MAX_PICTURE_PIXELS`` a side; smaller pictures pass unchanged."""
    with Image.open(io.BytesIO(content)) as image:
        if max(image.size) <= MAX_PICTURE_PIXELS:
            return content
        image.thumbnail((MAX_PICTURE_PIXELS, MAX_PICTURE_PIXELS))
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        return buffer.getvalue()


def provenance(results: Results) -> Html:
    """Return what the run was made from: test set, versions and, folded, its parameters."""
    info = results.info
    facts = {
        f"test set: {key.removeprefix('n_')}": value for key, value in info["test_set"].items()
    }
    if "params_sha256" in info:
        facts["parameters: SHA-256"] = info["params_sha256"]
    facts |= {f"version: {key}": value for key, value in sorted(info["versions"].items())}
    rows = [[escape(str(key)), escape(str(value))] for key, value in facts.items()]
    params = json.dumps(info["params"], indent=2, sort_keys=True, ensure_ascii=False)
    return table("What this run was made from", "", ["What", "Value"], rows, "hc-facts") + folded(
        "All parameters of the run", params
    )
