"""Deliveries: hand a batch to the function, let the nemesis interfere, and write down what took place."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError, IncompleteReadError

from harness.delivery.host import DispatcherHost
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
from harness.delivery.sources import intents, items, payload, sequence_numbers
from harness.errors import NotImitated
from harness.faults.actions import AFTER, BEFORE, DELIVER, Action, Delay, Point, Redeliver, RollBack
from harness.history import FAIL, INFO, INVOKE, OK
from harness.pipeline.mapping import Mapping

MAXIMUM_COPIES = 10  # how many redeliveries of one batch a fault without `nth` or `times` can chain


@dataclass(frozen=True, slots=True)
class Origin:
    """Who delivers, which shard's records, and how to send their position back."""

    process: str
    shard_id: str
    roll_back: Callable[[int | None], None]


@dataclass(frozen=True, slots=True)
class Delivered:
    """`again`: a fault wants the batch, which was acknowledged, handed over once more before anything else."""

    result: InvocationResult
    decision: BatchDecision
    again: bool


class Deliveries:
    """One for a dispatcher: every delivery gets a number of its own.

    A copy, as Redeliver makes them, runs as a process of its own beside the lane's, as in `dispatcher/0+1`; its result
    is ignored. It is a point like any other, but no batch is copied more than MAXIMUM_COPIES times in a chain.
    """

    def __init__(self, host: DispatcherHost, mapping: Mapping, function_arn: str) -> None:
        self._host = host
        self._mapping = mapping
        self._function_arn = function_arn
        self._lambda = host.client("lambda")
        self._numbers = itertools.count(1)
        self._copy_numbers = itertools.count(1)
        self.copies = 0  # that are not delivered yet
        self._stopped = False

    def stop(self) -> None:
        """No copy is made any more, not even one that was decided already."""
        self._stopped = True

    def deliver(self, batch: Batch, origin: Origin) -> Delivered:
        value: dict[str, Any] = {
            "delivery": next(self._numbers),
            "attempt": batch.invocations + 1,
            "shard": origin.shard_id,
            "sequence_numbers": sequence_numbers(batch.records),
            "intents": list(intents(batch.records)),
        }
        self._host.record(origin.process, INVOKE, DELIVER, value)
        for action in self._ask(batch, origin, BEFORE):
            self._interfere(action, batch, origin)
        result = self._invoke(batch)
        decision = after(batch, result, self._mapping)
        acknowledged = len(decision.done) == len(batch.records)
        completion = value | {"outcome": _word(result, decision, acknowledged)}
        type = OK if acknowledged else INFO if result.kind == RESULT_LOST else FAIL
        self._host.record(origin.process, type, DELIVER, completion, result.error)
        actions = self._ask(batch, origin, AFTER) if acknowledged else ()
        # Not a short-circuit: every action is enacted.
        again = any([self._interfere(action, batch, origin) for action in actions])
        return Delivered(result, decision, again)

    def _ask(self, batch: Batch, origin: Origin, when: str) -> tuple[Action, ...]:
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

    def _interfere(self, action: Action, batch: Batch, origin: Origin) -> bool:
        """Enacts what the nemesis decided; says whether the batch is to come again at once, which is the caller's."""
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
        """A throttle, or any other error that AWS answers with, means that the function was not started (S-68).

        Without an answer nobody knows whether it ran (S-118).
        """
        try:
            answer = self._lambda.invoke(
                FunctionName=self._function_arn, InvocationType="RequestResponse", Payload=payload(batch.records)
            )
            body = answer["Payload"].read()
        except ClientError as error:
            request_id = error.response.get("ResponseMetadata", {}).get("RequestId")
            return InvocationResult(NOT_STARTED, error=error.response["Error"]["Code"], request_id=request_id)
        except (HTTPClientError, ConnectionError, IncompleteReadError) as error:
            return InvocationResult(RESULT_LOST, error=type(error).__name__)
        request_id = answer["ResponseMetadata"].get("RequestId")
        said = _parse(body)
        if answer.get("FunctionError"):
            return InvocationResult(RAISED, said, _describe(said), request_id)
        return InvocationResult(SUCCEEDED, said, None, request_id)


def _word(result: InvocationResult, decision: BatchDecision, acknowledged: bool) -> str:
    """The outcome in the history: succeeded, partly_succeeded, reported (all failed), or how the invocation ended."""
    if result.kind != SUCCEEDED or acknowledged:
        return result.kind
    return "partly_succeeded" if decision.done else "reported"


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode(errors="replace")


def _describe(said: Any) -> str:
    if not isinstance(said, dict):
        return str(said)
    return ": ".join(str(said[part]) for part in ("errorType", "errorMessage") if said.get(part))
