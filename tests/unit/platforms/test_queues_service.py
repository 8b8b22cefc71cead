"""SQS of the embedded platform: the five minutes of a FIFO queue, which moto does not keep."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.faults.points import Seed
from harness.platforms.base import Reply, Request
from harness.platforms.embedded.services.moto import DEDUPLICATION_MICROSECONDS, Queues

ROOT = "https://sqs.us-east-1.amazonaws.com/"
URL = f"{ROOT}123456789012/"
HEADERS = {"Content-Type": "application/x-amz-json-1.0"}


class Clock:
    now = 0

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queues(clock: Clock) -> Queues:
    queues = Queues(clock, Seed(0))
    call(queues, "CreateQueue", QueueName="named.fifo", Attributes={"FifoQueue": "true"})
    content = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    call(queues, "CreateQueue", QueueName="by-content.fifo", Attributes=content)
    return queues


def handle(queues: Queues, operation: str, **content: Any) -> Reply:
    headers = {"X-Amz-Target": f"AmazonSQS.{operation}", **HEADERS}
    return queues.handle(Request("sqs", operation, "POST", ROOT, headers, json.dumps(content).encode()))


def call(queues: Queues, operation: str, **content: Any) -> dict[str, Any]:
    reply = handle(queues, operation, **content)
    assert reply.status == 200, reply
    answer: dict[str, Any] = json.loads(reply.body or b"{}")
    return answer


def send(queues: Queues, body: str, id: str | None = None, queue: str = "named.fifo") -> dict[str, Any]:
    given = {} if id is None else {"MessageDeduplicationId": id}
    return call(queues, "SendMessage", QueueUrl=URL + queue, MessageBody=body, MessageGroupId="g", **given)


def take(queues: Queues, queue: str = "named.fifo") -> list[str]:
    """The bodies of all messages, which are deleted."""
    bodies = []
    while received := call(queues, "ReceiveMessage", QueueUrl=URL + queue, MaxNumberOfMessages=10).get("Messages"):
        for message in received:
            bodies.append(message["Body"])
            call(queues, "DeleteMessage", QueueUrl=URL + queue, ReceiptHandle=message["ReceiptHandle"])
    return bodies


def test_a_repetition_is_answered_like_the_first_message_and_dropped(queues: Queues) -> None:
    """Whatever its body says; another id is another message."""
    first = send(queues, "one", "a")
    assert send(queues, "one, again", "a") == first
    assert send(queues, "two", "b")["MessageId"] != first["MessageId"]
    assert take(queues) == ["one", "two"]


def test_an_id_is_known_after_its_message_was_consumed(queues: Queues) -> None:
    """moto 5.2 forgets it with the message (P-11)."""
    send(queues, "one", "a")
    assert take(queues) == ["one"]
    send(queues, "one", "a")
    assert take(queues) == []


@pytest.mark.parametrize("late", [False, True])
def test_an_id_is_known_for_five_minutes_from_the_first_message(late: bool, queues: Queues, clock: Clock) -> None:
    """A repetition in between does not make it longer."""
    send(queues, "one", "a")
    clock.now = DEDUPLICATION_MICROSECONDS // 2
    send(queues, "one", "a")
    take(queues)
    clock.now = DEDUPLICATION_MICROSECONDS - (0 if late else 1)
    send(queues, "one", "a")
    assert take(queues) == (["one"] if late else [])


def test_without_an_id_the_content_is_the_id_where_the_queue_says_so(queues: Queues) -> None:
    """ContentBasedDeduplication: the same body again is dropped."""
    for body in ("one", "two", "one"):
        send(queues, body, queue="by-content.fifo")
    assert take(queues, "by-content.fifo") == ["one", "two"]


def test_a_batch_drops_what_it_repeats(queues: Queues) -> None:
    """Within itself too; each entry is answered under its own name."""
    send(queues, "one", "a")
    entries = [
        {"Id": str(place), "MessageBody": id, "MessageGroupId": "g", "MessageDeduplicationId": id}
        for place, id in enumerate("abb")
    ]
    answer = call(queues, "SendMessageBatch", QueueUrl=URL + "named.fifo", Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["0", "1", "2"]
    assert "Failed" not in answer
    assert take(queues) == ["one", "b"]


def test_a_queue_answers_the_same_before_its_first_message_as_after(queues: Queues) -> None:
    """Until then moto knows nothing of it: its URL, its emptiness and its creation, told again."""

    def answers() -> list[tuple[int, Any]]:
        calls: list[tuple[str, dict[str, Any]]] = [
            ("GetQueueUrl", {"QueueName": "failures"}),
            ("ReceiveMessage", {"QueueUrl": URL + "failures"}),
            ("CreateQueue", {"QueueName": "failures"}),
        ]
        replies = [handle(queues, operation, **content) for operation, content in calls]
        return [(reply.status, json.loads(reply.body)) for reply in replies]

    first = [(200, {"QueueUrl": URL + "failures"}), (200, {})]
    call(queues, "CreateQueue", QueueName="failures")
    assert answers()[:2] == first
    send(queues, "one", "a")  # to another queue: moto makes all of them now
    assert answers() == [*first, (200, {"QueueUrl": URL + "failures"})]


@pytest.mark.parametrize("name", ["with space", "x" * 81])
def test_a_queue_that_sqs_refuses_is_refused_at_once(name: str, queues: Queues) -> None:
    """Only what cannot be refused waits for the first message."""
    assert handle(queues, "CreateQueue", QueueName=name).status == 400
