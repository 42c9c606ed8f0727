"""Says, before a study on the official test set, what it downloads and how long it takes."""

import sys
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(CHECKOUT / "src")]

from hierarcaps.evaluation.cost import describe_cost, read_weights  # noqa: E402
from hierarcaps.runtime.errors import InputError  # noqa: E402
from hierarcaps.runtime.params import merge, validate  # noqa: E402


def main(overlays: list[str], models: str) -> None:
    """Print it for ``params.yaml`` with overlays, for some models (in words) or for all."""
    params: dict = {}
    for path in [CHECKOUT / "params.yaml", *overlays]:
        params = merge(params, yaml.safe_load(Path(path).read_text(encoding="utf-8")))
    if models.split():
        params["probe"] = {**params["probe"], "models": models.split()}
    try:
        schema = CHECKOUT / "workflow" / "schemas" / "params.schema.yaml"
        known = read_weights(CHECKOUT / "config" / "weights.csv")
        print(describe_cost(validate(params, schema), known), file=sys.stderr)
    except InputError as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    *files, chosen = sys.argv[1:]
    main(files, chosen)
