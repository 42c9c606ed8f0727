"""Composes docs/real_towers.md and its figure of docs/real_towers/results.csv."""

from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from hierarcaps.publishing.markdown import filled, table

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "real_towers.md"
FIGURE = HERE / "tiers.svg"
ENCODER, SENTENCES = "real-encoder", "all-MiniLM-L6-v2"
NAMES = {"zeroshot": "before alignment", "re": "RE", "ec": "EC"}
RATES = {"re": "3e-6", "ec": "6e-6"}  # of the two that were run in further orders
VARIANTS = {
    "re": f"RE, {RATES['re']}",
    "re-double-rate": "RE, 6e-6",
    "re-prior-2": "RE, 6e-6, prior 2",
    "re-prior-50": "RE, 6e-6, prior 50",
    "ec": f"EC, {RATES['ec']}",
    "ec-half-rate": "EC, 3e-6",
}
FIRST = "before images: the sentence encoder"
ORDER = [
    ("ordering", "tau_d", "τ_d"),
    ("ordering", "tau_d_length_controlled", "τ_d, length-controlled"),
    ("hyperlex", "spearman_all", "HyperLex"),
    ("entailment", "auroc_other", "entailment, AUROC"),
]
IMAGES = [
    ("hierarchical_retrieval", "precision", "precision"),
    ("hierarchical_retrieval", "recall", "recall"),
    ("retrieval", "image_to_text_r1", "R@1 to text"),
    ("retrieval", "text_to_image_r1", "R@1 to image"),
    ("retrieval_flickr8k", "image_to_text_r1", "Flickr8k R@1 to text"),
    ("retrieval_flickr8k", "text_to_image_r1", "Flickr8k R@1 to image"),
]
ALLOWED = 0.02  # of R@1 on the half of Flickr8k that rates are chosen on
TIERS = [("hierarchical_retrieval", f"recall_tier_{tier}", f"tier {tier}") for tier in range(1, 5)]
CONTROLS = [
    ("hierarchical_retrieval", "{}", "the model's own radius"),
    ("radius_controls", "{}_words", "number of words"),
    ("radius_controls", "{}_shuffled", "its own radii, shuffled"),
]
HUBS = [("hubness", "most_retrieved_wrongly", "images that retrieve the worst text wrongly"),
        ("hubness", "most_wrongly_after_first", "the same, first threshold aside"),
        ("hubness", "lost_to_first", "precision lost to the first threshold"),
        ("hubness", "lost_to_worst", "precision lost to the ten worst")]  # fmt: skip

Metric = tuple[str, str, str]


class Number(NamedTuple):
    """A value with its 95% interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    @property
    def signed(self) -> str:
        """As a difference, bold where its interval excludes zero."""
        mark = "**" if self.certain else ""
        return f"{mark}{self.value:+.3f}{mark} [{self.low:+.3f}, {self.high:+.3f}]"

    @property
    def certain(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0


class Study:
    """The rows of results.csv."""

    def __init__(self) -> None:
        table = pd.read_csv(HERE / "results.csv").fillna({"reference": ""})
        key = ["study", "model", "objective", "reference", "task", "metric"]
        self.rows = table.drop_duplicates(key).set_index(key).sort_index()

    def number(
        self, objective: str, metric: Metric, reference: str = "", study: str = "orders",
        model: str = ENCODER,
    ) -> Number | None:  # fmt: skip
        """Return a number, or None where it was not measured."""
        key = (study, model, objective, reference, *metric[:2])
        if key not in self.rows.index:
            return None
        return Number(*self.rows.loc[key, ["value", "low", "high"]])

    def change(self, objective: str, metric: Metric, study: str = "orders") -> Number:
        """Return what an alignment changes; of `variants`, in one order."""
        found = self.number(objective, metric, "zeroshot", study)
        assert found is not None, (objective, metric)
        return found

    def orders(self) -> int:
        """Return the number of orders of RE."""
        key = ("orders", ENCODER, "re", "", "ordering", "tau_d")
        return int(self.rows.loc[key, "runs"])


def cell(number: Number | None) -> str:
    """Return a value with its interval, or a dash."""
    return "–" if number is None else str(number)


def value_table(study: Study, metrics: list[Metric]) -> str:
    """Return the values of all that was measured, a row each."""
    shown = [
        ("number of words", "baseline", "words"),
        (FIRST, "zeroshot", SENTENCES),
        ("the dual encoder", "zeroshot", ENCODER),
        (f"+ {VARIANTS['re']}", "re", ENCODER),
        (f"+ {VARIANTS['ec']}", "ec", ENCODER),
    ]
    rows = [
        [name, *(cell(study.number(objective, each, model=model)) for each in metrics)]
        for name, objective, model in shown
    ]
    kept = [row for row in rows if set(row[1:]) != {"–"}]
    return table(["", *(name for _, _, name in metrics)], kept)


def change_table(study: Study, metrics: list[Metric]) -> str:
    """Return what RE and EC change."""
    rows = []
    for objective in ("re", "ec"):
        found = [study.number(objective, metric, "zeroshot") for metric in metrics]
        rows.append(
            [VARIANTS[objective], *("–" if each is None else each.signed for each in found)]
        )
    return table(["", *(name for _, _, name in metrics)], rows)


def control_table(study: Study) -> str:
    """Return precision and recall by another radius, before and after."""
    rows = []
    for task, metric, name in CONTROLS:
        for measure in ("precision", "recall"):
            wanted = (task, metric.format(measure), name)
            rows.append([f"{measure}, {name}", *(cell(study.number(o, wanted)) for o in NAMES)])
    return table(["", *NAMES.values()], rows)


def hub_table(study: Study) -> str:
    """Return hubs before and after."""
    rows = [[name, *(cell(study.number(o, (task, metric, name))) for o in NAMES)]
            for task, metric, name in HUBS]  # fmt: skip
    return table(["", *NAMES.values()], rows)


def rate_table(study: Study) -> str:
    """Return what the learning rates were chosen by."""
    rows = []
    for objective, name in VARIANTS.items():
        if "prior" in objective:
            continue
        after = study.number(objective, ("held_out", "tau_d", ""), study="variants")
        drift = study.number(objective, ("held_out", "prior", ""), study="variants")
        lost = retention(study, objective)
        assert after is not None
        assert drift is not None
        rows.append([name, f"{after.value:.3f}", f"{drift.value:.4f}", f"{lost:+.3f}"])
    head = ["", "τ_d of held-out rows", "drift (1 - cos) / 2", "R@1, Flickr8k's other half"]
    return table(head, rows)


def retention(study: Study, objective: str) -> float:
    """Return the change of R@1, mean of both directions, on the half that rates are chosen on."""
    task = "retrieval_flickr8k-tuning"
    both = [(task, f"{way}_r1", "") for way in ("image_to_text", "text_to_image")]
    return sum(study.change(objective, each, "variants").value for each in both) / 2


def chosen(study: Study) -> str:
    """Say which rates the rule takes, and whether those are the ones that were run in full."""
    rates = {
        "re": {"re": RATES["re"], "re-double-rate": "6e-6"},
        "ec": {"ec": RATES["ec"], "ec-half-rate": "3e-6"},
    }
    taken = {}
    for name, variants in rates.items():
        kept = [each for each in variants if -retention(study, each) <= ALLOWED]
        best = max(kept, key=lambda each: held_out_tau(study, each), default=None)
        taken[name] = variants[best] if best else "neither"
    by_rule, run = (
        " and ".join(f"{rate} for {NAMES[name]}" for name, rate in each.items())
        for each in (taken, RATES)
    )
    if taken == RATES:
        return f"The rule takes {by_rule}, which were run in further orders."
    return (
        f"**The rule takes {by_rule}; further orders were run of {run}.** What the rule takes was "
        "run in one order: which objective is better is to be read at equal rates, below, and not "
        "from the tables above."
    )


def held_out_tau(study: Study, objective: str) -> float:
    """Return the order of the held-out rows after an alignment."""
    found = study.number(objective, ("held_out", "tau_d", ""), study="variants")
    assert found is not None
    return found.value


EQUAL = [("re", "ec-half-rate", "3e-6"), ("re-double-rate", "ec", "6e-6")]


def equal_table(study: Study) -> str:
    """Return RE less EC at equal rates, in one order."""
    metrics = [*ORDER[:3], *IMAGES[:2], TIERS[0], TIERS[3]]
    rows = []
    for objective, reference, rate in EQUAL:
        found = [study.number(objective, each, reference, "variants") for each in metrics]
        rows.append([f"both at {rate}", *("–" if each is None else each.signed for each in found)])
    return table(["RE less EC", *(name for _, _, name in metrics)], rows)


def trade(study: Study) -> str:
    """Say whether some variant keeps tier 4, and which loses the least of it."""
    found = {
        name: (study.change(each, TIERS[0], "variants"), study.change(each, TIERS[3], "variants"))
        for each, name in VARIANTS.items()
    }
    both = sum(one.low > 0 and four.high < 0 for one, four in found.values())
    least = max(found, key=lambda name: found[name][1].value)
    one, four = found[least]
    return (
        f"**Rate and prior.** {both} of {len(found)} variants gain tier 1 and lose tier 4; the "
        f"least of tier 4 is lost by {least} ({four.signed}, tier 1 {one.signed})."
    )


def which_is_better(study: Study) -> str:
    """Say in how many metrics RE and EC surely differ at equal rates."""
    metrics = [*ORDER[:3], *IMAGES[:2]]
    parts = []
    for objective, reference, rate in EQUAL:
        found = [study.number(objective, each, reference, "variants") for each in metrics]
        named = [(n, each) for (_, _, n), each in zip(metrics, found, strict=True) if each]
        better = {
            "RE": [f"{n} ({each.signed})" for n, each in named if each.low > 0],
            "EC": [f"{n} ({each.signed})" for n, each in named if each.high < 0],
        }
        sides = [f"{name} is ahead in {', '.join(each)}" for name, each in better.items() if each]
        parts.append(f"at {rate} {' and '.join(sides) or 'neither is surely ahead'}")
    return f"**RE less EC at equal rates** (one order): {'; '.join(parts)}."


def variant_table(study: Study) -> str:
    """Return what each variant changes, in one order."""
    metrics = [*TIERS, IMAGES[0], ORDER[0], ORDER[1], ORDER[2]]
    rows = []
    for objective, name in VARIANTS.items():
        if study.number(objective, TIERS[0], "zeroshot", "variants") is None:
            continue
        numbers = [study.change(objective, each, "variants").signed for each in metrics]
        rows.append([name, *numbers, f"{retention(study, objective):+.3f}"])
    return table(["", *(name for _, _, name in metrics), "R@1, Flickr8k"], rows)


def draw(study: Study) -> None:
    """Draw recall by tier before and after, and what each variant gains and loses."""
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "towers", "font.size": 9})
    figure = Figure(figsize=(8.6, 3.7), layout="constrained")
    left, right = figure.subplots(1, 2)
    colours = {"zeroshot": "#555555", "re": "#1f5fa8", "ec": "#c4561a"}
    for place, (name, marker) in enumerate(zip(NAMES, "osD", strict=True)):
        found = [study.number(name, metric) for metric in TIERS]
        numbers = [each for each in found if each is not None]
        left.errorbar(
            [tier + 0.12 * (place - 1) for tier in range(1, 5)],
            [each.value for each in numbers],
            yerr=[[n.value - n.low for n in numbers], [n.high - n.value for n in numbers]],
            marker=marker, color=colours[name], linewidth=1, capsize=2, label=NAMES[name],
        )  # fmt: skip
    left.set(xticks=range(1, 5), xlabel="tier of the gold caption (1: most general)",
             ylabel="recall (share of images)", title="Recall by tier", ylim=(0, None))  # fmt: skip
    left.legend(frameon=False)
    right.axvline(0, color="#bbbbbb", linewidth=0.8)
    rows = list(VARIANTS)
    for tier, marker in ((0, "^"), (3, "v")):
        for row, objective in enumerate(rows):
            change = study.change(objective, TIERS[tier], "variants")
            right.errorbar(
                change.value, row + (0.12 if tier else -0.12),
                xerr=[[change.value - change.low], [change.high - change.value]],
                marker=marker, color=colours[objective[:2]], linewidth=1, capsize=2,
                markerfacecolor="white" if tier else None, linestyle="none",
                label=None if row else f"tier {tier + 1}",
            )  # fmt: skip
    right.set(xlabel="change of recall, one order of items", title="What each variant trades",
              yticks=range(len(rows)))  # fmt: skip
    right.locator_params(axis="x", nbins=6)
    right.set_yticklabels(VARIANTS.values())
    right.invert_yaxis()
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower right", ncols=2,
                  frameon=False)  # fmt: skip
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(FIGURE, metadata={"Date": None})


def moved(change: Number, what: str) -> str:
    """Say what a difference allows."""
    if not change.certain:
        return f"does not tell on {what} ({change.signed})"
    return f"{'raises' if change.value > 0 else 'lowers'} {what} by {change.signed}"


def beside(one: Number, other: Number) -> str:
    """Say how two numbers stand, by their intervals."""
    if one.low > other.high:
        return "more than"
    return "less than" if one.high < other.low else "about as much as"


def tiers(found: list[int]) -> str:
    """Return tiers by their numbers."""
    if not found:
        return "no tier"
    return f"tier{'s' if len(found) > 1 else ''} {' and '.join(map(str, found))}"


def in_short(study: Study) -> str:
    """Return one sentence: order, precision, and what tiers gain and lose."""
    ordered = [study.change(name, ORDER[0]) for name in ("re", "ec")]
    if all(change.low > 0 for change in ordered):
        order = "Alignment orders the tiers on photographs too"
    else:
        order = "Alignment does not surely order the tiers here"
    trades = []
    for name in ("re", "ec"):
        changes = [study.change(name, each) for each in TIERS]
        gained = [tier for tier, each in enumerate(changes, 1) if each.low > 0]
        lost = [tier for tier, each in enumerate(changes, 1) if each.high < 0]
        trades.append(f"{NAMES[name]} gains in recall {tiers(gained)} and loses {tiers(lost)}")
    precise = {NAMES[name]: study.change(name, IMAGES[0]) for name in ("re", "ec")}
    sure = {"raises": [], "lowers": [], "does not surely change": []}
    for name, change in precise.items():
        verb = "raises" if change.low > 0 else "lowers" if change.high < 0 else list(sure)[-1]
        sure[verb].append(name)
    precision = ", ".join(
        f"{' and '.join(names)} {verb} precision" for verb, names in sure.items() if names
    )
    return f"**{order}; from images it trades: {'; '.join(trades)}; {precision}.**"


def findings(study: Study) -> str:
    """Return the computed sentences at the head of the page."""
    tau, controlled, lexical, _ = ORDER

    def number(objective: str, metric: Metric, model: str = ENCODER) -> Number:
        found = study.number(objective, metric, model=model)
        assert found is not None, (objective, metric)
        return found

    before, words = number("zeroshot", tau), number("baseline", tau, "words")
    texts = number("zeroshot", tau, SENTENCES)
    lines = [
        f"**Order before alignment.** τ_d is {before}: {beside(before, words)} counting words "
        f"({words}), and {beside(before, texts)} the same text tower before it was tied to images "
        f"({texts}). Where length does not tell, τ_d is {number('zeroshot', controlled)}, and "
        f"{number('zeroshot', controlled, SENTENCES)} of the text tower before; HyperLex "
        f"{number('zeroshot', lexical)}, and {number('zeroshot', lexical, SENTENCES)} before."
    ]
    order = [(tau, "τ_d"), (controlled, "τ_d where length does not tell"), (lexical, "HyperLex")]
    images = [
        (IMAGES[0], "precision"),
        (IMAGES[1], "recall"),
        (TIERS[0], "recall of tier 1"),
        (TIERS[3], "recall of tier 4"),
    ]
    for title, changes in (("Order", order), ("From images", images)):
        for name in ("re", "ec"):
            listed = ", ".join(moved(study.change(name, each), what) for each, what in changes)
            lines.append(f"**{title}, {VARIANTS[name]}**: {listed}.")
    of_words = ("radius_controls", "precision_words", "")
    own = ("hierarchical_retrieval", "precision", "")
    lines.append(
        "**Control of the radius.** With the number of words as the radius and the same "
        f"similarities, precision is {number('zeroshot', of_words)} before and "
        f"{number('re', of_words)} after RE; by the model's own radius "
        f"{number('zeroshot', own)} and {number('re', own)}."
    )
    lines += [which_is_better(study), trade(study)]
    return "\n".join([in_short(study), "", *(f"* {line}" for line in lines)])


def compose() -> str:
    """Return the page."""
    study = Study()
    draw(study)
    parts = {
        "findings": findings(study),
        "orders": str(study.orders()),
        "order": value_table(study, ORDER),
        "images": value_table(study, IMAGES),
        "order_changes": change_table(study, ORDER),
        "image_changes": change_table(study, IMAGES),
        "tiers": value_table(study, TIERS),
        "tier_changes": change_table(study, TIERS),
        "controls": control_table(study),
        "hubs": hub_table(study),
        "rates": rate_table(study),
        "chosen": chosen(study),
        "equal": equal_table(study),
        "variants": variant_table(study),
    }
    return filled(HERE.joinpath("page.md.in").read_text(encoding="utf-8"), parts)


if __name__ == "__main__":
    PAGE.write_text(compose(), encoding="utf-8")
