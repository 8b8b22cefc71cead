"""The client: a writer process that makes its changes one after another, and writes down what it learns of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from harness.action import Disrupt, Duplicate
from harness.agent.enact import enact
from harness.agent.host import Host, Subject
from harness.history import FAIL, INFO, INVOKE, OK
from harness.point import BEFORE, OPERATION
from harness.workloads.base import FIRST_NOTE, Writer
from harness.workloads.generator import Change

CHANGED_NOTE = "again"


class WriterHost(Host, Protocol):
    """A host that can also start another writer process, and reach the platform as a whole."""

    def start_writer(self, body: Callable[[], None]) -> None: ...

    def disrupt(self, action: Disrupt) -> None:
        """Returns once it has begun, or could not be done."""


class Client:
    """One process. `make_writer` gives a writer with a client of its own, as every process has one."""

    def __init__(self, make_writer: Callable[[], Writer], host: WriterHost) -> None:
        self._make_writer = make_writer
        self._writer = make_writer()
        self._host = host

    def run(self, changes: Iterable[Change]) -> None:
        for change in changes:
            self._change(change)

    def _change(self, change: Change) -> None:
        subject = Subject("", (change.item,), (change.intent,))
        duplicates = []
        for action in self._host.decide(OPERATION, BEFORE, subject):
            if isinstance(action, Duplicate):
                duplicates.append(action)
            elif isinstance(action, Disrupt):
                self._host.disrupt(action)
            else:
                enact((action,), self._host)
        for copy, duplicate in enumerate(duplicates, start=1):
            if duplicate.concurrently:
                self._start_copy(change, copy, duplicate)
        self._write(change, copy=0, note=FIRST_NOTE)
        for copy, duplicate in enumerate(duplicates, start=1):
            if not duplicate.concurrently:
                self._write(change, copy, _note(duplicate))

    def _start_copy(self, change: Change, copy: int, duplicate: Duplicate) -> None:
        other = Client(self._make_writer, self._host)
        self._host.start_writer(lambda: other._write(change, copy, _note(duplicate)))

    def _write(self, change: Change, copy: int, note: str) -> None:
        value = {"intent": change.intent, "item": change.item, "copy": copy}
        operation = self._writer.OPERATION
        self._host.record(INVOKE, operation, value)
        try:
            happened = self._writer.write(change, note)
        except (ClientError, HTTPClientError, BotoCoreError) as error:
            self._host.record(INFO if _ambiguous(error) else FAIL, operation, value, f"{type(error).__name__}: {error}")
        else:
            self._host.record(OK if happened else FAIL, operation, value)


def _note(duplicate: Duplicate) -> str:
    return CHANGED_NOTE if duplicate.changed else FIRST_NOTE


def _ambiguous(error: Exception) -> bool:
    """Whether the change may have happened. A refusal is certain only if no attempt before it was (S-07, S-11)."""
    if not isinstance(error, ClientError):
        return True
    metadata = error.response["ResponseMetadata"]
    return bool(metadata["HTTPStatusCode"] >= 500 or metadata.get("RetryAttempts", 0) > 0)
