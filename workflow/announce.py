"""Says, before a study on the official test set, what it downloads and how long it takes."""

import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(CHECKOUT / "src")]

from hierarcaps.evaluation.cost import describe_cost, read_weights  # noqa: E402
from hierarcaps.runtime.errors import InputError  # noqa: E402
from hierarcaps.runtime.params import read_params  # noqa: E402


def main(overlays: list[str], models: str) -> None:
    """Print it for ``params.yaml`` with overlays, for some models (in words) or for all."""
    schema = CHECKOUT / "workflow" / "schemas" / "params.schema.yaml"
    try:
        chosen = {"probe": {"models": models.split()}} if models.split() else {}
        params = read_params(CHECKOUT / "params.yaml", overlays, schema, chosen)
        known = read_weights(CHECKOUT / "config" / "weights.csv")
        print(describe_cost(params, known), file=sys.stderr)
    except InputError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    *files, chosen = sys.argv[1:]
    main(files, chosen)
