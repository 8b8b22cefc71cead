"""Where a matrix is saved: whole, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.matrix import document, markdown
from harness.matrix.document import Document
from harness.matrix.page import page
from harness.matrix.player import Played
from harness.store import new_folder

JSON, MARKDOWN, PAGE = "matrix.json", "matrix.md", "matrix.html"


def save(made: Document, played: Sequence[Played], runs: Path) -> Path:
    """Writes runs/matrix/<time>/, with a link `latest` to it, and returns the folder."""
    findings = {(str(each.cell), seed): told for each in played for seed, told in each.findings.items()}
    texts = {
        JSON: document.text(made),
        MARKDOWN: f"# The matrix\n\n{markdown.full(made)}\n",
        PAGE: page(made, findings),
    }
    folder = new_folder(runs / "matrix", made["platform"])
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder
