"""The README is short, and leads to everything else. What it says is tried in test_docs.py."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text("utf-8")


def test_it_names_every_shipped_scenario() -> None:
    """With the question that it asks."""
    for file in sorted((ROOT / "scenarios").glob("*.yaml")):
        assert f"`scenarios/{file.name}`" in TEXT
