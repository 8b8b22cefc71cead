"""Draws the saved matrix as one SVG: a row for each consumer and sink, a column for each fault. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from harness.matrix.player import AT_LEAST_ONCE, AT_MOST_ONCE, EXACTLY_ONCE, NEITHER
from harness.matrix.report import MARKS, Document

WRITER = "put"  # the cells that are drawn; a corner marks those that are of another class behind another writer
COLORS = {EXACTLY_ONCE: "#d3efd8", AT_LEAST_ONCE: "#fbe3b5", AT_MOST_ONCE: "#cfe3fb", NEITHER: "#f8cfd0"}
WORDS = {
    EXACTLY_ONCE: "exactly once",
    AT_LEAST_ONCE: "at least once",
    AT_MOST_ONCE: "at most once",
    NEITHER: "neither",
}
_LABEL, _SINK, _CELL, _ROW = 170, 140, 52, 22  # pixels: widths of the columns, height of a row
_HEAD, _FOOT, _MARGIN = 148, 70, 14
_CORNER = 8


def svg(document: Document) -> str:
    """The picture as text."""
    classes = {tuple(cell["cell"].split("/")): cell["class"] for cell in document["cells"]}
    faults = list(document["axes"]["fault"])
    rows = [
        (consumer, sink)
        for consumer, sinks in document["sinks"].items()
        for sink in sinks
        if (WRITER, consumer, faults[0], sink) in classes
    ]
    width = 2 * _MARGIN + _LABEL + _SINK + _CELL * len(faults) + 60  # the last column's slanted name needs 60
    height = _HEAD + _ROW * len(rows) + _FOOT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'role="img" font-family="system-ui, sans-serif" font-size="12.5" fill="#1f2328">',
        f"<title>Which consumers are exactly-once under which fault, behind the writer {WRITER}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        _text(_MARGIN, _HEAD - 10, "consumer", weight="600"),
        _text(_MARGIN + _LABEL, _HEAD - 10, "sink", weight="600"),
        *(_heading(number, fault) for number, fault in enumerate(faults)),
    ]
    for number, (consumer, sink) in enumerate(rows):
        top = _HEAD + _ROW * number
        parts += [_text(_MARGIN, top + 15, consumer), _text(_MARGIN + _LABEL, top + 15, sink.replace("_", " "))]
        for column, fault in enumerate(faults):
            differs = (
                len({classes.get((writer, consumer, fault, sink)) for writer in document["axes"]["writer"]} - {None})
                > 1
            )
            parts += _cell(_left(column), top, classes[WRITER, consumer, fault, sink], differs)
    parts += _legend(_HEAD + _ROW * len(rows) + 14)
    return "\n".join([*parts, "</svg>", ""])


def _left(column: int) -> int:
    return _MARGIN + _LABEL + _SINK + _CELL * column


def _heading(column: int, fault: str) -> str:
    x, y = _left(column) + _CELL // 2, _HEAD - 10
    return f'<text transform="translate({x} {y}) rotate(-50)">{escape(fault)}</text>'


def _cell(left: int, top: int, name: str, differs: bool) -> Iterator[str]:
    color = COLORS.get(name, "#eeeeee")
    yield f'<rect x="{left + 1}" y="{top + 1}" width="{_CELL - 2}" height="{_ROW - 2}" rx="2" fill="{color}"/>'
    yield _text(left + _CELL // 2, top + 15, MARKS[name], anchor="middle")
    if differs:
        right = left + _CELL - 1
        yield f'<path d="M{right} {top + 1}h-{_CORNER}l{_CORNER} {_CORNER}z" fill="#57606a"/>'


def _legend(top: int) -> Iterator[str]:
    left = _MARGIN
    for name, words in WORDS.items():
        yield from _cell(left, top, name, differs=False)
        yield _text(left + _CELL + 6, top + 15, words)
        left += _CELL + 104
    yield from _cell(_MARGIN, top + _ROW + 4, EXACTLY_ONCE, differs=True)
    yield _text(
        _MARGIN + _CELL + 6, top + _ROW + 19, f"behind the writer {WRITER}; another class behind another writer"
    )


def _text(x: int, y: int, text: str, *, anchor: str = "start", weight: str = "400") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-weight="{weight}">{escape(text)}</text>'
