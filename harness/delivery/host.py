"""What the dispatcher needs from its platform: time, tasks, AWS clients, the history and the nemesis.

The embedded platform provides greenlets and virtual time, the deployed platforms threads and the real clock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from harness.faults.actions import Action
from harness.faults.points import Point
from harness.faults.seed import Seed
from harness.history import Value


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
