"""The actors of the embedded platform: writers, executions and dispatchers, each a task with its own random numbers.

Actors is the host of the agent and of the writers' client: it acts for the actor that runs now.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

from harness.agent.actor import Subject
from harness.errors import NotImitated
from harness.faults.actions import Action, Disrupt, Point
from harness.faults.nemesis import Nemesis
from harness.history import INFO, MICROSECONDS, Value
from harness.platforms.base import Plan
from harness.platforms.embedded.environment import Code
from harness.platforms.embedded.services.functions import Execution
from harness.platforms.embedded.simulation import Simulation, Task

LATEST_START = 1_000  # microseconds


@dataclass(eq=False)
class ActorState:
    """What the platform keeps of an actor. `key` names it in draws, whatever number it has in this run."""

    key: str
    random: random.Random
    execution: Execution | None = None
    calls: int = 0
    printed: str = ""  # the line that it has begun
    sent: Counter[str] = field(default_factory=Counter)


class Cloud(Protocol):
    """The imitated AWS: it takes requests, ends executions, and can be disrupted."""

    def send(self, service: str, operation: str, request: Any) -> Any: ...

    def crash(self, execution: Execution, why: str) -> NoReturn: ...

    def disrupt(self, action: Disrupt) -> None: ...


class Actors:
    """Implements the agent's Host, the client's, and what the function service needs."""

    def __init__(self, cloud: Cloud, simulation: Simulation, nemesis: Nemesis, plan: Plan, code: Code) -> None:
        self._cloud = cloud
        self._simulation = simulation
        self._nemesis = nemesis
        self._history = plan.history
        self._log = plan.log
        self._seed = plan.seed
        self._code = code
        self._harness = ActorState("harness", plan.seed.random("actor", "harness"))
        self._writers = 0
        self._carried: Counter[str] = Counter()
        simulation.on_switch = self._switched

    @property
    def current(self) -> ActorState:
        """The actor that runs now; outside any task, the harness itself."""
        task = self._simulation.current
        actor: ActorState = task.context if task else self._harness
        return actor

    def start(self, process: str, body: Callable[[], None], key: str = "", execution: Execution | None = None) -> Task:
        """Starts a task at a drawn time, within LATEST_START: no two actors should show the same microsecond."""
        key = key or process
        delay = self._seed.between(0, LATEST_START, "start", key)
        return self._simulation.spawn(process, body, ActorState(key, self._seed.random("actor", key), execution), delay)

    def start_writer(self, body: Callable[[], None]) -> None:
        self.start(f"writer/{self._writers}", body)
        self._writers += 1

    def start_execution(self, execution: Execution, body: Callable[[], None]) -> Task:
        """Named in draws by the intents that it carries, and how often they were carried before."""
        intents = "function " + "+".join(execution.subject.intents)
        self._carried[intents] += 1
        return self.start(f"function/{execution.number}", body, f"{intents} #{self._carried[intents]}", execution)

    def disrupt(self, action: Disrupt) -> None:
        self._cloud.disrupt(action)

    def record_end(self, execution: Execution, value: Value, error: str) -> None:
        self._history.append(self._simulation.now, f"function/{execution.number}", INFO, "execute", value, error)

    # The agent's Host.

    def observed(self) -> bool:
        task = self._simulation.current
        if task and task.abandoned:  # its clean-up at the end of the run: a dead process makes no calls
            self._simulation.switch_away()
        return task is not None

    def record(self, type: str, f: str, value: Value, error: str | None = None) -> None:
        self._history.append(self._simulation.now, self._process, type, f, value, error)

    def decide(self, call: str, when: str, subject: Subject, attempt: int = 1) -> tuple[Action, ...]:
        execution = self.current.execution
        if execution:
            subject = subject.within(execution.subject)
        return self._nemesis.decide(
            Point(
                process=self._process,
                call=call,
                when=when,
                time=self._simulation.now,
                intents=subject.intents,
                items=subject.items,
                effect=subject.effect,
                attempt=attempt,
            )
        )

    def sleep(self, seconds: float) -> None:
        self._simulation.sleep(seconds)

    def crash(self) -> NoReturn:
        self.end("signal: killed")

    def hang(self) -> NoReturn:
        self._simulation.switch_away()
        raise AssertionError("an execution that hangs went on")

    def send(self, service: str, operation: str, request: Any) -> Any:
        return self._cloud.send(service, operation, request)

    def next_call(self) -> int:
        self.current.calls += 1
        return self.current.calls

    # What isolation.confined needs.

    def inside(self) -> bool:
        return self._simulation.current is not None

    def end(self, why: str) -> NoReturn:
        execution = self.current.execution
        if execution is None:
            raise RuntimeError(f"only the function's process can end: {why}")
        self._cloud.crash(execution, why)

    def refuse(self, error: NotImitated) -> NoReturn:
        self._simulation.fail(error)

    def log(self, text: str) -> None:
        """Writes what an actor prints to the run's log: whole lines, each with its time in seconds and its process."""
        if self._simulation.require_task().abandoned:
            return
        actor = self.current
        *lines, actor.printed = (actor.printed + text).split("\n")
        for line in lines:
            self._log(f"{self._simulation.now / MICROSECONDS:.6f} {self._process}  {line}\n")

    @property
    def _process(self) -> str:
        return self._simulation.require_task().process

    def _switched(self, task: Task) -> None:
        execution = task.context.execution
        if execution and execution.environment.handler:
            self._code.activate(execution.environment)
