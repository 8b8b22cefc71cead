"""The contracts of a platform, on which a pipeline lives while a run lasts, and of an imitated AWS service.

Disruptions of a platform as a whole are begun when the nemesis decides so, recorded, and ended again.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from harness.delivery.shards import StreamReader
from harness.errors import NotImitated, UserError
from harness.faults.actions import Disrupt
from harness.faults.base import Fault
from harness.faults.nemesis import Nemesis, Tickets
from harness.faults.points import Seed
from harness.history import FAIL, INVOKE, OK, History, Value
from harness.observer import DeadLetters
from harness.pipeline.stack import Stack
from harness.platforms.target import Target
from harness.workload.client import WriterActor

CONTENT_TYPE = "application/x-amz-json-1.0"


@dataclass(frozen=True, slots=True)
class Request:
    """One attempt of one AWS call, or one HTTP request.

    body: what botocore serialised; for JSON protocols it is a JSON object.
    """

    service: str  # botocore's name: dynamodb, dynamodbstreams, kinesis, lambda, s3, sns, sqs; or http
    operation: str  # as in the API: PutItem; or a method: POST
    method: str
    url: str
    headers: dict[str, str]
    body: bytes

    def check_imitated(self, operations: Collection[str]) -> None:
        """Raises NotImitated unless the operation is one of these, which the service imitates."""
        if self.operation not in operations:
            call, imitated = f"{self.service}.{self.operation}", ", ".join(sorted(operations))
            raise NotImitated(f"{call} is not imitated by the embedded platform. Known: {imitated}")


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, ready for botocore to parse."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": CONTENT_TYPE})

    @staticmethod
    def of(body: dict[str, Any]) -> Reply:
        return Reply(200, json.dumps(body).encode())

    @staticmethod
    def error(code: str, message: str, status: int = 400, **more: Any) -> Reply:
        """An error as the JSON protocols of AWS write it."""
        body = {"__type": code, "message": message, **more}
        headers = {"content-type": CONTENT_TYPE, "x-amzn-errortype": code}
        return Reply(status, json.dumps(body).encode(), headers)


class Service(Protocol):
    """Carries out a request at this moment of virtual time. Raises NotImitated, naming the call."""

    def handle(self, request: Request) -> Reply: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. `folders` hold the function's modules, its own first; `log` takes what the function prints.

    Of the embedded platform: `shards` of a stream, the bound on steps of the simulation, and the seconds of processor
    time that the function may take without any call.
    """

    stack: Stack
    folders: Sequence[Path]
    faults: Sequence[Fault]
    seed: Seed
    history: History
    shards: int
    max_steps: int
    spin_seconds: float
    log: Callable[[str], object]
    target: Target


class Platform(Protocol):
    """A context: the pipeline exists from `deploy` to the end of the context, however it ends."""

    def __init__(self, plan: Plan) -> None: ...

    # The pipeline's life, in this order.

    def __enter__(self) -> Platform: ...

    def deploy(self) -> None: ...

    def rest(self, seconds: float) -> str:
        """Lets time pass until nothing more will happen, at most so many seconds.

        Returns what the run was still waiting for, in words, or "".
        """

    def heal(self) -> None:
        """Stops all faults and ends all disruptions."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    # Its clients and its clock.

    def client(self, service: str) -> Any:
        """A boto3 client that no fault reaches and whose SDK does not retry."""

    def writer_client(self, retry_mode: str | None, max_attempts: int | None) -> Any:
        """A client of the source's service for a writer, whose SDK retries in this mode."""

    def time(self) -> int:
        """Microseconds since the run began."""

    def bound(self, seconds: float) -> float:
        """How many of these seconds a run may spend on this platform."""

    # Who acts in a run, and what the run reads in the end.

    @property
    def writers(self) -> WriterActor: ...

    @property
    def nemesis(self) -> Nemesis: ...

    @property
    def tickets(self) -> Tickets:
        """How often faults were aimed and fired."""

    @property
    def source(self) -> StreamReader:
        """Reads the source's stream, apart from the mapping."""

    @property
    def dead_letters(self) -> DeadLetters:
        """Reads the on-failure queues."""

    @property
    def applied(self) -> Sequence[tuple[str, bytes]]:
        """What endpoints applied, in order: the variable that holds the URL, and the request's body."""

    @property
    def arrival_seconds(self) -> int:
        """How long a message may take from its sender to its queue."""


PROCESS = "platform"
Record = Callable[..., object]  # process, type, f, value, error
# What a platform's calls, its runtime and its waits raise when a disruption cannot be carried out.
IMPOSSIBLE = (UserError, LookupError, TimeoutError, ClientError, BotoCoreError)

# While one of these is in force, the platform answers no call.
UNREACHABLE = frozenset({"kill_platform", "restart_platform", "pause_platform"})


@dataclass(frozen=True, slots=True)
class Disruption:
    """How a platform begins and ends a disruption. `begin` may return more about it for the history."""

    begin: Callable[[Disrupt], Value | None]
    end: Callable[[], Any] = lambda: None


class Disruptions:
    """`can`: the disruptions that the platform can carry out, by the names of their faults."""

    def __init__(self, can: Mapping[str, Disruption], record: Record) -> None:
        self._can = can
        self._record = record
        self._in_force: dict[Disrupt, Value] = {}  # each with what its `begin` returned

    @property
    def in_force(self) -> list[Disrupt]:
        return list(self._in_force)

    def begin(self, action: Disrupt) -> bool:
        """Returns whether it began. A failure is recorded, and leaves the verdict unknown."""
        self._record(PROCESS, INVOKE, action.what, _value(action))
        try:
            self._in_force[action] = self._can[action.what].begin(action) or {}
        except IMPOSSIBLE as error:
            self._record(PROCESS, FAIL, action.what, _value(action), f"{type(error).__name__}: {error}")
            return False
        return True

    def end(self, action: Disrupt) -> None:
        """Ends a disruption that is in force."""
        if action not in self._in_force:
            return
        value = _value(action) | self._in_force.pop(action)
        try:
            self._can[action.what].end()
        except IMPOSSIBLE as error:
            self._record(PROCESS, FAIL, action.what, value, f"{type(error).__name__}: {error}")
        else:
            self._record(PROCESS, OK, action.what, value)

    def heal(self) -> None:
        """Ends all disruptions, the last first."""
        for action in reversed(self.in_force):
            self.end(action)


def _value(action: Disrupt) -> Value:
    return {"seconds": action.seconds, "setting": action.setting}


BEGIN_SECONDS = 120.0  # how long a writer waits for a disruption to begin


@dataclass(eq=False)
class _Request:
    action: Disrupt
    begun: threading.Event = field(default_factory=threading.Event)


class DisruptionQueue:
    """One thread calls `carry_out` repeatedly; any other may call `request`."""

    def __init__(self, disruptions: Disruptions) -> None:
        self._disruptions = disruptions
        self._requests: queue.SimpleQueue[_Request] = queue.SimpleQueue()
        self._due: list[tuple[float, Disrupt]] = []
        self._healed = False

    def request(self, action: Disrupt) -> None:
        """Returns once the disruption has begun or failed."""
        request = _Request(action)
        self._requests.put(request)
        request.begun.wait(BEGIN_SECONDS)

    def carry_out(self) -> list[str]:
        """Ends what is due and begins what was requested. Returns the names of the disruptions in force then."""
        for due in [due for due in self._due if due[0] <= time.monotonic()]:
            self._due.remove(due)
            self._disruptions.end(due[1])
        while not self._requests.empty():
            request = self._requests.get()
            if not self._healed and self._disruptions.begin(request.action) and request.action.seconds is not None:
                self._due.append((time.monotonic() + request.action.seconds, request.action))
            request.begun.set()
        return [action.what for action in self._disruptions.in_force]

    def heal(self) -> None:
        """Ends all disruptions; later requests do nothing."""
        self._healed = True
        self._due.clear()
        self._disruptions.heal()
        self.carry_out()
