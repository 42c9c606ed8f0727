"""Rendering notebook templates to an executed notebook and one self-contained HTML page."""

import re
import sys
import tempfile
from collections.abc import Mapping
from html import escape, unescape
from importlib.resources import files
from pathlib import Path
from typing import Any

from hierarcaps.report.extract import write_pieces
from hierarcaps.runtime.errors import InputError
from hierarcaps.runtime.files import atomic_path

KERNEL = "python3"
# A busy machine can take minutes to start a kernel; by default papermill waits for one.
START_TIMEOUT = 600  # seconds
PAGE_TEMPLATE = "page.html.j2"
# nbconvert's pages load these from the network unless they are blank.
NETWORK_URLS = ("mathjax_url", "require_js_url", "mermaid_js_url", "mermaid_layout_elk_js_url")


class ReportError(RuntimeError):
    """A notebook failed for a reason that is not the user's input."""


def render(
    template: str | Path,
    output_ipynb: str | Path,
    output_html: str | Path,
    parameters: Mapping[str, Any],
    log: str | Path | None = None,
    figures: str | Path | None = None,
) -> None:
    """Execute a notebook template and write it as ipynb and as HTML, both atomically.

    The kernel is this environment's own, in the current directory. Equal results give equal bytes:
    timings, random cell ids and messages on standard error stay in the executed copy only.

    Parameters
    ----------
    template: a notebook with a cell tagged ``parameters``; it is only read.
    parameters: values of variables that this cell assigns (JSON types).
    log: where the executed copy as papermill leaves it is kept (``.ipynb``), above all after a
        failure. None: nowhere.
    figures: folder for the figures and tables as files of their own (``write_pieces``).

    Raises
    ------
    InputError: no such template, an unknown parameter, or an InputError inside the notebook.
    ReportError: any other failure of a cell; the message names cell, error and executed copy.
    """
    import nbformat

    with tempfile.TemporaryDirectory() as folder:
        executed = Path(log) if log else Path(folder) / "executed.ipynb"
        executed.parent.mkdir(parents=True, exist_ok=True)
        _execute(Path(template), executed, dict(parameters), kept=log is not None)
        notebook = stable(nbformat.read(executed, as_version=4))
    html = to_html(notebook)
    if figures is not None:
        write_pieces(notebook, figures)
    with atomic_path(output_ipynb) as partial:
        nbformat.write(notebook, partial)
    with atomic_path(output_html) as partial:
        partial.write_text(html, encoding="utf-8")


def _execute(template: Path, executed: Path, parameters: dict[str, Any], kept: bool) -> None:
    import papermill
    from papermill.exceptions import PapermillExecutionError

    if not template.is_file():
        raise InputError(f"notebook template {template} not found")
    known = papermill.inspect_notebook(str(template))
    if unknown := sorted(set(parameters) - set(known)):
        raise InputError(
            f"{template} has no parameter {', '.join(unknown)}; it has {', '.join(sorted(known))}"
        )
    try:
        papermill.execute_notebook(
            str(template),
            str(executed),
            parameters,
            kernel_name=KERNEL,
            kernel_manager_class=_own_kernel(),
            progress_bar=False,
            start_timeout=START_TIMEOUT,
        )
    except PapermillExecutionError as error:
        if error.ename == InputError.__name__:
            raise InputError(error.evalue) from None
        copy = f"; the executed copy is {executed}" if kept else ""
        raise ReportError(
            f"{template} failed in cell {error.cell_index}: {error.ename}: {error.evalue}{copy}"
        ) from error


def _own_kernel() -> type:
    """Return a manager of kernels that run on this Python, whatever is registered as python3.

    What a user or another environment has registered would render with other libraries, silently.
    """
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    class OwnKernel(AsyncKernelManager):
        kernel_spec = KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python 3",
            language="python",
        )

    return OwnKernel


def stable(notebook: Any) -> Any:
    """Strip what differs between equal executions from a notebook node, in place; return it.

    That is papermill's and the kernel's timings, random cell ids, and standard error (warnings,
    one-time messages of libraries).
    """
    notebook.metadata.pop("papermill", None)
    for index, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{index:02d}"
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
    return notebook


def to_html(notebook: Any) -> str:
    """Return a notebook as one HTML page that loads nothing: styles and images are inside.

    The page's title is the notebook's first heading; its second-level headings become the contents.
    """
    from jinja2 import DictLoader
    from nbconvert import HTMLExporter
    from traitlets.config import Config

    page = files("hierarcaps.report").joinpath(PAGE_TEMPLATE).read_text(encoding="utf-8")
    exporter = HTMLExporter(
        config=Config({"HTMLExporter": dict.fromkeys(NETWORK_URLS, "")}),
        template_name="basic",
        template_file=PAGE_TEMPLATE,
        extra_loaders=[DictLoader({PAGE_TEMPLATE: page})],
    )
    css = files("hierarcaps.report").joinpath("page.css").read_text(encoding="utf-8")
    resources = {"hierarcaps": {"title": title(notebook), "css": css}}
    html, _ = exporter.from_notebook_node(notebook, resources)
    return _with_contents(html)


def title(notebook: Any) -> str:
    """Return the first ``# heading`` of a notebook's markdown cells, or ``Report``."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and (found := re.match(r"#\s+(.+)", cell.source)):
            return found.group(1).strip()
    return "Report"


def _with_contents(html: str) -> str:
    """Fill the page's navigation from its ``<h2 id>`` headings."""
    headings = re.findall(r'<h2 id="([^"]+)">(.*?)</h2>', html, flags=re.DOTALL)
    links = []
    for anchor, content in headings:
        text = unescape(re.sub(r"<a .*?</a>|<[^>]+>", "", content, flags=re.DOTALL)).strip()
        links.append(f'<li><a href="#{anchor}">{escape(text)}</a></li>')
    return html.replace("<!-- contents -->", "\n".join(links), 1)
