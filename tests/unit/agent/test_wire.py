"""The wire: each attempt is recorded, the nemesis asked before and after, and what it says is done to real boto3."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from harness.agent.actor import Actor, Process, Raw
from harness.agent.requests import Subject
from harness.agent.wire import Wire, note_timeouts
from harness.faults.actions import (
    Action,
    CancelTransaction,
    Delay,
    LoseReply,
    LoseRequest,
    PartialFailure,
    Refuse,
)
from harness.faults.points import AFTER, BEFORE
from harness.history import FAIL, INFO, INVOKE, MICROSECONDS, OK

THROTTLE = Refuse(400, "ThrottlingException", "Slow down.")
BROKEN = Refuse(500, "InternalServerError", "Something.")


class Script(Actor):
    """An actor whose nemesis answers from a script: actions by (when, attempt). `sent` is what reached AWS."""

    def __init__(self, script: dict[tuple[str, int], Action], replies: list[tuple[int, Any]] | None = None) -> None:
        self.script = script
        self.replies = replies or []
        self.told: list[tuple[str, str, dict[str, Any], str | None]] = []
        self.asked: list[tuple[str, str, Subject, int]] = []
        self.sent: list[dict[str, Any]] = []
        self.slept: list[float] = []
        self.writer = Process("writer/0")
        self.watched = True

    def record(self, type: str, f: str, value: dict[str, Any], error: str | None = None) -> None:
        self.told.append((type, f, value, error))

    def decide(self, call: str, when: str, subject: Subject, attempt: int = 1) -> tuple[Action, ...]:
        self.asked.append((call, when, subject, attempt))
        action = self.script.get((when, attempt))
        return (action,) if action else ()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def send(self, service: str, operation: str, request: Any) -> AWSResponse:
        self.sent.append(json.loads(request.body))
        status, body = self.replies.pop(0) if self.replies else (200, {})
        return AWSResponse(
            request.url, status, {"content-type": "application/x-amz-json-1.0"}, Raw(json.dumps(body).encode())
        )

    def observed(self) -> bool:
        return self.watched

    @property
    def process(self) -> Process:
        return self.writer

    def time(self) -> int:
        return round(sum(self.slept) * MICROSECONDS)


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`dynamodb(host)`: a real client, whose every request goes through a wire."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)

    def make(
        host: Script,
        sinks: frozenset[str] = frozenset({"Effects"}),
        timeouts: dict[str, float] | None = None,
        **retries: Any,
    ) -> Any:
        config = Config(retries=retries or {"mode": "legacy"}, **(timeouts or {}))
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
        client = boto3.client("dynamodb", region_name="us-east-1", config=config, **keys)
        client.meta.events.register("request-created", note_timeouts)
        client.meta.events.register("before-send", Wire(host, sinks))
        return client

    return make


def put(client: Any, table: str = "Effects") -> Any:
    item = {"id": {"S": "todo-1"}, "intent": {"S": "todo-1/2"}}
    return client.put_item(TableName=table, Item=item)


def types(host: Script) -> list[tuple[str, int, str | None]]:
    return [(type, value["attempt"], error) for type, _, value, error in host.told]


def test_a_call_is_recorded_with_what_it_is_about(dynamodb: Callable[..., Any]) -> None:
    """Opened before it is sent, closed when the answer is there; table, items, intents, and whether it is an effect."""
    host = Script({})
    client = dynamodb(host)
    put(client)
    put(client, "Todos")
    value = {"call": 1, "attempt": 1, "table": "Effects", "items": ["todo-1"], "intents": ["todo-1/2"], "effect": True}
    other = value | {"call": 2, "table": "Todos", "effect": False}
    name = "dynamodb.PutItem"
    assert host.told == [(type, name, each, None) for each in (value, other) for type in (INVOKE, OK)]
    assert [(when, attempt) for _, when, _, attempt in host.asked] == [(BEFORE, 1), (AFTER, 1)] * 2


def test_a_refusal_is_the_answer_and_nothing_is_sent(dynamodb: Callable[..., Any]) -> None:
    """boto3 raises the error that AWS would have caused, and retries it as it would."""
    host = Script({(BEFORE, attempt): THROTTLE for attempt in (1, 2, 3)})
    put(dynamodb(host))
    assert types(host)[1::2] == [(FAIL, n, "ThrottlingException") for n in (1, 2, 3)] + [(OK, 4, None)]
    assert {value["call"] for _, _, value, _ in host.told} == {1}
    assert len(host.sent) == 1
    refused = Script({(BEFORE, attempt): THROTTLE for attempt in range(1, 20)})
    with pytest.raises(ClientError, match="Slow down") as raised:
        put(dynamodb(refused, mode="legacy", total_max_attempts=2))
    assert raised.value.response["Error"]["Code"] == "ThrottlingException"
    assert (len(refused.told), refused.sent) == (4, [])


def test_after_a_server_error_nobody_knows(dynamodb: Callable[..., Any]) -> None:
    """A 5xx closes the call as `info`, whether the wire made it up or AWS sent it (S-07)."""
    host = Script({(BEFORE, 1): BROKEN}, [(503, {"__type": "x#ServiceUnavailable"})])
    put(dynamodb(host))
    assert types(host)[1::2] == [(INFO, 1, "InternalServerError"), (INFO, 2, "ServiceUnavailable"), (OK, 3, None)]


def test_a_lost_request_was_not_sent(dynamodb: Callable[..., Any]) -> None:
    """The SDK sees a closed connection and tries again."""
    host = Script({(BEFORE, 1): LoseRequest()})
    put(dynamodb(host))
    assert types(host)[1::2] == [(INFO, 1, "the connection was closed"), (OK, 2, None)]
    assert len(host.sent) == 1
    with pytest.raises(ConnectionClosedError):
        put(dynamodb(Script({(BEFORE, 1): LoseRequest()}), total_max_attempts=1))


def test_a_lost_reply_was_carried_out(dynamodb: Callable[..., Any]) -> None:
    """The SDK sees no answer, and sends the very same bytes again."""
    host = Script({(AFTER, 1): LoseReply()})
    put(dynamodb(host))
    assert types(host)[1::2] == [(INFO, 1, "no reply arrived"), (OK, 2, None)]
    assert host.sent[0] == host.sent[1]
    with pytest.raises(ReadTimeoutError):
        put(dynamodb(Script({(AFTER, 1): LoseReply()}), total_max_attempts=1))


def test_a_delay_is_slept_before_or_after(dynamodb: Callable[..., Any]) -> None:
    """By the host, so in the run's time."""
    host = Script({(BEFORE, 1): Delay(2), (AFTER, 1): Delay(3)})
    put(dynamodb(host))
    assert host.slept == [2, 3]


@pytest.mark.parametrize(
    "when, timeouts, seconds, waited, why, sent",
    [
        (AFTER, {"read_timeout": 1}, 5, 1, "no reply within the 1 s of read_timeout", 2),
        (AFTER, {"read_timeout": 0.5}, 0.6, 0.5, "no reply within the 0.5 s of read_timeout", 2),
        (AFTER, {}, 61, 60, "no reply within the 60 s of read_timeout", 2),
        (BEFORE, {"connect_timeout": 2}, 3, 2, "no connection within the 2 s of connect_timeout", 1),
        (BEFORE, {}, 100, 60, "no connection within the 60 s of connect_timeout", 1),
    ],
)
def test_a_delay_beyond_the_clients_timeout_is_a_timeout(
    when: str, timeouts: dict[str, float], seconds: float, waited: float, why: str, sent: int, dynamodb: Any
) -> None:
    """The SDK gives up at that moment and sends again: what came too late was carried out, what found no connection
    was not. botocore's own timeouts are a minute."""
    host = Script({(when, 1): Delay(seconds)})
    put(dynamodb(host, timeouts=timeouts))
    assert host.slept == [waited]
    assert types(host)[1::2] == [(INFO, 1, why), (OK, 2, None)]
    assert len(host.sent) == sent


@pytest.mark.parametrize("timeouts", [{"read_timeout": 5, "connect_timeout": 1}, {"read_timeout": None}])
def test_a_delay_within_the_clients_timeout_is_only_a_delay(timeouts: dict[str, Any], dynamodb: Any) -> None:
    """Each client has its own timeouts, and None is none."""
    host = Script({(AFTER, 1): Delay(5)})
    put(dynamodb(Script({}), timeouts={"read_timeout": 1}))
    put(dynamodb(host, timeouts=timeouts))
    assert types(host)[1::2] == [(OK, 1, None)]


def test_a_reply_that_takes_too_long_by_itself_is_a_timeout_too(dynamodb: Any) -> None:
    """Whatever slowed it: the SDK cannot tell."""
    host = Script({})
    send = host.send

    def slowly(service: str, operation: str, request: Any) -> AWSResponse:
        host.slept.append(2 if not host.sent else 0)
        return send(service, operation, request)

    host.send = slowly  # type: ignore[method-assign]
    put(dynamodb(host, timeouts={"read_timeout": 1}))
    assert types(host)[1::2] == [(INFO, 1, "no reply within the 1 s of read_timeout"), (OK, 2, None)]


def test_an_error_of_aws_is_recorded_by_its_name_and_still_read_by_the_sdk(dynamodb: Callable[..., Any]) -> None:
    """The body is read twice: by the wire and by botocore."""
    body = {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "message": "no"}
    host = Script({}, [(400, body)])
    client = dynamodb(host)
    with pytest.raises(client.exceptions.ConditionalCheckFailedException):
        put(client)
    assert types(host)[1:] == [(FAIL, 1, "ConditionalCheckFailedException")]


def test_the_harness_itself_is_not_observed(dynamodb: Callable[..., Any]) -> None:
    """Its own calls are sent, neither recorded nor harmed."""
    host = Script({(BEFORE, 1): THROTTLE})
    host.watched = False
    put(dynamodb(host))
    assert (host.told, host.asked, len(host.sent)) == ([], [], 1)


def test_what_does_not_belong_on_the_wire_is_a_mistake_of_ours(dynamodb: Callable[..., Any]) -> None:
    """Never passed over in silence: the fault would count as fired, and nothing would have happened."""
    with pytest.raises(TypeError, match="PartialFailure"):
        put(dynamodb(Script({(BEFORE, 1): PartialFailure(0.5)})))


def test_a_transaction_names_its_tables_and_all_its_intents(dynamodb: Callable[..., Any]) -> None:
    """It is an effect when one of its tables is a sink."""
    host = Script({})
    marker = {"Put": {"TableName": "Markers", "Item": {"marker": {"S": "todo-1/2"}}}}
    effect = {"Put": {"TableName": "Effects", "Item": {"item": {"S": "todo-1"}, "intent": {"S": "todo-1/2"}}}}
    dynamodb(host).transact_write_items(TransactItems=[marker, effect])
    value = host.told[0][2]
    assert (value["table"], value["intents"], value["effect"]) == ("Markers,Effects", ["todo-1/2"], True)


def test_a_read_of_a_sink_is_no_effect(dynamodb: Callable[..., Any]) -> None:
    """Only writes are."""
    host = Script({})
    dynamodb(host).get_item(TableName="Effects", Key={"effect": {"S": "todo-1/2"}})
    assert host.told[0][2]["effect"] is False


def test_a_cancelled_transaction_has_a_reason_for_each_operation(dynamodb: Callable[..., Any]) -> None:
    """botocore's exception carries them in the order of the operations, and the SDK does not send it again."""
    cancel = CancelTransaction("TransactionConflict", "Transaction is ongoing for the item.", 1)
    host = Script({(BEFORE, 1): cancel})
    client = dynamodb(host)
    put = {"Put": {"TableName": "Effects", "Item": {"id": {"S": "x"}}}}
    with pytest.raises(client.exceptions.TransactionCanceledException) as caught:
        client.transact_write_items(TransactItems=[put, put])
    reasons = caught.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "TransactionConflict"]
    assert "specific reasons [None, TransactionConflict]" in str(caught.value)
    assert host.sent == []
