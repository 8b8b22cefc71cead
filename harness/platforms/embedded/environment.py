"""Execution environments of the function on the embedded platform: each is a process, started by a fork server.

An environment keeps the function's modules, its /tmp and its threads from one execution to the next, as a warm start
finds them on Lambda; a new one begins with nothing (S-111, S-112). What a process may import beside its own is what
Lambda's runtime has: boto3, and what boto3 needs.

It runs in lockstep with the simulation: the process runs until it waits, its calls take place in the simulation, and
with the replies it runs again.
"""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol

import psutil
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError

from harness.agent.wire import GivenUp, Timeouts, Wire
from harness.environment import forget_server, fork_server
from harness.environment.conversation import Ask, Broken, Conversation, Response
from harness.environment.copies import start
from harness.errors import NotImitated
from harness.history import MICROSECONDS
from harness.platforms.embedded.simulation import Flag, Simulation, Task

STILL_SECONDS = 60  # without any call, and without processor time
MAX_OUTPUT_BYTES = 64 * 1024 * 1024
_PIECE_BYTES = 64 * 1024
_LOOK_MILLISECONDS = 1000
_END_SECONDS = 10  # until the fork server has told how a process ended


class NoProcess(Exception):
    """A function's process could not be started: a mistake of the harness, or of this machine."""


class Stuck(Exception):
    """What a process does by which the run cannot be judged, as in `computed for 10 s`."""


@dataclass(frozen=True, slots=True)
class Code:
    """Of a function: the folders of its modules, its own first, and its handler.

    services: whose clients it is likely to make. endpoints: URLs that the run serves. memory: in MB. spin_seconds: of
    processor time that it may take without any call.
    node: the program that runs it, where it is not Python. sources: the folders of what its user has written.
    """

    folders: Sequence[Path]
    handler: str
    services: Sequence[str]
    endpoints: Sequence[str]
    memory: int
    spin_seconds: float
    node: str = ""
    sources: Sequence[Path] = ()


def _coverage() -> Any:
    """The coverage.py that counts in this process now, as under `pytest --cov`; None where none does."""
    module = sys.modules.get("coverage")
    return module.Coverage.current() if module else None


def covers() -> bool:
    return _coverage() is not None


def count_arcs(arcs: Mapping[str, Sequence[Sequence[int]]]) -> None:
    """Adds what ran in a function's process to what coverage.py has counted here. arcs: by file."""
    coverage = _coverage()
    sources = [os.path.abspath(source) for source in coverage.get_option("run:source") or ()]
    counted = {file: pairs for file, pairs in arcs.items() if not sources or file.startswith(tuple(sources))}
    data = coverage.get_data()
    if coverage.get_option("run:branch"):
        data.add_arcs({file: [tuple(pair) for pair in pairs] for file, pairs in counted.items()})
    else:
        lines = {file: {line for pair in pairs for line in pair if line > 0} for file, pairs in counted.items()}
        data.add_lines(lines)


def _anonymous_file() -> int:
    """A file that has no name, in memory where the system can do that, and ends with its last descriptor."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("output")
    descriptor, name = tempfile.mkstemp()
    os.unlink(name)
    return descriptor


class ExecutionEnvironment:
    """One sandbox: a process with variables, a folder and a /tmp of its own, from its first execution on.

    `replies` are those that the process has not got yet; `arrived` is set with each.
    """

    def __init__(self, number: int, variables: Mapping[str, str], code: Code, arrived: Flag) -> None:
        self.number = number
        self.imported = False
        self.replies: list[Response] = []
        self.over = False  # whether its process ends with what it has answered
        self.asked = 0  # asks whose replies have not come
        self.exchanges: dict[int, Task] = {}  # of those, by their numbers, that it waits for beside others
        self.arrived = arrived
        self._variables = variables
        self._code = code
        self._alive = False
        self._number = 0  # of the process, once it has begun
        self._debugged = False  # bounds on real time are for programs, not for people
        self._told = 0  # bytes of its output that were read

    def start(self) -> None:
        """Starts a process, without waiting until it has begun. Raises NoProcess when that cannot be done."""
        self.kill()
        ours, theirs = socket.socketpair()
        self._line, line = socket.socketpair()
        self._output, self._told = _anonymous_file(), 0
        self._conversation = Conversation(ours)
        self._alive = True
        code = self._code
        order = {
            "variables": dict(self._variables),
            "folders": [str(folder) for folder in code.folders],
            "handler": code.handler,
            "services": list(code.services),
            "endpoints": list(code.endpoints),
            "home": str(Path.home()),
            "memory": code.memory,
            "covered": covers(),
            "node": code.node,
            "sources": [str(folder) for folder in code.sources],
        }
        with theirs, line:
            try:
                start(fork_server(), order, [self._output, line.fileno(), theirs.fileno()])
            except OSError as error:
                self._has_none(str(error))
        self._poll = select.poll()
        self._poll.register(ours, select.POLLIN)

    def begin(self) -> None:
        """Waits until the process has begun; starts it if need be. Raises NoProcess."""
        if not self._alive or self._number:
            self.start()
        begun = self._conversation.receive()
        if begun is None:
            self._has_none(self.output())
        self._number = begun["begun"]

    def _has_none(self, why: str) -> NoReturn:
        forget_server()  # the next environment has a new one
        raise NoProcess(f"no process of the function could begin: {why}")

    def say(self, message: Mapping[str, Any]) -> None:
        replies, self.replies = self.replies, []
        with suppress(BrokenPipeError, ConnectionResetError):  # what it hears then tells
            self._conversation.send({**message, "replies": replies})

    def hear(self) -> dict[str, Any] | None:
        """What the process says next; None when it has ended. Raises Stuck for one that says nothing for ever."""
        if not self._debugged and not self._poll.poll(_LOOK_MILLISECONDS):
            self._wait()
        try:
            message = self._conversation.receive()
        except Broken as broken:
            raise Stuck(f"sent {broken}") from None
        if message and "arcs" in message:
            count_arcs(message["arcs"])
        if message and "debugged" in message:
            self._debugged = True
            return self.hear()
        return message

    def place(self, ask: int) -> str:
        """The line of the function's own code that made this ask, as in `app.py:7`."""
        self._conversation.send({"where": ask})
        heard = self.hear()
        return str(heard.get("place", "")) if heard else ""

    def output(self) -> str:
        """What the process has written since this was asked last."""
        if os.fstat(self._output).st_size > MAX_OUTPUT_BYTES:
            raise Stuck(f"wrote more than {MAX_OUTPUT_BYTES >> 20} MB")
        pieces = []
        while piece := os.pread(self._output, _PIECE_BYTES, self._told):
            pieces.append(piece)
            self._told += len(piece)
        return b"".join(pieces).decode("utf-8", "replace")

    def ended(self) -> str:
        """How the process has ended by itself, as Lambda words it."""
        self._line.settimeout(_END_SECONDS)
        status = int(self._line.recv(16) or 0)
        if status < 0:
            return f"signal: {(signal.strsignal(-status) or f'signal {-status}').lower()}"
        return f"exit status {status}"

    def kill(self) -> None:
        """Ends the process, if it has begun: what is under way is nobody's any more."""
        if self._alive:
            self._alive, self._number = False, 0
            self._line.close()
            self._conversation.close()
            os.close(self._output)

    def _wait(self) -> None:
        process = psutil.Process(self._number)
        before = last = self._seconds(process)
        still = 0
        while not self._poll.poll(_LOOK_MILLISECONDS):
            now = self._seconds(process)
            still, last = (0, now) if now > last else (still + 1, now)
            if now - before >= self._code.spin_seconds:
                raise Stuck(f"computed for {self._code.spin_seconds:g} s without any call{self._current_line()}")
            if still >= STILL_SECONDS:
                raise Stuck(f"stood still for {STILL_SECONDS} s without any call{self._current_line()}")

    def _seconds(self, process: psutil.Process) -> float:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            return 0
        return float(times.user + times.system)

    def _current_line(self) -> str:
        """Has the process write its stacks into its output, as it hears nothing else; a node cannot."""
        if self._code.node:
            return ""
        before = os.fstat(self._output).st_size
        with suppress(ProcessLookupError):
            os.kill(self._number, signal.SIGUSR1)
        self._poll.poll(_LOOK_MILLISECONDS)  # it says nothing; the signal is heard meanwhile
        stacks = os.pread(self._output, MAX_OUTPUT_BYTES, before).decode("utf-8", "replace")
        for file, line in re.findall(r'File "(.+)", line (\d+)', stacks):
            if Path(file).is_relative_to(self._code.folders[0]):
                return f" (at {Path(file).relative_to(self._code.folders[0])}:{line})"
        return ""


_LOST = (ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError)


class Beside(Protocol):
    """Starts a task beside the current one, of the same process; `log` takes what the process prints."""

    def start_beside(self, body: Callable[[], None]) -> Task: ...

    def log(self, text: str) -> None: ...


class Lockstep:
    def __init__(self, simulation: Simulation, wire: Wire, beside: Beside) -> None:
        self._simulation = simulation
        self._wire = wire
        self._beside = beside

    def carry_out(
        self, environment: ExecutionEnvironment, order: dict[str, Any], tasks: list[Task]
    ) -> dict[str, Any] | None:
        """How the order ended, for the current task; None where the process ended. See `conversation`.

        tasks: gets those that are started for what the process does at the same time.
        """
        environment.say({**order, "now": self._simulation.now})
        while True:
            message = self._heard(environment)
            if message is None:
                return None
            for number in message.get("given_up", ()):
                if number in environment.exchanges:
                    self._simulation.interrupt(environment.exchanges[number], GivenUp())
            if "refused" in message:
                self._simulation.fail(NotImitated(f"{message['refused']}{_at(message['place'])}"))
            asks = [Ask(*ask) for ask in message.get("asks", ())]
            if "end" in message:
                for ask in asks:
                    tasks.append(self._start(environment, ask))
                end: dict[str, Any] = message["end"]
                return end
            wake = message["wake"]
            if len(asks) == 1 and wake is None and not environment.asked:
                environment.replies.append(self._exchange(environment, asks[0]))
            else:
                tasks += [self._start(environment, ask) for ask in asks]
                environment.arrived.wait(None if wake is None else (wake - self._simulation.now) / MICROSECONDS)
                environment.arrived.clear()
            environment.say({"now": self._simulation.now})

    def _heard(self, environment: ExecutionEnvironment) -> dict[str, Any] | None:
        try:
            message = environment.hear()
            self._beside.log(environment.output())
        except Stuck as stuck:
            self._simulation.stop(f"{self._simulation.require_task().process} {stuck}")
        return message

    def _start(self, environment: ExecutionEnvironment, ask: Ask) -> Task:
        environment.asked += 1

        def body() -> None:
            try:
                reply = self._exchange(environment, ask)
            except GivenUp:
                return
            finally:
                environment.asked -= 1
                del environment.exchanges[ask.number]
            environment.replies.append(reply)  # to the list of now: what was there has been sent meanwhile
            environment.arrived.set()

        task = environment.exchanges[ask.number] = self._beside.start_beside(body)
        return task

    def _exchange(self, environment: ExecutionEnvironment, ask: Ask) -> Response:
        """The attempt takes place on the wire, and its outcome becomes a reply."""
        body = ask.body.encode("latin-1")
        request = AWSPreparedRequest(ask.method, ask.url, ask.headers, body, False)
        self._simulation.require_task().place = lambda: _at(environment.place(ask.number))
        try:
            response = self._wire.exchange(ask.service, ask.operation, request, Timeouts(ask.connect, ask.read))
        except _LOST as error:
            return Response(ask.number, type(error).__name__, 0, {}, "")
        content = bytes(response.content).decode("latin-1")
        return Response(ask.number, "", response.status_code, dict(response.headers), content)


def _at(place: str) -> str:
    return f" (at {place})" if place else ""
