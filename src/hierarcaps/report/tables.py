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
from hierarcaps.report.study import PRECISION, RECALL, Kind, Results, Run, count

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


MAIN_COLUMNS = (
    Column("τ_d", "ordering", "tau_d"),
    Column("τ_d, length-controlled", "ordering", "tau_d_length_controlled"),
    Column("Precision", *PRECISION),
    Column("Recall", *RECALL),
    Column("R@1, image to text", "retrieval", "image_to_text_r1"),
    Column("R@1, text to image", "retrieval", "text_to_image_r1"),
)
RADIUS_CONTROL_COLUMNS = tuple(
    column
    for heading, metric in (("Precision", "precision"), ("Recall", "recall"))
    for column in (
        Column(heading, "hierarchical_retrieval", metric),
        Column(f"{heading}, words", "radius_controls", f"{metric}_words"),
        Column(f"{heading}, characters", "radius_controls", f"{metric}_characters"),
        Column(f"{heading}, shuffled", "radius_controls", f"{metric}_shuffled"),
    )
)
ROOT_COLUMNS = tuple(
    Column(f"{heading}, {name}", "root_ablation", f"{metric}_{root}")
    for heading, metric in (("τ_d", "tau_d"), ("Precision", "precision"), ("Recall", "recall"))
    for root, name in (("empty", "empty string"), ("mean", "mean text"), ("origin", "origin"))
    if (metric, root) != ("tau_d", "origin")  # 0 by construction
)
GAP_COLUMNS = (
    Column("Gap of the centroids", "modality_gap", "gap"),
    Column("Cosine, image and caption", "modality_gap", "cosine_of_pairs"),
    Column("Radius, images", "modality_gap", "image_radius"),
    Column("Radius, tier 4", "modality_gap", "text_radius"),
    Column("Images beyond tier 4", "modality_gap", "image_beyond_text"),
)
PAIR_COLUMNS = (
    Column("Equal length, plain", "length_matched", "plain"),
    Column("Equal length, coloured", "length_matched", "coloured"),
    Column("Other item, by angle", "entailment", "auroc_other"),
    Column("Other item, by radius", "entailment", "auroc_other_radius"),
    Column("Reversed, by angle", "entailment", "auroc_reversed"),
    Column("Reversed, by radius", "entailment", "auroc_reversed_radius"),
)
CLASSIFICATION_COLUMNS = (
    Column("Fine", "classification", "fine_accuracy"),
    Column("Coarse, by its own prompts", "classification", "coarse_accuracy"),
    Column("Coarse, of the fine answer", "classification", "coarse_accuracy_of_fine"),
    Column("Distance on the class tree", "classification", "tree_induced_error"),
)
HIERARCHICAL_COLUMNS = (
    Column("Precision", *PRECISION),
    Column("Recall", *RECALL),
    *(
        Column(f"Recall, tier {tier}", "hierarchical_retrieval", f"recall_tier_{tier}")
        for tier in range(1, 5)
    ),
)
RETRIEVAL_COLUMNS = tuple(
    Column(f"{heading} R@{k}", "retrieval", f"{way}_r{k}")
    for heading, way in (("Image to text", "image_to_text"), ("Text to image", "text_to_image"))
    for k in (1, 5, 10)
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
    bodies, sizes = [], set()
    for kind, heading in GROUPS.items():
        rows = []
        for run in results.of_kind(kind):
            estimates = [results.estimate(run, c.task, c.metric) for c in columns]
            if not any(estimates):
                continue
            sizes |= {estimate.n for estimate in estimates if estimate}
            rows.append(_estimate_row(run, [f"<td>{number_cell(e)}</td>" for e in estimates]))
        if rows:
            group = f'<tr><th scope="rowgroup" colspan="{len(columns) + 2}">{heading}</th></tr>'
            bodies.append(f"<tbody>\n{group}\n" + "\n".join(rows) + "\n</tbody>")
    if not bodies:
        return note(f"{title}: not measured in this run.")
    n = f"{min(sizes):,}" + (f" to {max(sizes):,}" if len(sizes) > 1 else "")
    caption = (
        f"<span>{prose(title)}</span> <small>One row per seed. In brackets: bootstrap 95% "
        f"interval over items, n = {n}. A dash: does not apply or was not measured.</small>"
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
    middle = max(len(table) // 2 - 1, 0)
    places = [0, 1, middle, middle + 1, len(table) - 2, len(table) - 1]
    names = ["best", "best", "median", "median", "worst", "worst"]
    chosen = {
        place: name for place, name in zip(places, names, strict=True) if place in table.index
    }
    table = table.loc[sorted(chosen)].assign(place=[chosen[place] for place in sorted(chosen)])
    rule = (
        f"Chosen by rule, not by eye: of the {count(len(results.examples), 'image')} kept with "
        f"their pictures (of {len(found):,} in the test set), ranked by recall, then precision, "
        f"then item id under {results.name(best[0])} (the model of the highest recall), the "
        "first two, the middle two and the last two."
    )
    return table, rule


def example_cards(results: Results) -> Html:
    """Return the chosen items as cards: picture, gold chain and each model's retrieved chain."""
    chosen, rule = choose_examples(results)
    runs = [run for run in results.representatives("model") if results.estimate(run, *RECALL)]
    found = {run: results.items(run, "hierarchical_retrieval").set_index("item_id") for run in runs}
    cards = []
    for item in chosen.itertuples(index=False):
        gold = list(found[runs[0]].loc[item.item_id, "gold"])
        chains = "\n".join(chain(results, run, found[run].loc[item.item_id], gold) for run in runs)
        picture = Panel(thumbnail(item.image), f"The image: {gold[-1]}", "image/png")
        tiers = "".join(f"<li>{escape(text)}</li>" for text in gold)
        cards.append(
            f'<article class="hc-card">\n<header>{picture.tag}<p><b>{item.place}</b> '
            f"<code>{escape(item.item_id)}</code></p></header>\n"
            f'<section><h4>gold</h4><ol class="hc-chain">{tiers}</ol></section>\n'
            f"{chains}\n</article>"
        )
    return note(rule) + Html('<div class="hc-cards">\n' + "\n".join(cards) + "\n</div>")


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
