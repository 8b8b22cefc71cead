"""Disruptions of the embedded platform: of its function and its mapping, with the effects that AWS documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict

from harness.delivery.dispatcher import Dispatcher
from harness.faults.actions import Disrupt
from harness.history import MICROSECONDS, Operation, Value
from harness.platforms.base import Disruption, Disruptions, Record
from harness.platforms.deployed.executions import EXECUTION_SECONDS, under_way
from harness.platforms.embedded.services.functions import Functions
from harness.platforms.embedded.simulation import Simulation

POLL_SECONDS = 0.01  # between two looks for an execution that can be killed


class ImitatedDisruptions(Disruptions):
    """`make_dispatcher` gives a new mapping; `operations` is the history so far."""

    def __init__(
        self,
        simulation: Simulation,
        functions: Functions,
        make_dispatcher: Callable[[], Dispatcher],
        operations: Iterable[Operation],
        record: Record,
    ) -> None:
        super().__init__(self._table(), record)
        self._simulation = simulation
        self._functions = functions
        self._make_dispatcher = make_dispatcher
        self._operations = operations
        self._dispatcher = make_dispatcher()

    def start(self) -> None:
        self._dispatcher.start(first=True)

    def disrupt(self, action: Disrupt) -> None:
        """Begins the disruption in the task of the writer that reached it, and ends it when its time is over."""
        if self.begin(action) and action.seconds is not None:
            self._simulation.at(round(action.seconds * MICROSECONDS), lambda: self.end(action))

    def _table(self) -> dict[str, Disruption]:
        return {
            "recreate_mapping": Disruption(lambda action: self._dispatcher.stop(), self._recreate),
            "disable_mapping": Disruption(lambda action: self._dispatcher.disable(), lambda: self._dispatcher.enable()),
            "throttle_function": Disruption(lambda action: self._throttle(True), lambda: self._throttle(False)),
            "kill_function": Disruption(self._kill_function),
        }

    def _recreate(self) -> None:
        self._dispatcher = self._make_dispatcher()
        self._dispatcher.start()

    def _throttle(self, on: bool) -> None:
        self._functions.throttled = on

    def _kill_function(self, action: Disrupt) -> Value:
        deadline = self._simulation.now + round(EXECUTION_SECONDS * MICROSECONDS)
        while self._simulation.now < deadline:
            for execution in under_way(map(asdict, self._operations), str(action.setting)):
                self._functions.kill(int(execution["process"].partition("/")[2]))
                return {"process": execution["process"]}
            self._simulation.sleep(POLL_SECONDS)
        raise TimeoutError(f"no execution that has {action.setting} was under way in {EXECUTION_SECONDS:g} s")
