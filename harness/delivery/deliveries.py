"""Deliveries: invoke the function with a batch, apply the faults of that moment, and record the outcome.

The host is what that, and all of the dispatcher, needs of its platform: time, tasks, AWS clients, the history and the
nemesis. The embedded platform provides greenlets and virtual time, the deployed platforms threads and the real clock.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError, IncompleteReadError

from harness.delivery.redelivery import (
    NOT_STARTED,
    RAISED,
    RESULT_LOST,
    SUCCEEDED,
    Batch,
    BatchDecision,
    InvocationResult,
    after,
)
from harness.delivery.sources import history_value, intents, items, payload
from harness.errors import NotImitated
from harness.faults.actions import Action, Delay, Redeliver, RollBack
from harness.faults.points import AFTER, BEFORE, DELIVER, Point, Seed
from harness.history import FAIL, INFO, INVOKE, OK, Value
from harness.pipeline.resources import Mapping


class Event(Protocol):
    """A flag that tasks can wait for."""

    def set(self) -> None: ...

    def clear(self) -> None: ...

    def wait(self, timeout: float | None) -> bool:
        """Blocks until the flag is set, at most `timeout` seconds; returns whether it is set."""
        ...


class DispatcherHost(Protocol):
    """One per dispatcher."""

    @property
    def seed(self) -> Seed: ...

    @property
    def timestamp_seconds(self) -> int:
        """The precision of records' creation times: a second on AWS, a minute on DynamoDB Local (S-57)."""
        ...

    def now(self) -> int:
        """Microseconds since the Unix epoch."""
        ...

    def time(self) -> int:
        """Microseconds since the run began."""
        ...

    def spawn(self, process: str, body: Callable[[], None]) -> None:
        """Starts a concurrent task; its AWS calls are recorded as made by `process`."""
        ...

    def sleep(self, seconds: float) -> None: ...

    def event(self) -> Event: ...

    def wait_for_records(self, shard_id: str, timeout: float | None) -> None:
        """Blocks until a record was appended to the shard since the previous call returned, at most `timeout` seconds.

        A record appended between two calls ends the second at once: it may have arrived during GetRecords. A host that
        cannot observe appends sleeps for its poll interval instead.
        """
        ...

    def client(self, service: str) -> Any:
        """A boto3 client whose SDK does not retry."""
        ...

    def record(self, process: str, type: str, f: str, value: Value, error: str | None = None) -> None:
        """Appends to the history."""
        ...

    def decide(self, point: Point) -> tuple[Action, ...]:
        """Asks the nemesis."""
        ...


MAXIMUM_COPIES = 10  # how many redeliveries of one batch a fault without `nth` or `times` can chain


@dataclass(frozen=True, slots=True)
class Origin:
    """Who delivers, from which shard, and how to roll the lane's position back."""

    process: str
    shard_id: str
    roll_back: Callable[[int | None], None]


@dataclass(frozen=True, slots=True)
class Delivered:
    """`again`: a fault wants the acknowledged batch to be delivered once more, before any other."""

    result: InvocationResult
    decision: BatchDecision
    again: bool


class Deliveries:
    """The deliveries of one dispatcher, numbered from 1.

    Redeliver makes copies of a delivery. A copy runs as a process of its own, named as in `dispatcher/0+1`, and its
    result is ignored. Faults can act on it too, but a chain of copies ends after MAXIMUM_COPIES.
    """

    def __init__(self, host: DispatcherHost, mapping: Mapping, function_arn: str, role_arn: str = "") -> None:
        self._host = host
        self._mapping = mapping
        self._function_arn = function_arn
        self._role_arn = role_arn
        self._lambda = host.client("lambda")
        self._numbers = itertools.count(1)
        self._copy_numbers = itertools.count(1)
        self.copies = 0  # how many are not delivered yet
        self._stopped = False

    def stop(self) -> None:
        """No further copy is delivered, not even one that a fault has already asked for."""
        self._stopped = True

    def deliver(self, batch: Batch, origin: Origin) -> Delivered:
        value: dict[str, Any] = {
            "delivery": next(self._numbers),
            "attempt": batch.invocations + 1,
            **history_value(origin.shard_id, batch.records),
        }
        self._host.record(origin.process, INVOKE, DELIVER, value)
        for action in self._decide(batch, origin, BEFORE):
            self._apply(action, batch, origin)
        result = self._invoke(batch)
        decision = after(batch, result, self._mapping)
        acknowledged = len(decision.done) == len(batch.records)
        completion = value | {"outcome": _outcome(result, decision, acknowledged)}
        type = OK if acknowledged else INFO if result.kind == RESULT_LOST else FAIL
        self._host.record(origin.process, type, DELIVER, completion, result.error)
        actions = self._decide(batch, origin, AFTER) if acknowledged else ()
        # A list, because `any` over a generator would stop at the first action that returns True.
        again = any([self._apply(action, batch, origin) for action in actions])
        return Delivered(result, decision, again)

    def _decide(self, batch: Batch, origin: Origin, when: str) -> tuple[Action, ...]:
        if batch.copy == MAXIMUM_COPIES:
            return ()
        point = Point(
            process=origin.process,
            call=DELIVER,
            when=when,
            time=self._host.time(),
            intents=intents(batch.records),
            items=items(batch.records),
        )
        return self._host.decide(point)

    def _apply(self, action: Action, batch: Batch, origin: Origin) -> bool:
        """Applies one action; returns whether the caller is to deliver the batch again at once."""
        if isinstance(action, Delay):
            self._host.sleep(action.seconds)
        elif isinstance(action, RollBack):
            origin.roll_back(action.records)
        elif isinstance(action, Redeliver):
            if not action.concurrently and not action.seconds:
                return True
            self._copy(batch, origin, action.seconds)
        else:
            raise NotImitated(f"{action} at a delivery")
        return False

    def _copy(self, batch: Batch, origin: Origin, seconds: float) -> None:
        process = f"{origin.process.partition('+')[0]}+{next(self._copy_numbers)}"
        copy = Batch(batch.records, copy=batch.copy + 1)
        self.copies += 1
        self._host.spawn(process, partial(self._deliver_copy, copy, replace(origin, process=process), seconds))

    def _deliver_copy(self, batch: Batch, origin: Origin, seconds: float) -> None:
        if seconds:
            self._host.sleep(seconds)
        if not self._stopped and self.deliver(batch, origin).again:
            self._copy(batch, origin, 0.0)
        self.copies -= 1

    def _invoke(self, batch: Batch) -> InvocationResult:
        """Invokes the function, once. Refused with a 4xx, such as a throttle, it was not started (S-68).

        After a 5xx, or without any response, it may have run or not (S-118).
        """
        try:
            event = payload(batch.records, self._role_arn)
            response = self._lambda.invoke(
                FunctionName=self._function_arn, InvocationType="RequestResponse", Payload=event
            )
            body = response["Payload"].read()
        except ClientError as error:
            metadata = error.response.get("ResponseMetadata", {})
            kind = RESULT_LOST if metadata.get("HTTPStatusCode", 0) >= 500 else NOT_STARTED
            return InvocationResult(kind, None, error.response["Error"]["Code"], metadata.get("RequestId"))
        except (HTTPClientError, ConnectionError, IncompleteReadError) as error:
            return InvocationResult(RESULT_LOST, error=type(error).__name__)
        request_id = response["ResponseMetadata"].get("RequestId")
        answer = _parse(body)
        if response.get("FunctionError"):
            return InvocationResult(RAISED, answer, _describe(answer), request_id)
        return InvocationResult(SUCCEEDED, answer, None, request_id)


def _outcome(result: InvocationResult, decision: BatchDecision, acknowledged: bool) -> str:
    """The outcome in the history: succeeded, partly_succeeded, reported (all as failed), or the kind of the result."""
    if result.kind != SUCCEEDED or acknowledged:
        return result.kind
    return "partly_succeeded" if decision.done else "reported"


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode(errors="replace")


def _describe(answer: Any) -> str:
    if not isinstance(answer, dict):
        return str(answer)
    return ": ".join(str(answer[field]) for field in ("errorType", "errorMessage") if answer.get(field))
