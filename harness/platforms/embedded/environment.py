"""Execution environments of the function on the embedded platform: each is a process, started by a fork server.

An environment keeps the function's modules, its /tmp and its threads from one execution to the next, as a warm start
finds them on Lambda; a new one begins with nothing (S-111, S-112). What a process may import beside its own is what
Lambda's runtime has: boto3, and what boto3 needs.

It runs in lockstep with the simulation: the process runs until it waits, its calls take place in the simulation, and
with the replies it runs again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Protocol

import psutil
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError

from harness.agent.wire import GivenUp, Timeouts, Wire
from harness.environment.conversation import Ask, Broken, Conversation, Response
from harness.environment.copies import start
from harness.errors import NotImitated
from harness.history import MICROSECONDS
from harness.platforms.embedded.simulation import Flag, Simulation, Task
from harness.project import cache_folder

STILL_SECONDS = 60  # without any call, and without processor time
MAX_OUTPUT_BYTES = 64 * 1024 * 1024
_PIECE_BYTES = 64 * 1024
_LOOK_MILLISECONDS = 1000
_END_SECONDS = 10  # until the fork server has told how a process ended
_OF_LAMBDA = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3")
_HOME = Path(__file__).parents[3]
_SERVER = Path(__file__).parents[2] / "environment" / "server.py"


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


_channels: dict[int, socket.socket] = {}


def fork_server() -> socket.socket:
    """The channel to the fork server of this process, which ends with it. A process that was forked has its own."""
    channel = _channels.get(os.getpid())
    if channel is None:
        _channels.clear()
        channel, its_end = socket.socketpair()
        command = [sys.executable, "-P", "-s", "-S", "-u", str(_SERVER), str(its_end.fileno())]
        command += [str(packages(*_OF_LAMBDA)), str(_HOME), str(packages("time-machine"))]
        variables = {"PYTHONHASHSEED": "0", "LANG": "en_US.UTF-8", "PATH": os.defpath}
        variables["PYTHONPYCACHEPREFIX"] = str(cache_folder() / "compiled")
        with its_end:
            subprocess.Popen(command, env=variables, stdin=subprocess.DEVNULL, pass_fds=[its_end.fileno()])
        _channels[os.getpid()] = channel
    return channel


@cache
def packages(*names: str) -> Path:
    """A folder that holds these packages, as they are installed here, and nothing else."""
    found = [distribution(name) for name in names]
    links: dict[str, Path] = {}
    for each in found:
        for file in each.files or ():
            if file.parts[0] not in ("..", "__pycache__"):
                links[file.parts[0]] = Path(str(each.locate_file(file.parts[0])))
    said = json.dumps({name: str(path) for name, path in sorted(links.items())})
    versions = [each.version for each in found]
    folder = cache_folder() / "function-packages" / hashlib.sha256(f"{said}{versions}".encode()).hexdigest()[:16]
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            made = Path(scratch, "packages")
            made.mkdir()
            for name, path in links.items():
                (made / name).symlink_to(path)
            with suppress(OSError):  # another process has made it meanwhile
                made.rename(folder)
    return folder


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
        self._debugged = False  # bounds on real time are for programs, not for people
        self._told = 0  # bytes of its output that were read

    def begin(self) -> None:
        """Starts the process. Raises NoProcess when that cannot be done."""
        ours, theirs = socket.socketpair()
        self._line, line = socket.socketpair()
        self._output = _anonymous_file()
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
            descriptors = [self._output, line.fileno(), theirs.fileno()]
            try:
                self._number = start(fork_server(), order, descriptors)
            except OSError as error:
                _channels.clear()  # the next environment has a new server
                raise NoProcess(f"no process of the function could be started: {error}") from error
        self._conversation = Conversation(ours)
        self._alive = True
        self._poll = select.poll()
        self._poll.register(ours, select.POLLIN)
        if self._conversation.receive() is None:
            raise NoProcess(f"a process of the function could not begin: {self.output()}")

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
        content = b""
        while piece := os.pread(self._output, _PIECE_BYTES, self._told):
            content += piece
            self._told += len(piece)
            if self._told > MAX_OUTPUT_BYTES:
                raise Stuck(f"wrote more than {MAX_OUTPUT_BYTES >> 20} MB")
        return content.decode("utf-8", "replace")

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
            self._alive = False
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
