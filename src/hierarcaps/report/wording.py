"""How numbers, counts, seeds and orders are written: in one way on every page."""

from collections.abc import Iterable, Sequence


def number(value: float) -> str:
    """Return three decimals, with a true minus sign and no negative zero."""
    return f"{round(value, 3) + 0.0:.3f}".replace("-", "−")


def signed(value: float) -> str:
    """Return three decimals with their sign; ``0.000`` has none."""
    text = number(value)
    return text if text == "0.000" or text.startswith("−") else f"+{text}"


def signed_interval(low: float, high: float) -> str:
    """Return ``[−0.010, +0.020]``."""
    return f"[{signed(low)}, {signed(high)}]"


def signed_span(values: Iterable[float]) -> str:
    """Return ``+0.010 to +0.034``, or one of them where both ends are written alike."""
    ordered = sorted(values)
    low, high = signed(ordered[0]), signed(ordered[-1])
    return low if low == high else f"{low} to {high}"


def count(size: int, noun: str, plural: str | None = None) -> str:
    """Return ``1 model``, ``3 models``."""
    return f"{size:,} {noun if size == 1 else plural or noun + 's'}"


def of_all(some: int, all_of: int, noun: str) -> str:
    """Return ``all 4 models``, ``the one model``, ``3 of 4 models``, ``none of 4 models``."""
    if some == all_of:
        return f"the one {noun}" if all_of == 1 else f"all {all_of:,} {noun}s"
    return f"{f'{some:,}' if some else 'none'} of {count(all_of, noun)}"


def span(sizes: Iterable[int]) -> str:
    """Return numbers of items: ``1,000``, or ``6 to 12`` where they differ; ``0`` of none."""
    found = sorted(set(sizes)) or [0]
    return f"{found[0]:,}" if len(found) == 1 else f"{found[0]:,} to {found[-1]:,}"


def seeds(used: Iterable[int]) -> str:
    """Return ``seed 0``, ``seeds 0, 1``: each once, in rising order."""
    found = sorted(set(used))
    return f"seed{'' if len(found) == 1 else 's'} {', '.join(map(str, found))}"


def replications(trainings: Iterable[int], orders: Iterable[int]) -> str:
    """Return ``5 trainings``, ``3 orders of the training items``, or both.

    Args:
        trainings: of each model that was pre-trained several times, and aligned from each.
        orders: of each that was aligned several times from one checkpoint.
    """
    parts = [
        f"{found} {noun}{'' if found == '1' else 's'}{of_what}"
        for numbers, noun, of_what in (
            (trainings, "training", ""),
            (orders, "order", " of the training items"),
        )
        if (found := span(numbers)) != "0"
    ]
    return listed(parts or ["one run"])


def varied(trainings: Iterable[int], orders: Iterable[int]) -> str:
    """Return what intervals are over: ``trainings and items``, ``items``, or which where."""
    if not any(trainings):
        return "items"
    if not any(orders):
        return "trainings and items"
    return "trainings and items (of models of one training over items alone)"


def first_seed(used: Iterable[int]) -> str:
    """Say of a figure which seed stands for all that a model was run with."""
    return f"of several seeds the first listed is shown ({seeds(used)})"


def first_run() -> str:
    """Say of a figure which alignment stands for all of a model and objective."""
    return "of several trainings, or orders of the training items, the first listed is shown"


def listed(parts: Sequence[str]) -> str:
    """Join as ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
