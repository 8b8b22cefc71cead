"""The matrix as one page of HTML that needs nothing else. Pure; each cell opens what shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.matrix.document import Document
from harness.matrix.markdown import MARKS, MEANINGS


def page(document: Document, findings: Mapping[tuple[str, int], str]) -> str:
    """`findings` are the texts of witnesses, by the cell's name and the seed; without one the document's words do."""
    environment = Environment(
        loader=PackageLoader("harness", "matrix"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html.jinja").render(
        document=document,
        cells=document["cells"],
        counts=Counter(cell["class"] for cell in document["cells"]),
        grid=_grid(document),
        findings=findings,
        marks=MARKS,
        meanings=MEANINGS,
    )


def _grid(document: Document) -> dict[tuple[str, str], dict[str, list[dict[str, Any]]]]:
    """The cells in the order of the faults, by sink and writer, then by consumer."""
    grid: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
    for cell in document["cells"]:
        writer, consumer, _, sink = cell["cell"].split("/")
        grid.setdefault((sink, writer), {}).setdefault(consumer, []).append(cell)
    return grid
