"""The history that functions leave in the control table: nothing is lost, in whatever pieces it is stored."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.agent import control
from harness.agent.control import Control


class Table:
    """As much of a DynamoDB client as the control table needs for it."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []

    def put_item(self, TableName: str, Item: dict[str, Any]) -> None:
        self.items.append(Item)

    def get_paginator(self, operation: str) -> Table:
        return self

    def paginate(self, **query: Any) -> list[dict[str, Any]]:
        return [{"Items": self.items}]


def operations(first: int, last: int) -> list[dict[str, Any]]:
    return [{"f": "execute", "number": number, "text": "x" * 50} for number in range(first, last)]


@pytest.mark.parametrize("room", [1, 200, 50_000])
def test_every_operation_comes_back_under_its_number(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However little room an item has: each source's operations are there, in their order, and no two share an id."""
    monkeypatch.setattr(control, "_MAX_BODY_CHARACTERS", room)
    table = Table()
    stored = Control(table, "control")
    stored.put("plan", {"seed": 1})
    stored.append("000001", 0, operations(0, 9))
    stored.append("000002", 0, operations(0, 2))
    stored.append("000001", 9, operations(9, 12))
    stored.append("000001", 12, [])
    history = stored.history()
    assert [id for id in history if "#000001#" in id] == [f"history#000001#{number:08d}" for number in range(12)]
    assert [op for id, op in history.items() if "#000001#" in id] == operations(0, 12)
    assert [op for id, op in history.items() if "#000002#" in id] == operations(0, 2)


def test_no_item_holds_more_than_it_has_room_for() -> None:
    """A long history is cut well below DynamoDB's 400 KB for an item."""
    table = Table()
    Control(table, "control").append("000001", 0, operations(0, 5_000))
    sizes = [len(json.dumps(item)) for item in table.items]
    assert len(sizes) > 1
    assert max(sizes) < 400_000 / 4
