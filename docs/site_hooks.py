"""What the site shows and no page holds: files of the checkout, the commands' help, formulas.

Hooks of MkDocs, named in mkdocs.yml. Everything is made from what the project runs with, so that no
page repeats by hand what the code says, and nothing is loaded from elsewhere: formulas are MathML,
which browsers draw themselves.
"""

import html
import os
import re
from pathlib import Path
from typing import Any

import latex2mathml.converter
import typer
from mkdocs.structure.files import File, Files
from stage_graph import STAGES, edges_of

from hierarcaps.cli.app import app

ROOT = Path(__file__).resolve().parents[1]
# Pages whose text lies elsewhere in the checkout, where it is read without the site as well.
ELSEWHERE = {
    "configuration.md": "config/README.md",
    "cluster.md": "profiles/README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
    "log.md": "dev/LOG.md",
    "security.md": "SECURITY.md",
}
COMMANDS = "<!-- commands -->"


def on_files(files: Files, config: Any) -> Files:
    """Add the pages of ``ELSEWHERE``."""
    for page, path in ELSEWHERE.items():
        text = (ROOT / path).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=relinked(text, path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Fill in the commands, and the graph of rules as a table."""
    if page.file.src_uri not in ELSEWHERE:
        markdown = relinked(markdown, f"docs/{page.file.src_uri}")
    markdown = markdown.replace(COMMANDS, commands())
    return re.sub(r"```mermaid\n(.*?)```", lambda m: rule_table(m[1]), markdown, flags=re.DOTALL)


def on_page_content(content: str, **_: Any) -> str:
    """Draw formulas."""
    pattern = r'<(span|div) class="arithmatex">\\[\[(](.*?)\\[\])]</\1>'
    return re.sub(pattern, _formula, content, flags=re.DOTALL)


def _formula(match: re.Match[str]) -> str:
    display = "block" if match[1] == "div" else "inline"
    return latex2mathml.converter.convert(html.unescape(match[2]).strip(), display=display)


def relinked(text: str, path: str) -> str:
    """Return Markdown of a file of the checkout with its links between files as links of the site.

    Args:
        text: its content.
        path: its place in the checkout.

    >>> relinked("[keys](../config/README.md#keys)", "docs/index.md")
    '[keys](configuration.md#keys)'
    """
    pages = {source: page for page, source in ELSEWHERE.items()}

    def page_of(match: re.Match[str]) -> str:
        target = os.path.normpath(os.path.join(os.path.dirname(path), match[1]))  # noqa: PTH118, PTH120
        target = pages.get(target, target)
        return f"]({target.removeprefix('docs/')}{match[2] or ''})"

    return re.sub(r"\]\((?![a-z]+:)([^)#\s]+)(#[^)\s]*)?\)", page_of, text)


def commands() -> str:
    """Return all commands with their arguments and options, as Typer knows them."""
    group = typer.main.get_command(app)
    names = sorted(group.commands)  # type: ignore[attr-defined]
    parts = [_command(name, group.commands[name]) for name in names]  # type: ignore[attr-defined]
    return "\n\n".join([*parts, f"## Exit status\n\n{_plain(group.epilog or '')}"])


def _command(name: str, command: Any) -> str:
    context = command.context_class(command, info_name=f"hierarcaps {name}")
    usage = command.get_usage(context).removeprefix("Usage: ")
    rows = ["| argument or option | meaning | default |", "|---|---|---|"]
    for parameter in command.params:
        default = parameter.default
        shown = "" if default in (None, False) or callable(default) else f"`{default}`"
        meaning = _plain(getattr(parameter, "help", None) or "").replace("|", "\\|")
        rows.append(
            f"| `{_label(parameter)}` | {meaning} | {'required' if parameter.required else shown} |"
        )
    parts = [f"## {name}", f"```text\n{usage}\n```", _plain(command.help or ""), "\n".join(rows)]
    return "\n\n".join(parts)


def _label(parameter: Any) -> str:
    metavar = parameter.metavar or parameter.name.upper()
    if parameter.param_type_name == "argument":
        return metavar
    names = ", ".join(sorted(parameter.opts, key=len))
    return names if parameter.is_flag else f"{names} {metavar}"


def _plain(text: str) -> str:
    """Return help as Markdown: what looks like HTML or is quoted with backquotes stays text."""
    return html.escape(text, quote=False).replace("\n\n\n", "\n\n").strip()


def rule_table(graph: str) -> str:
    """Return Snakemake's mermaid graph as a table, stage by stage."""
    edges = edges_of(graph)
    rows = ["| stage | rule | comes after |", "|---|---|---|"]
    for stage in STAGES.values():
        for rule in stage.rules:
            before = sorted(first for first, second in edges if second == rule)
            if before or any(first == rule for first, _ in edges):
                rows.append(f"| {stage.title} | `{rule}` | {', '.join(f'`{b}`' for b in before)} |")
    return "\n".join(rows)
