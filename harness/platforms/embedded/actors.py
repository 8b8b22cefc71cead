"""The processes of the embedded platform: writers, executions and dispatchers, each a task with its own chance.

Writers share this process with the harness: parts of Python are replaced for a run, so that their chance, pauses and
output are the run's, and put back in the end. A function has a process of its own.
"""

from __future__ import annotations

import os
import random
import socket
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, NoReturn, Protocol, TextIO

from botocore.retries import bucket
from botocore.retries.standard import ExponentialBackoff

from harness.agent.actor import Process
from harness.agent.requests import Subject
from harness.environment.determinism import replaced
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

    # What `confined` needs.

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


_LOOK_UPS = ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr")
_ONLY_AWS = "only AWS calls by boto3 are imitated"
_SHORTEST_SECONDS = 1e-6  # the clock's resolution: a shorter wait would not advance it, and be repeated for ever


@contextmanager
def owned_chance(current: Callable[[], random.Random]) -> Iterator[None]:
    """`random`, `uuid4`, `secrets` and `os.urandom` draw from the current actor's generator.

    Each actor has its own, so one more draw by one of them changes nothing for the others.
    """
    owned, shared = _Current(current), random._inst
    functions = {
        name: getattr(owned, name)
        for name in random.__all__
        if getattr(getattr(random, name), "__self__", None) is shared
    }

    def urandom(size: int, /) -> bytes:
        return current().randbytes(size)

    # Code that took a function of Python's generator before the run still draws from it: from the run's seed.
    state = shared.getstate()
    shared.seed(current().getrandbits(64))
    try:
        with (
            replaced(random, _urandom=urandom, **functions),  # SystemRandom's and so secrets' source
            replaced(os, urandom=urandom),  # uuid4's source
            replaced(uuid, uuid1=uuid.uuid4),  # would show this machine's address
        ):
            yield
    finally:
        random.setstate(state)


class _Current(random.Random):
    """Passes every draw on to the generator of the current actor."""

    def __init__(self, current: Callable[[], random.Random]) -> None:
        self._current = current
        super().__init__()

    def random(self) -> float:
        return self._current().random()

    def getrandbits(self, k: int, /) -> int:
        return self._current().getrandbits(k)

    def seed(self, *arguments: Any, **named: Any) -> None:
        """Ignored: the run's seed stays in force."""


@contextmanager
def owned_pauses() -> Iterator[None]:
    """The pauses of botocore's newer retry modes, for clients that are made in this context.

    Standard mode draws from `random.random` as it was when botocore was imported: here it looks the function up when
    it draws. Adaptive mode waits for its token bucket on a lock, in real time: here in the time of `time.sleep`.
    """
    initialise: Any = ExponentialBackoff.__init__
    early = random._inst.random
    defaults = tuple((lambda: random.random()) if each == early else each for each in initialise.__defaults__)
    replacement = SimpleNamespace(Lock=threading.Lock, Condition=_Condition)
    with replaced(initialise, __defaults__=defaults), replaced(bucket, threading=replacement):
        yield


class _Condition(threading.Condition):
    """Waits in the time of `time.sleep`, to the end: a client belongs to one process, so that nobody else notifies."""

    def wait(self, timeout: float | None = None) -> bool:
        self.release()
        time.sleep(max(timeout or 0, _SHORTEST_SECONDS))
        self.acquire()
        return True


@contextmanager
def confined(actors: Actors) -> Iterator[None]:
    """A writer's `print` goes to the run's log, and what leads out is refused: nothing else would notice it.

    For the harness these functions work as usual.
    """
    output = {name: _Output(getattr(sys, name), actors) for name in ("stdout", "stderr")}
    with replaced(sys, **output), _ways_out_refused(actors):
        yield


def _with_check(actors: Actors, original: Callable[..., Any], check: Callable[..., None]) -> Callable[..., Any]:
    def checked(*arguments: Any, **named: Any) -> Any:
        if actors.inside():
            check(*arguments)
        return original(*arguments, **named)

    return checked


@contextmanager
def _ways_out_refused(actors: Actors) -> Iterator[None]:
    def check_connect(connection: socket.socket, address: Any) -> None:
        actors.refuse(NotImitated(f"a connection to {address}: {_ONLY_AWS}"))

    def check_name(host: Any, *_: Any) -> None:
        actors.refuse(NotImitated(f"a look-up of {host}: {_ONLY_AWS}"))

    def check_fork() -> None:
        actors.refuse(NotImitated("a fork: a writer has no process of its own, and a child would play the run"))

    connections = {
        name: _with_check(actors, getattr(socket.socket, name), check_connect) for name in ("connect", "connect_ex")
    }
    names = {name: _with_check(actors, getattr(socket, name), check_name) for name in _LOOK_UPS}
    fork = _with_check(actors, os.fork, check_fork)
    with replaced(socket.socket, **connections), replaced(socket, **names), replaced(os, fork=fork):
        yield


class _Output:
    """Standard output or error: an actor's goes to the log of the run."""

    def __init__(self, original: TextIO, actors: Actors) -> None:
        self._original = original
        self._actors = actors

    def write(self, text: str) -> int:
        if not self._actors.inside():
            return self._original.write(text)
        self._actors.log(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)
