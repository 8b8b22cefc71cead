"""Which item is put in the place of another, and what is wrong with a file of items."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.pipeline.resources import DataStream, Table
from harness.workflow.stack import numbered, read_items
from harness.workload.items import Item

ROOT = Path(__file__).parents[3]
TODOS = Table("Todos", "Todos", "id", None, {"id": "S"})
ID, MILK, BREAD = {"id": {"S": "todo-1"}}, {"title": {"S": "milk"}}, {"title": {"S": "bread"}}


def intent(number: int) -> dict[str, Any]:
    return {"intent": {"S": f"todo-1/{number}"}}


@pytest.mark.parametrize(
    "there, expected",
    [
        (None, ID | MILK | intent(1)),
        (ID | MILK | intent(7), ID | MILK | intent(7)),
        (ID | BREAD | intent(7), ID | MILK | intent(8)),
        (ID | MILK, ID | MILK | intent(1)),
        (ID | BREAD | {"intent": {"S": "by hand"}}, ID | MILK | intent(1)),
        (ID | MILK | {"more": {"BOOL": True}} | intent(9), ID | MILK | intent(10)),
    ],
    ids=["none", "the same", "another", "without an intent", "with a name of its own", "with more in it"],
)
def test_a_change_has_the_next_number(there: dict[str, Any] | None, expected: dict[str, Any]) -> None:
    """And an item that is as it should be keeps the one that it has: its PUT changes nothing."""
    assert numbered(Item("todo-1", ID | MILK, ID, None), there) == expected


def test_a_number_is_compared_by_its_value() -> None:
    """As DynamoDB does (S-34): another spelling is no change."""
    there = ID | {"cost": {"N": "1200.5"}} | intent(1)
    assert numbered(Item("todo-1", ID | {"cost": {"N": "1200.50"}}, ID, None), there) == there


def test_an_item_may_name_its_intent() -> None:
    """Then nothing is added to it."""
    item = Item("todo-1", ID | MILK | {"intent": {"S": "mine"}}, ID, "mine")
    assert numbered(item, None) == item.attributes
    assert numbered(item, ID | BREAD | intent(3)) == item.attributes


def test_what_is_shipped_can_be_loaded() -> None:
    """Five items, with texts, numbers, truth values and a list."""
    items = read_items(ROOT / "data" / "todos.yaml", TODOS)
    assert [item.name for item in items] == [f"todo-{number}" for number in range(1, 6)]
    assert {kind for item in items for value in item.attributes.values() for kind in value} == {"S", "BOOL", "L", "N"}


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("", ": expected a list of items, each with attributes"),
        ("a: 1", ":1:1: expected a list of items"),
        ("- {id: a}\n- b", r":2:3: \[1\]: is not an item"),
        ("- {id: a}\n- {title: b}", r":2:3: \[1\]: the item has no 'id', which is a key of Todos"),
        ("- {id: 1}", "'id' is a key of Todos and must be a string: got 1"),
        ("- {id: a}\n- {id: a}", "items 0 and 1 have the same key"),
    ],
)
def test_a_wrong_file_is_refused_where_it_is_wrong(text: str, sentence: str, tmp_path: Path) -> None:
    """With file and line, where one line is to blame."""
    file = tmp_path / "items.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=f"items.yaml.*{sentence}"):
        read_items(file, TODOS)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Once, with the reason."""
    with pytest.raises(UserError, match=r"none.yaml: cannot be read: No such file"):
        read_items(tmp_path / "none.yaml", TODOS)


def test_a_kinesis_stream_is_refused() -> None:
    """Loading into it twice would not be the same as once."""
    with pytest.raises(UserError, match=r"Events is a Kinesis stream.* is a second record"):
        read_items(ROOT / "data" / "todos.yaml", DataStream("Events", "Events"))
