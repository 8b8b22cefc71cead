"""Compares what a run has left in each sink with what the run without faults leaves there. Pure.

What is appended is compared as a multiset, what has a key by its key. What differs between two runs without faults
(times, ids) is masked. A row that is a list, or lines of text, stands for its elements.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from harness.history import Operation

SAME, DUPLICATED, LOST, DIFFERENT = "same", "duplicated", "lost", "different"
WORST_FIRST = (LOST, DUPLICATED, DIFFERENT)
Contents = dict[str, list[Any]]  # rows as JSON, by sink
_ANY = "…"
# What a run makes anew each time that a function is called: request ids of the embedded platform, and its log streams.
_OF_EXECUTIONS = re.compile(r"00000000-0000-4000-8000-\d{12}|\[\$LATEST\][0-9a-f]{32}")
_CHANGING = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|[0-9a-f]{16,}|\d+(?:[-:.T+]\d+)*Z?")


def contents_of(operations: Iterable[Operation], source: str | None) -> Contents:
    """What the observer has read in each sink. source: the logical id of the source, where it is one of them."""
    contents: Contents = {}
    for operation in operations:
        value = operation.value
        if operation.f == "effect":
            row = value.get("content")
            named = {name: value[name] for name in ("intent", "item")}
            contents.setdefault(value["sink"], []).append(named if row is None else _parsed(row))
        elif operation.f == "state" and value["resource"] == source:
            contents.setdefault(value["resource"], []).append(_parsed(value.get("content", "null")))
    return contents


def _parsed(row: str) -> Any:
    try:
        return json.loads(row)
    except ValueError:  # a long one, cut short
        return row


@dataclass
class Masks:
    """What is not compared. whole: paths, by sink. partly: paths whose texts are compared without numbers and ids.

    unknown: sinks that differ between runs without faults in more than that, and how.
    """

    whole: dict[str, set[str]] = field(default_factory=dict)
    partly: dict[str, set[str]] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)

    def rows(self, sink: str, contents: Contents) -> list[Any]:
        """The rows of a sink, without what is masked."""
        whole, partly = self.whole.get(sink, set()), self.partly.get(sink, set())
        return [_masked(row, "", whole, partly) for row in _units(contents.get(sink, ()))]


def learn(references: Sequence[Contents]) -> Masks:
    """references: of several runs without faults, the first with the seed of the others."""
    masks = Masks()
    for sink in {sink: None for contents in references for sink in contents}:
        runs = [[*_units(contents.get(sink, ()))] for contents in references]
        paths = {path: None for run in runs for row in run for path, _ in leaves(row)}
        for path in paths:
            if len({_values(run, path) for run in runs}) > 1:
                similar = len({_values(run, path, _CHANGING) for run in runs}) == 1
                (masks.partly if similar else masks.whole).setdefault(sink, set()).add(path)
        if len({_text(sorted(map(_text, masks.rows(sink, contents)))) for contents in references}) > 1:
            counts = sorted({len(run) for run in runs})
            rows = f"{counts[0]} to {counts[-1]} rows" if len(counts) > 1 else "rows that belong together otherwise"
            masks.unknown[sink] = f"runs without faults leave {rows} there"
    return masks


def _units(rows: Iterable[Any]) -> Iterator[Any]:
    for row in rows:
        if isinstance(row, str) and "\n" in row.strip():
            yield from (_parsed(line) for line in row.strip().splitlines())
        elif isinstance(row, list):
            yield from row
        else:
            yield row


def leaves(row: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each text, number and truth value of a row with its path, in which `[]` stands for any element of a list."""
    if isinstance(row, dict):
        for name, value in row.items():
            yield from leaves(value, f"{path}.{name}" if path else name)
    elif isinstance(row, list):
        for value in row:
            yield from leaves(value, f"{path}[]")
    else:
        yield path, row


def _values(rows: Sequence[Any], path: str, without: re.Pattern[str] | None = None) -> str:
    values = (value for row in rows for each, value in leaves(row) if each == path)
    texts = (without.sub(_ANY, value) if without and isinstance(value, str) else json.dumps(value) for value in values)
    return json.dumps(sorted(texts))


def _text(row: Any) -> str:
    return json.dumps(row, sort_keys=True)


def _masked(row: Any, path: str, whole: set[str], partly: set[str]) -> Any:
    if isinstance(row, dict):
        return {name: _masked(value, f"{path}.{name}" if path else name, whole, partly) for name, value in row.items()}
    if isinstance(row, list):
        parts = [_masked(value, f"{path}[]", whole, partly) for value in row]
        return sorted(parts, key=json.dumps) if f"{path}[]" in (whole | partly) else parts
    if path in whole:
        return _ANY
    if isinstance(row, str):
        return _CHANGING.sub(_ANY, row) if path in partly else _OF_EXECUTIONS.sub(_ANY, row)
    return row


class SinkDifference(NamedTuple):
    """In one sink. more, fewer: rows. changed: pairs of a row as it should be, and as it is."""

    more: list[Any]
    fewer: list[Any]
    changed: list[tuple[Any, Any]]


def differences(
    reference: Contents, contents: Contents, masks: Masks, keys: Mapping[str, Sequence[str]]
) -> dict[str, SinkDifference]:
    """By sink, where there is one. keys: of the sinks that are tables, the names of their keys."""
    found = {}
    for sink in {**reference, **contents}:
        if sink not in masks.unknown:
            whole = masks.whole.get(sink, set())
            named = [] if whole & {*keys.get(sink, ())} else keys.get(sink, ())
            difference = _difference(masks.rows(sink, reference), masks.rows(sink, contents), named)
            if any(difference):
                found[sink] = difference
    return found


def _difference(expected: list[Any], held: list[Any], keys: Sequence[str]) -> SinkDifference:
    fewer, more = _beyond(expected, held), _beyond(held, expected)
    changed: list[tuple[Any, Any]] = []
    if keys:
        by_key = {_key(row, keys): row for row in more}
        pairs = [(row, by_key[_key(row, keys)]) for row in fewer if _key(row, keys) in by_key]
    else:  # without keys, rows that share most of what they hold
        pairs = [*_alike(fewer, more)]
    for before, after in pairs:
        changed.append((before, after))
        fewer.remove(before)
        more.remove(after)
    return SinkDifference(more, fewer, changed)


def _beyond(rows: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    """The rows that are not among the others, each as often as it is there too much."""
    left = Counter(map(_text, others))
    beyond = []
    for row in rows:
        text = _text(row)
        left[text] -= 1
        if left[text] < 0:
            beyond.append(row)
    return beyond


def _key(row: Any, keys: Sequence[str]) -> str:
    return json.dumps([row.get(name) for name in keys] if isinstance(row, dict) else row)


def _alike(fewer: Sequence[Any], more: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    free = list(more)
    for row in fewer:
        parts = _parts(row)
        best = max(free, key=lambda each: len(parts & _parts(each)), default=None)
        if best is not None and 2 * len(parts & _parts(best)) >= len(parts):
            free.remove(best)
            yield row, best


def _parts(row: Any) -> set[str]:
    return {json.dumps(leaf) for leaf in leaves(row)}


def kinds(difference: SinkDifference, expected: Sequence[Any], keys: Sequence[str], counting: bool = True) -> set[str]:
    """What a difference is. expected: the rows of the reference. counting: whether numbers are of what was counted."""
    found = {kind for before, after in difference.changed for kind in _of_change(before, after, counting)}
    if difference.fewer:
        found.add(LOST)
    if difference.more:
        found.add(DUPLICATED if all(_resembles(row, expected, keys) for row in difference.more) else DIFFERENT)
    return found


def _of_change(before: Any, after: Any, counting: bool) -> Iterator[str]:
    """A number further from nothing, or a longer list, counts something twice."""
    changes = [*_changes(before, after)]
    for old, new in changes:
        if not counting:
            yield DIFFERENT
        elif isinstance(old, list):
            yield DUPLICATED if len(new) > len(old) else LOST if len(new) < len(old) else DIFFERENT
        elif isinstance(old, int | float) and isinstance(new, int | float) and old * new >= 0:
            yield DUPLICATED if abs(new) > abs(old) else LOST
        else:
            yield DIFFERENT


def _changes(before: Any, after: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in {**before, **after}:
            yield from _changes(before.get(name), after.get(name))
    elif before != after:
        lists = isinstance(before, list) and isinstance(after, list)
        yield (before, after) if lists or not isinstance(before, list) else (before, [])


def _resembles(row: Any, expected: Sequence[Any], keys: Sequence[str]) -> bool:
    """Whether a row is another one once more: but for its key it has a text or number of one."""
    if not isinstance(row, dict):
        return True
    own = _parts({name: value for name, value in row.items() if name not in keys})
    return not own or any(own & _parts(other) for other in expected)


def without_note(contents: Contents, note: str) -> Contents:
    """Without the attribute by which a second PUT differs from the first."""

    def cleaned(value: Any) -> Any:
        if isinstance(value, dict):
            inner = {name: cleaned(each) for name, each in value.items()}
            return {
                name: each
                for name, each in inner.items()
                if (name, each) not in (("note", note), ("note", {"S": note}))
            }
        return [cleaned(each) for each in value] if isinstance(value, list) else value

    return {sink: [cleaned(row) for row in rows] for sink, rows in contents.items()}
