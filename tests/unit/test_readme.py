"""The README is short, and leads to everything else. What it says is tried in test_docs.py."""

from __future__ import annotations

from pathlib import Path

from tools.docs import documents
from tools.markdown import links

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text("utf-8")
MAX_LINES = 200


def test_it_can_be_read_in_a_few_minutes() -> None:
    """At most 200 lines."""
    assert len(TEXT.splitlines()) <= MAX_LINES


def test_it_leads_to_every_document() -> None:
    """Each has a link, so that nobody needs to list folders."""
    others = {str(file.relative_to(ROOT)) for file in documents(ROOT)} - {"README.md"}
    assert others <= {target.partition("#")[0] for target in links(TEXT)}
