"""The processes of the embedded platform: writers, executions and dispatchers, each a task with its own chance."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

from harness.agent.actor import Process
from harness.agent.requests import Subject
from harness.errors import NotImitated, UserError, as_the_users, shown
from harness.faults.actions import Action, Disrupt
from harness.faults.base import Fault
from harness.faults.nemesis import Nemesis
from harness.faults.points import Point
from harness.history import INFO, INVOKE, MICROSECONDS, Value
from harness.platforms.base import Plan
from harness.platforms.embedded.services.functions import Execution, ExecutionActor
from harness.platforms.embedded.simulation import Simulation, Task
from harness.workload.client import WriterActor

LATEST_START = 1_000  # microseconds


@dataclass(eq=False, kw_only=True)
class ImitatedProcess(Process):
    """`key` names the process in draws, whatever number it has in this run."""

    key: str
    random: random.Random
    execution: Execution | None = None
    printed: str = ""  # the last line, which is not complete yet
    sent: Counter[str] = field(default_factory=Counter)


class Cloud(Protocol):
    """The imitated AWS, and the history of the run."""

    def send(self, service: str, operation: str, request: Any) -> Any: ...

    def crash(self, execution: Execution, why: str) -> NoReturn: ...

    def disrupt(self, action: Disrupt) -> None: ...

    def record(self, process: str, type: str, f: str, value: Value, error: str | None = None) -> None: ...


class WatchedNemesis(Nemesis):
    """A fault of the user's own that raises ends the run: inside the function its error would be the function's."""

    def __init__(self, simulation: Simulation, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._simulation = simulation

    def ask(self, fault: Fault, point: Point) -> Action | None:
        try:
            action = super().ask(fault, point)
        except Exception as error:
            message = f"the fault {fault.NAME} raised {type(error).__name__}: {error}"
            own = None if type(fault).__module__.startswith("harness.") else UserError(message)
            self._simulation.fail(as_the_users(error, f"the fault {fault.NAME}") or own or error)
        if action is not None and not isinstance(action, Action):
            message = f"the fault {fault.NAME} decided {shown(action)}; expected an action of harness.faults.actions"
            self._simulation.fail(UserError(f"{message}, or None"))
        return action


class Actors(WriterActor, ExecutionActor):
    """Speaks for the process whose task runs now."""

    def __init__(self, cloud: Cloud, simulation: Simulation, nemesis: Nemesis, plan: Plan) -> None:
        super().__init__(nemesis, cloud.record)
        self._cloud = cloud
        self._simulation = simulation
        self._log = plan.log
        self._seed = plan.seed
        self._harness = self._process("harness", "harness")
        self._writers = 0
        self._started: Counter[str] = Counter()  # executions, by their intents

    @property
    def current(self) -> ImitatedProcess:
        """The process that runs now; outside any task, the harness itself."""
        return self.process if self._simulation.current else self._harness

    @property
    def process(self) -> ImitatedProcess:
        process: ImitatedProcess = self._simulation.require_task().context
        return process

    def time(self) -> int:
        return self._simulation.now

    def start(self, process: str, body: Callable[[], None], key: str = "", execution: Execution | None = None) -> Task:
        """Starts a task at a drawn time, within LATEST_START: no two processes should show the same microsecond."""
        context = self._process(process, key or process, execution)
        delay = self._seed.between(0, LATEST_START, "start", context.key)
        return self._simulation.spawn(process, body, context, delay)

    def start_writer(self, body: Callable[[], None]) -> None:
        self.start(f"writer/{self._writers}", body)
        self._writers += 1

    def start_execution(self, execution: Execution, body: Callable[[], None]) -> Task:
        """Its key is made of the intents that it carries, and how many executions have carried them."""
        intents = "function " + "+".join(execution.subject.intents)
        self._started[intents] += 1
        return self.start(f"function/{execution.number}", body, f"{intents} #{self._started[intents]}", execution)

    def start_beside(self, body: Callable[[], None]) -> Task:
        """A task of the current process, which goes on at the same time."""
        return self._simulation.spawn(self.process.name, body, self.process)

    def draw(self) -> int:
        return self.process.random.getrandbits(64)

    def disrupt(self, action: Disrupt) -> None:
        self._cloud.disrupt(action)

    def record_end(self, execution: Execution, value: Value, error: str) -> None:
        process = f"function/{execution.number}"
        if not execution.deadline:  # it has ended while its handler was imported
            self._append(process, INVOKE, "execute", value, None)
        self._append(process, INFO, "execute", value, error)

    def observed(self) -> bool:
        self._simulation.end_the_dead()
        return self._simulation.current is not None

    def sleep(self, seconds: float) -> None:
        self._simulation.sleep(seconds)

    def crash(self) -> NoReturn:
        execution = self.current.execution
        if execution is None:
            raise RuntimeError("only the function's process can crash")
        self._cloud.crash(execution, "signal: killed")

    def hang(self) -> NoReturn:
        self._simulation.switch_away()
        raise AssertionError("an execution that hangs went on")

    def send(self, service: str, operation: str, request: Any) -> Any:
        return self._cloud.send(service, operation, request)

    # What isolation.confined needs.

    def inside(self) -> bool:
        return self._simulation.current is not None

    def refuse(self, error: NotImitated) -> NoReturn:
        self._simulation.fail(error)

    def log(self, text: str) -> None:
        """Writes what a process prints to the run's log: whole lines, each with the time in seconds and its name."""
        process = self.process
        *lines, process.printed = (process.printed + text).split("\n")
        for line in lines:
            self._log(f"{self.time() / MICROSECONDS:.6f} {process.name}  {line}\n")

    def _process(self, name: str, key: str, execution: Execution | None = None) -> ImitatedProcess:
        subject = execution.subject if execution else Subject()
        return ImitatedProcess(name, subject, key=key, random=self._seed.random("actor", key), execution=execution)
