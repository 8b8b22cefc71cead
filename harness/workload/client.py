"""The client: a writer process that makes its changes one after another, and records what it learns of each.

The changes of a batch are an operation each; all begin and end together.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from harness.agent.actor import Actor
from harness.agent.requests import Subject
from harness.agent.wire import apply
from harness.errors import NotImitated, UserError, as_the_users
from harness.faults.actions import Disrupt, Duplicate
from harness.faults.points import BEFORE, OPERATION
from harness.history import FAIL, INFO, INVOKE, OK, Value
from harness.workload.base import FIRST_NOTE, Writer
from harness.workload.items import Change, batches

CHANGED_NOTE = "again"
_OUTCOMES = {True: OK, False: FAIL, None: INFO}


class WriterActor(Actor):
    """An actor that can also start another writer process, and disrupt the platform."""

    @abstractmethod
    def start_writer(self, body: Callable[[], None]) -> None: ...

    @abstractmethod
    def disrupt(self, action: Disrupt) -> None:
        """Returns once the disruption has begun, or could not be done."""


class Client:
    """One process. `make_writer` makes a writer, with a boto3 client of its own."""

    def __init__(self, make_writer: Callable[[], Writer], actor: WriterActor) -> None:
        self._make_writer = make_writer
        with _told_as_the_users():
            self._writer = make_writer()
        self._actor = actor

    def run(self, changes: Iterable[Change]) -> None:
        for batch in batches(changes, self._writer.BATCH_SIZE):
            self._change(batch)

    def _change(self, batch: Sequence[Change]) -> None:
        subject = Subject("", tuple(change.item for change in batch), tuple(change.intent for change in batch))
        duplicates = []
        for action in self._actor.decide(OPERATION, BEFORE, subject):
            if isinstance(action, Duplicate):
                duplicates.append(action)
            elif isinstance(action, Disrupt):
                self._actor.disrupt(action)
            else:
                apply((action,), self._actor)
        for copy, duplicate in enumerate(duplicates, start=1):
            if duplicate.concurrently:
                self._start_copy(batch, copy, duplicate)
        self._write(batch, copy=0, note=FIRST_NOTE)
        for copy, duplicate in enumerate(duplicates, start=1):
            if not duplicate.concurrently:
                self._write(batch, copy, _note(duplicate))

    def _start_copy(self, batch: Sequence[Change], copy: int, duplicate: Duplicate) -> None:
        other = Client(self._make_writer, self._actor)
        self._actor.start_writer(lambda: other._write(batch, copy, _note(duplicate)))

    def _write(self, batch: Sequence[Change], copy: int, note: str) -> None:
        operation = self._writer.OPERATION
        values: list[Value] = [{"intent": change.intent, "item": change.item, "copy": copy} for change in batch]
        for value in values:
            if self._writer.LEAVES:
                value["leaves"] = self._writer.LEAVES
            self._actor.record(INVOKE, operation, value)
        try:
            with _told_as_the_users():
                outcomes = self._writer.write_batch(batch, note)
                if len(outcomes) != len(batch):
                    raise ValueError(f"write_batch returned {len(outcomes)} outcomes of {len(batch)} changes")
        except (ClientError, HTTPClientError, BotoCoreError) as error:
            outcome = INFO if _ambiguous(error) else FAIL
            for value in values:
                self._actor.record(outcome, operation, value, f"{type(error).__name__}: {error}")
        else:
            for value, happened in zip(values, outcomes, strict=True):
                self._actor.record(_OUTCOMES[happened], operation, value)


@contextmanager
def _told_as_the_users() -> Iterator[None]:
    """What a writer of the user raises that no AWS call raises is the user's mistake, at a line of the user's file."""
    try:
        yield
    except (NotImitated, UserError, ClientError, BotoCoreError):
        raise
    except Exception as error:
        if own := as_the_users(error, "the writer"):
            raise own from error
        raise


def _note(duplicate: Duplicate) -> str:
    return CHANGED_NOTE if duplicate.changed else FIRST_NOTE


def _ambiguous(error: Exception) -> bool:
    """Whether the change may have happened.

    A 4xx is certain only if no earlier attempt can have been carried out (S-07, S-11).
    """
    if not isinstance(error, ClientError):
        return True
    metadata = error.response["ResponseMetadata"]
    return bool(metadata["HTTPStatusCode"] >= 500 or metadata.get("RetryAttempts", 0) > 0)
