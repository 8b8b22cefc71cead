"""The matrix as it is saved: JSON, Markdown, and one page of HTML that needs nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.matrix import document, markdown
from harness.matrix.document import Document
from harness.matrix.markdown import MARKS, MEANINGS, runs_needed
from harness.matrix.player import Played
from harness.run_folder import new_folder

JSON, MARKDOWN, PAGE = "matrix.json", "matrix.md", "matrix.html"


def page(document: Document, findings: Mapping[tuple[str, int], str]) -> str:
    """One page of HTML in which each cell opens what proves it.

    findings: the texts of the witnesses, by the cell's name and the seed. Where there is none, the document's words
    are shown instead.
    """
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
        runs_needed=runs_needed(document),
    )


def _grid(document: Document) -> dict[tuple[str, str], dict[str, list[dict[str, Any]]]]:
    """The cells in the order of the faults, by sink and writer, then by consumer."""
    grid: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
    for cell in document["cells"]:
        writer, consumer, _, sink = cell["cell"].split("/")
        grid.setdefault((sink, writer), {}).setdefault(consumer, []).append(cell)
    return grid


def save(made: Document, played: Sequence[Played], runs: Path) -> Path:
    """Writes runs/matrix/<time>/, with a link `latest` to it, and returns the folder."""
    findings = {(str(each.cell), seed): finding for each in played for seed, finding in each.findings.items()}
    texts = {
        JSON: document.text(made),
        MARKDOWN: f"# The matrix\n\n{markdown.full(made)}\n",
        PAGE: page(made, findings),
    }
    folder = new_folder(runs / "matrix", made["platform"])
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder
