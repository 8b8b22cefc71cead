"""The platform `localstack`: a stack on LocalStack, and the outages that its runtime can cause."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import ClassVar
from urllib.parse import urlsplit

from harness.errors import UserError
from harness.faults.actions import Disrupt
from harness.history import INFO, Value
from harness.localstack import LOOPBACK, Runtime, runtime_at
from harness.localstack.health import health
from harness.platforms.base import Disruption, Record
from harness.platforms.deployed.mappings import EXECUTION_SECONDS, under_way
from harness.platforms.deployed.platform import Deployed
from harness.platforms.target import KILL, OUTAGES
from harness.project import cache_folder
from harness.waiting import turn, until

ALIVE_SECONDS = 10.0  # how long a LocalStack may take to say that it is there
MAX_TURN_SECONDS = 1800.0  # how long a run waits for others, each of which takes minutes at most
PERIOD_SECONDS = 0.5  # a slow platform is paused for a part of each period


class LocalStack(Deployed):
    """A run that needs more than LocalStack's own mapping does is refused, unless the harness's dispatcher delivers."""

    name: ClassVar[str] = "localstack"
    timestamp_seconds: ClassVar[int] = 60
    change_seconds: ClassVar[float] = 75.0

    def deploy(self) -> None:
        """A stack that LocalStack does not create because it is gone says nothing about the template.

        A run that kills or freezes LocalStack waits until no other is there, and others wait for it.
        """
        address = urlsplit(self._plan.target.endpoint)
        if address.hostname in LOOPBACK:
            alone = any(fault.NAME in OUTAGES - {KILL} for fault in self._plan.faults)
            self._exits.enter_context(turn(cache_folder() / f"runs-at-{address.port}", alone, MAX_TURN_SECONDS))
        self.require_answer()
        try:
            super().deploy()
        except UserError:
            self.require_answer()
            raise

    def require_answer(self) -> None:
        endpoint = self._plan.target.endpoint or ""
        if not until(lambda: health(endpoint), ALIVE_SECONDS):
            raise TimeoutError(f"nothing answers at {endpoint}")

    def can(self) -> dict[str, Disruption]:
        has_outages = any(fault.NAME in OUTAGES for fault in self._plan.faults)
        runtime_and_port = runtime_at(self._plan.target.endpoint) if has_outages else None
        if runtime_and_port is None:
            return super().can()
        runtime, port = runtime_and_port
        outages = Outages(runtime, port, self._plan.stack.function.name, self._function_history.read, self.record)
        return super().can() | outages.table()


class Outages:
    """`operations` reads the functions' part of the history so far, `record` appends to the run's."""

    def __init__(
        self, runtime: Runtime, port: int, function: str, operations: Callable[[], Iterable[Value]], record: Record
    ) -> None:
        self._runtime = runtime
        self._port = port
        self._function = function
        self._operations = operations
        self._record = record
        self._slow: tuple[threading.Thread, threading.Event] | None = None

    def table(self) -> dict[str, Disruption]:
        killed = Disruption(self._kill, self._start)
        return {
            "kill_platform": killed,
            "restart_platform": killed,
            "pause_platform": Disruption(lambda action: self._runtime.pause(self._port), self._resume),
            "slow_platform": Disruption(self._slow_down, self._resume),
            "kill_function": Disruption(self._kill_function),
        }

    def _kill(self, action: Disrupt) -> None:
        self._operations()  # its tables, which hold the history so far, will be lost
        self._runtime.kill(self._port)

    def _start(self) -> None:
        self._runtime.start(self._port, lambda doing: None)

    def _resume(self) -> None:
        if self._slow:
            thread, over = self._slow
            self._slow = None
            over.set()
            thread.join()
        self._runtime.resume(self._port)

    def _slow_down(self, action: Disrupt) -> None:
        over = threading.Event()
        share = float(action.setting or 0)

        def alternate() -> None:
            while not over.is_set():
                self._runtime.pause(self._port)
                over.wait(PERIOD_SECONDS * (1 - share))
                self._runtime.resume(self._port)
                over.wait(PERIOD_SECONDS * share)

        thread = threading.Thread(target=alternate, name="slow platform", daemon=True)
        self._slow = thread, over
        thread.start()

    def _kill_function(self, action: Disrupt) -> Value:
        execution = until(lambda: self._killed(str(action.setting)), EXECUTION_SECONDS)
        if execution is None:
            raise TimeoutError(f"no execution that has {action.setting} was under way in {EXECUTION_SECONDS:g} s")
        # The killed process cannot record this itself.
        self._record(execution["process"], INFO, "execute", execution["value"], "killed from outside")
        return {"process": execution["process"]}

    def _killed(self, once: str) -> Value | None:
        """The execution that was killed; None where none was under way, or it ended before it was killed."""
        execution = next(iter(under_way(self._operations(), once)), None)
        if execution is None:
            return None
        if not self._runtime.kill_function(self._port, self._function):
            raise LookupError(f"no process of function {self._function} was found")
        return execution if execution in under_way(self._operations(), once) else None
