"""The reports of a matrix, made of the one that is committed, docs/matrix.json."""

from __future__ import annotations

import json
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from harness.faults import FAULTS
from harness.matrix import cells as matrix_cells
from harness.matrix import report
from harness.matrix.cells import AIMS, SINKS, Axes, Filters, consumers
from harness.matrix.player import BROKEN, CLASSES, EXACTLY_ONCE, FEWEST_FOR_EXACTLY_ONCE, NEITHER
from harness.matrix.report import page

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "matrix.json").read_text("utf-8")
SAVED: dict[str, Any] = json.loads(TEXT)
CELLS: list[dict[str, Any]] = SAVED["cells"]
HANDLERS = consumers(ROOT / "lambda")
VOID = {"meta"}


class Page(HTMLParser):
    """Which elements are open, and what each names and leads to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open += [] if tag in VOID else [tag]
        attributes = {name: value or "" for name, value in attrs}
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes["href"]] if tag == "a" else []
        self.sources += [value for name, value in attributes.items() if name in ("src", "href") and tag != "a"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_it_is_of_the_size_that_is_promised() -> None:
    """At least 7 writers, 12 consumers and 8 faults on the table, on the embedded platform, without filters."""
    on_table = [cell["cell"].split("/") for cell in CELLS if cell["cell"].endswith("/table")]
    behind_all = Counter(consumer for _, consumer, _, _ in on_table)
    whole = [consumer for consumer, cells in behind_all.items() if cells == max(behind_all.values())]
    assert len({writer for writer, *_ in on_table}) >= 7
    assert len({fault for _, _, fault, _ in on_table}) >= 8
    assert len(whole) >= 12
    assert (SAVED["platform"], SAVED["filters"], SAVED["format"]) == ("embedded", [], report.FORMAT)


def test_its_axes_are_what_the_code_has() -> None:
    """A handler, a sink, a standard writer or fault that is new needs a new matrix; none of it is left out unsaid."""
    standard = matrix_cells.axes(Filters(), HANDLERS)
    assert {axis: tuple(words) for axis, words in SAVED["axes"].items()} == {
        axis: getattr(standard, axis) for axis in ("writer", "consumer", "fault", "sink")
    }
    assert set(SAVED["sinks"]) == set(HANDLERS)
    assert {sink for used in SAVED["sinks"].values() for sink in used} == set(SINKS)
    assert SAVED["left_out"] == matrix_cells.left_out(standard, Filters(), HANDLERS, SAVED["sinks"], SAVED["nowhere"])
    assert SAVED["axes"]["consumer"] == {name: each.does for name, each in HANDLERS.items()}


def test_no_cell_is_missing() -> None:
    """Every one that the axes and the sinks give is there, once, in their order."""
    axes = Axes(**{axis: tuple(words) for axis, words in SAVED["axes"].items()})
    expected = matrix_cells.cells(axes, Filters(), HANDLERS, SAVED["sinks"])
    assert [cell["cell"] for cell in CELLS] == [str(cell) for cell in expected]


def test_every_fault_of_the_harness_is_in_the_matrix() -> None:
    """By one aim at least; but for the one that does no harm."""
    assert {word for aim in AIMS.values() for fault in aim.faults for word in fault} == set(FAULTS) - {"noop"}


def test_exactly_once_stands_on_twenty_runs() -> None:
    """And without any anomaly; every other class has a witness or a reason."""
    assert {cell["class"] for cell in CELLS} <= set(CLASSES)
    for cell in CELLS:
        if cell["class"] == EXACTLY_ONCE:
            assert cell["runs"] >= FEWEST_FOR_EXACTLY_ONCE, cell
            assert (cell["kinds"], cell["witnesses"]) == ({}, []), cell
        else:
            assert bool(cell["witnesses"]) != bool(cell["reason"]), cell


def test_what_is_broken_has_a_command_for_each_witness() -> None:
    """Its kinds of anomaly are all shown by one witness or another."""
    broken = [cell for cell in CELLS if cell["class"] in BROKEN]
    for cell in broken:
        assert {kind for witness in cell["witnesses"] for kind in witness["kinds"]} == set(cell["kinds"]), cell
        assert cell["class"] == NEITHER or cell["runs"] >= SAVED["runs_with_anomaly"], cell
        for witness in cell["witnesses"]:
            command = f"python -m harness matrix --cell {cell['cell']} --seed {witness['seed']}"
            assert witness["command"] == command


def test_saved_again_it_is_the_same() -> None:
    """One cell on a line."""
    assert report.as_json(SAVED) == TEXT
    assert len(TEXT.splitlines()) == len(CELLS) + len(SAVED) + 3


@pytest.mark.parametrize("tell", [report.summary, report.full], ids=["summary", "full"])
def test_markdown_explains_every_mark_that_it_uses(tell: Any) -> None:
    """And every fault; each table has as many fields in each row as in its head."""
    text = tell(SAVED)
    assert all(f"**{report.MARKS[name]}** {name}: " in text for name in {cell["class"] for cell in CELLS})
    assert all(f"- `{fault}`: " in text for fault in SAVED["axes"]["fault"])
    for table in text.split("\n\n"):
        assert (
            len({line.count(" | ") for line in table.splitlines() if line.startswith("| ") and "---" not in line}) <= 1
        )


def test_in_short_every_class_of_every_cell_is_told() -> None:
    """Behind most writers one class, and the writers of every other."""
    assert report._together({"put": EXACTLY_ONCE, "update_add": NEITHER, "create_once": EXACTLY_ONCE}) == (
        "=1; ≠1 update_add"
    )


def test_the_page_needs_nothing_and_leads_to_every_cell() -> None:
    """It parses, loads nothing, and each cell is a link to the section that shows it."""
    names = [cell["cell"] for cell in CELLS]
    shown = Page()
    shown.feed(page(SAVED, {}))
    shown.close()
    assert (shown.open, shown.sources) == ([], [])
    assert sorted(shown.links) == sorted(f"#{name}" for name in names)
    assert shown.ids == names


def test_the_page_shows_findings_as_they_are() -> None:
    """Without one, the words of the document; what looks like HTML stays text."""
    cell = next(cell for cell in CELLS if cell["witnesses"])
    seed = cell["witnesses"][0]["seed"]
    assert "&lt;b&gt;found&lt;/b&gt;" in page(SAVED, {(cell["cell"], seed): "<b>found</b>"})
    assert cell["witnesses"][0]["command"] in page(SAVED, {})
