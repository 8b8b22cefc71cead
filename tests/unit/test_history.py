"""The history, and the folder that keeps it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.history import History, Operation
from harness.operation_fields import stored_operations

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OPERATIONS = st.builds(
    Operation,
    index=st.integers(0, 10**6),
    time=st.integers(0, 10**15),
    process=st.text(),
    type=st.sampled_from(["invoke", "ok", "fail", "info"]),
    f=st.text(),
    value=st.dictionaries(st.text(), VALUES, max_size=4),
    error=st.none() | st.text(),
)


@given(OPERATIONS)
def test_an_operation_is_one_line_and_comes_back_as_it_was(operation: Operation) -> None:
    """Whatever is in it, line breaks included; equal operations are equal bytes, in whatever order keys were put in."""
    line = operation.to_json()
    assert "\n" not in line
    turned = json.dumps(dict(reversed(json.loads(line).items())))
    read = list(stored_operations(each.encode() for each in (line, turned)))
    assert read == [operation, operation]
    assert [each.to_json() for each in read] == [line, line]


WHOLE = json.loads(Operation(0, 0, "writer/0", "ok", "put").to_json())
PARTS = [{name: WHOLE[name] for name in WHOLE if name != left_out} for left_out in WHOLE]


@pytest.mark.parametrize(
    "line",
    [
        *("", "[]", "{", '"text"', "null", "{}", '{"index": 1}', '{"other": 1}', "[" * 100_000),
        *map(json.dumps, (*PARTS, WHOLE | {"other": 1}, WHOLE | {"type": "okay"})),
    ],
)
def test_what_is_no_operation_is_refused(line: str) -> None:
    """With an error that whoever reads a history can expect: it has the seven fields, and no other."""
    with pytest.raises((ValueError, RecursionError)):
        list(stored_operations([f"{line}\n".encode()]))


def test_operations_are_numbered_in_the_order_in_which_they_took_place() -> None:
    """And handed on at once, so that a run that is killed keeps them."""
    handed: list[Operation] = []
    history = History(handed.append)
    for number in range(5):
        operation = history.append(number * 10, "writer/0", "info", "note", {"number": number})
        assert handed[-1] is operation
    assert [op.index for op in history] == list(range(5))
    assert handed == history.operations
    assert len(history) == 5


def test_the_role_is_the_kind_of_process() -> None:
    """What is before the slash."""
    names: dict[str, str] = {"writer/3": "writer", "nemesis": "nemesis", "dispatcher/0.2+1": "dispatcher"}
    value: dict[str, Any] = {}
    assert {name: Operation(0, 0, name, "info", "f", value).role for name in names} == names


def test_a_history_can_be_made_of_operations(tmp_path: Path) -> None:
    """As they are, numbers included."""
    operations = [Operation(3, 0, "writer/0", "info", "f"), Operation(5, 0, "writer/0", "info", "f")]
    assert History.of(operations).operations == operations
