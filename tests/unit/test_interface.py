"""The package's interface: names that are imported at first use, and examples that are true."""

import ast
import doctest
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import hierarcaps

EXAMPLES = [
    "geometry.sphere", "alignment.losses", "metrics.hierarchy", "data.hierarchy", "models.entry",
]  # fmt: skip


def test_every_name_is_there_and_says_what_it_is():
    for name in hierarcaps.__all__:
        found = getattr(hierarcaps, name)
        assert found.__name__ == name
        assert found.__module__.startswith("hierarcaps.")
        assert found.__doc__.strip()
    assert set(hierarcaps.__all__) <= set(dir(hierarcaps))
    with pytest.raises(AttributeError, match="module 'hierarcaps' has no attribute 'radios'"):
        _ = hierarcaps.radios


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(hierarcaps.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in block.body for alias in node.names}
    assert seen == {name: getattr(hierarcaps, name).__module__ for name in hierarcaps.__all__}


def test_geometry_losses_and_metrics_need_torch_and_numpy_alone():
    code = (
        "import sys, hierarcaps as h\n"
        "assert 'numpy' not in sys.modules\n"
        "h.radius, h.exterior_angle, h.RadialEmbeddingLoss, h.kendall_tau, h.InputError\n"
        "loaded = {'pandas', 'PIL', 'yaml', 'transformers', 'open_clip'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_of_docstrings(name: str):
    found = doctest.testmod(import_module(f"hierarcaps.{name}"))
    assert found.attempted
    assert not found.failed
