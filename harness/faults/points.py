"""Points, where a fault may act. Values only.

A point is named by process, call and intent, never by a global counter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

When = Literal["before", "after"]
BEFORE, AFTER = "before", "after"

# Places in the life of a writer, a function or a delivery, which stand where a point otherwise has an AWS call.
OPERATION = "operation"  # a writer's whole operation, with the SDK's retries
HANDLE = "handle"  # before: the handler is about to run
ACKNOWLEDGE = "acknowledge"  # before: the handler has returned; after: its answer was handed over
DELIVER = "deliver"  # one delivery of a batch; after: it was acknowledged
EFFECT = "effect"  # any call that lands an effect at a sink
# The calls that may carry out a part of their request.
BATCH_CALLS = ("dynamodb.BatchWriteItem", "kinesis.PutRecords", "sns.PublishBatch", "sqs.SendMessageBatch")
WRITER, FUNCTION, DISPATCHER = "writer", "function", "dispatcher"
PLACES = (OPERATION, HANDLE, ACKNOWLEDGE, DELIVER, EFFECT)


@dataclass(frozen=True, slots=True)
class Point:
    """`occurrence` counts from 1 the points of a run with the same role, call, when and intents.

    `items` are the ids of the items, `effect` is whether the call writes to a sink, `attempt` is the SDK's attempt
    (from 1), `time` is in microseconds since the run began.
    """

    process: str
    call: str
    when: str
    time: int = 0
    intents: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    effect: bool = False
    attempt: int = 1
    occurrence: int = 1

    @property
    def role(self) -> str:
        return self.process.partition("/")[0]

    @property
    def name(self) -> str:
        """Stable across runs: executions and deliveries are named by what they carry, not by their number."""
        process = self.process if self.role == "writer" else self.role
        subject = "+".join(self.intents) or "-"
        return f"{process} {self.when} {self.call} {subject} #{self.occurrence}"
