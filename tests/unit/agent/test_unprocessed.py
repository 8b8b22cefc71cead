"""A batch write of which the wire sends a part: what reaches AWS, how it is signed, and what boto3 is told."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from harness.agent.actor import Actor, Process, Raw
from harness.agent.batches import split
from harness.agent.requests import Subject
from harness.agent.wire import Wire
from harness.faults.actions import LeaveUnprocessed
from harness.history import OK

KEYS = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}


class Scripted(Actor):
    """Leaves a part of the first attempt, and keeps what was sent. `reply` is what AWS answers."""

    def __init__(self, position: float, status: int = 200, reply: dict[str, Any] | None = None) -> None:
        self.position, self.status, self.reply = position, status, reply or {"UnprocessedItems": {}}
        self.sent: list[Any] = []
        self.told: list[tuple[str, dict[str, Any]]] = []

    def record(self, type: str, f: str, value: dict[str, Any], error: str | None = None) -> None:
        self.told.append((type, value))

    def decide(self, call: str, when: str, subject: Subject, attempt: int = 1) -> tuple[LeaveUnprocessed, ...]:
        return (LeaveUnprocessed(self.position),) if (when, attempt) == ("before", 1) else ()

    def send(self, service: str, operation: str, request: Any) -> AWSResponse:
        self.sent.append(request)
        headers = {"content-type": "application/x-amz-json-1.0", "x-amz-crc32": "1"}
        return AWSResponse(request.url, self.status, headers, Raw(json.dumps(self.reply).encode()))

    def observed(self) -> bool:
        return True

    @property
    def process(self) -> Process:
        return Process("writer/0")

    def time(self) -> int:
        return 0


def write(number: int) -> dict[str, Any]:
    return {"PutRequest": {"Item": {"id": {"S": f"todo-{number}"}, "intent": {"S": f"todo-{number}/1"}}}}


def batch(actor: Scripted, monkeypatch: pytest.MonkeyPatch, **tables: list[Any]) -> dict[str, Any]:
    session = boto3.Session(**KEYS)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    client = session.client("dynamodb")
    client.meta.events.register("before-send", Wire(actor))
    answer: dict[str, Any] = client.batch_write_item(RequestItems=tables)
    return answer


def test_a_part_is_sent_and_the_rest_is_handed_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the tables of the batch, in its order; the history has the intents that were left."""
    actor = Scripted(0.5)
    answer = batch(actor, monkeypatch, One=[write(1)], Two=[write(2), write(3), write(4)])
    assert json.loads(actor.sent[0].body) == {"RequestItems": {"One": [write(1)], "Two": [write(2)]}}
    assert answer["UnprocessedItems"] == {"Two": [write(3), write(4)]}
    assert actor.told[-1][0] == OK
    assert actor.told[-1][1]["unprocessed"] == ["todo-3/1", "todo-4/1"]


def test_what_is_sent_is_signed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS looks at the signature of the body: another body has another one, by the same key, for the same service."""
    whole, part = Scripted(1), Scripted(0.5)
    batch(whole, monkeypatch, One=[write(1), write(2)])
    batch(part, monkeypatch, One=[write(1), write(2), write(3), write(4)])
    signatures = [sent.headers["Authorization"] for actor in (whole, part) for sent in actor.sent]
    assert all("Credential=a/" in text and "/us-east-1/dynamodb/aws4_request" in text for text in signatures)
    assert len({text.rpartition("Signature=")[2] for text in signatures}) == 2
    assert [len(sent.body) for sent in part.sent] == [int(part.sent[0].headers["Content-Length"])]


def test_when_all_is_left_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """And boto3 sees a success."""
    actor = Scripted(0)
    answer = batch(actor, monkeypatch, One=[write(1), write(2)])
    assert (actor.sent, answer["UnprocessedItems"]) == ([], {"One": [write(1), write(2)]})


def test_what_aws_itself_has_left_is_handed_back_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the batch."""
    actor = Scripted(0.5, reply={"UnprocessedItems": {"One": [write(2)]}})
    answer = batch(actor, monkeypatch, One=[write(1), write(2), write(3), write(4)])
    assert answer["UnprocessedItems"] == {"One": [write(2), write(3), write(4)]}


def test_an_error_of_aws_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was written, so nothing was left."""
    actor = Scripted(0.5, 400, {"__type": "x#ValidationException", "message": "no"})
    with pytest.raises(boto3.client("dynamodb", **KEYS).exceptions.ClientError, match="ValidationException"):
        batch(actor, monkeypatch, One=[write(1), write(2)])


@pytest.mark.parametrize("position, sent", [(0, 0), (0.2, 0), (0.5, 1), (0.99, 2), (1, 2)])
def test_at_least_one_is_left(position: float, sent: int) -> None:
    """A position is a share of the batch, as everywhere."""
    first, rest = split([1, 2, 3], position)
    assert (first, rest) == ([1, 2, 3][:sent], [1, 2, 3][sent:])
