"""The history that functions leave in the control table: nothing is lost, in whatever pieces it is stored."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import boto3
import pytest
from moto import mock_aws

from harness.agent import control
from harness.agent.control import Control, ControlTickets
from harness.faults.wire import LostRequest


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


class SentTwice:
    """A client whose first reply is always lost: the SDK sends the same request again."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def update_item(self, **parameters: Any) -> Any:
        with suppress(self._client.exceptions.ConditionalCheckFailedException):
            self._client.update_item(**parameters)
        return self._client.update_item(**parameters)


def test_a_ticket_is_counted_and_claimed_once_however_often_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was claimed by a request without a reply was taken for somebody else's: the fault never fired."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
        Control(client, "control").create([])
        ours, others = (
            ControlTickets(Control(each, "control"), [LostRequest()]) for each in (SentTwice(client), client)
        )
        assert [tickets.match(0) for tickets in (ours, others, ours, ours, others)] == [1, 2, 3, 4, 5]
        assert [ours.claim(0, 2), others.claim(0, 2), ours.claim(0, 2), others.claim(0, 2)] == [
            True,
            True,
            False,
            False,
        ]
        assert [ours.claim(0, None), ours.claim(0, None)] == [True, True]
        ours.heal()
        assert (ours.match(0), others.match(0), ours.matched()) == (0, 0, [5])
