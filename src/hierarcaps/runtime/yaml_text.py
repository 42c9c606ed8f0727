"""What YAML takes in silence: a key that is given twice."""

from collections.abc import Iterator

import yaml


def repeated_keys(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield keys that a section of a YAML text has twice, with the lines of both."""
    yield from _repeated_keys(yaml.compose(text, Loader=yaml.SafeLoader), "")


def _repeated_keys(node: yaml.Node | None, where: str) -> Iterator[tuple[str, int, int]]:
    if isinstance(node, yaml.SequenceNode):
        for index, each in enumerate(node.value):
            yield from _repeated_keys(each, f"{where}{index}.")
    if not isinstance(node, yaml.MappingNode):
        return
    lines: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if isinstance(key, yaml.ScalarNode) and key.value in lines:
            yield f"{where}{key.value}", lines[key.value], line
        lines.setdefault(str(key.value), line)
    for key, value in node.value:
        yield from _repeated_keys(value, f"{where}{key.value}.")
