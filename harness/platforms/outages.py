"""Outages of a LocalStack that `harness up` started: its runtime kills, freezes and starts it again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from harness.action import Disrupt
from harness.disruptions import Disruption, Record
from harness.history import INFO, INVOKE, OK, Value
from harness.localstack.base import Runtime
from harness.until import until

PERIOD_SECONDS = 0.5  # of a slow platform: it runs for a share of each
EXECUTION_SECONDS = 20.0  # how long to wait for an execution that can be killed
# While one of these is in force, nobody answers.
UNREACHABLE = frozenset({"kill_platform", "restart_platform", "pause_platform"})


class Outages:
    """`operations` gives what functions have left in the history so far, `record` adds to the run's."""

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
        self._operations()  # what it has told so far would be gone with it
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
        # Its process cannot write this down any more.
        self._record(execution["process"], INFO, "execute", execution["value"], "killed from outside")
        return {"process": execution["process"]}

    def _killed(self, once: str) -> Value | None:
        """The execution that was killed; None where there is none, or where it had ended before it was hit."""
        execution = next(iter(under_way(self._operations(), once)), None)
        if execution is None:
            return None
        if not self._runtime.kill_function(self._port, self._function):
            raise LookupError(f"no process of function {self._function} was found")
        return execution if execution in under_way(self._operations(), once) else None


def under_way(operations: Iterable[Value], once: str) -> list[Value]:
    """The executions that have begun and not ended, or of these those that have applied an effect. Pure."""
    begun: dict[str, Value] = {}
    applied: set[str] = set()
    for operation in operations:
        process, f, type = operation["process"], operation["f"], operation["type"]
        if f == "execute" and type == INVOKE:
            begun[process] = operation
        elif f == "execute":
            begun.pop(process, None)
        elif type == OK and operation["value"].get("effect"):
            applied.add(process)
    return [operation for process, operation in begun.items() if process in applied or once == "started"]
