"""A point: a place where a fault may act, named by process, call and intent, never by a global counter."""

from __future__ import annotations

from dataclasses import dataclass

BEFORE, AFTER = "before", "after"

# Calls that are not AWS calls, but places in the life of a writer, a function or a delivery.
OPERATION = "operation"  # a writer's whole operation, SDK retries included
HANDLE = "handle"  # before: the handler is about to run
ACKNOWLEDGE = "acknowledge"  # before: it has answered, nobody has the answer; after: the answer was handed over
DELIVER = "deliver"  # a hand-over of a batch; after: it was acknowledged
# Not a place of its own, but any call that lands an effect at a sink.
EFFECT = "effect"
BATCH_WRITE = "dynamodb.BatchWriteItem"  # the call that may do a part of what it is asked for
WRITER, FUNCTION, DISPATCHER = "writer", "function", "dispatcher"
PLACES = (OPERATION, HANDLE, ACKNOWLEDGE, DELIVER, EFFECT)


@dataclass(frozen=True, slots=True)
class Point:
    """`occurrence` counts from 1 the points of a run that are equal in role, call, when and intents.

    `items` are the ids of the items concerned, `effect` says whether the call writes to a sink,
    `attempt` is the SDK's attempt (from 1), `time` is in microseconds since the run began.
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
