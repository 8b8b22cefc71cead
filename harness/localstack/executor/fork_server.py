"""Starts functions' processes as copies of one that has imported what each of them imports first.

That is the better half of a cold start. A function can't tell: what it could see of the difference, a module of its
own under a name that is loaded already, or Python's own variables, makes its process a new one.

A runtime of the function's own is a command that takes the copy's place.

LocalStack sends one message for each process: the order as JSON, with its log and a line (a socket) as descriptors.
When the line is closed at the other end, the process is killed with all that it started. When it has ended, its
status (that of subprocess.Popen) is told there. Started as `python -S -u fork_server.py <parent's id> <descriptor>`.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import child  # type: ignore[import-not-found]  # a sibling while this file is the script

# Not the runtime client: it reads its address from the environment as soon as it is loaded.
IMPORTED = ("boto3", "boto3.dynamodb.table", "boto3.dynamodb.conditions")
_MAX_ORDER = 100_000  # bytes; a function's variables are 4 KB at most
Order = dict[str, Any]


class Copy:
    """One process, seen from here: readable at `end` when it ended, at `line` when it is not wanted any more."""

    def __init__(self, number: int, line: socket.socket) -> None:
        self.line = line
        self.end = os.pidfd_open(number)
        self._number = number

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._number, signal.SIGKILL)

    def bury(self) -> None:
        """The group is killed before the process is asked for: till then its number can't be another's."""
        self.kill()
        status = os.waitstatus_to_exitcode(os.waitpid(self._number, 0)[1])
        with suppress(OSError):
            self.line.send(str(status).encode())

    def close(self) -> None:
        os.close(self.end)
        self.line.close()


class ForkServer:
    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._copies: dict[int, Copy] = {}  # by descriptor
        self._poll = select.poll()
        self._poll.register(channel, select.POLLIN)

    def serve(self) -> Order:
        """Returns in the copies only, each with its order."""
        while True:
            for ready, _ in self._poll.poll():
                if ready != self._channel.fileno():
                    self._attend(ready)
                elif (order := self._start()) is not None:
                    return order

    def _start(self) -> Order | None:
        message, (log, its_line), _, _ = socket.recv_fds(self._channel, _MAX_ORDER, 2)
        line = socket.socket(fileno=its_line)
        server = os.getpid()
        number = os.fork()
        if number == 0:
            os.setpgid(0, 0)
            child.die_with(server)
            line.close()
            self._close()
            _speak_to(log)
            order: Order = json.loads(message)
            return order
        with suppress(OSError):  # it has done so itself
            os.setpgid(number, number)
        os.close(log)
        copy = Copy(number, line)
        for descriptor in (copy.end, line.fileno()):
            self._copies[descriptor] = copy
            self._poll.register(descriptor, select.POLLIN)
        return None

    def _attend(self, ready: int) -> None:
        copy = self._copies.get(ready)
        if copy is None:
            return  # it ended in this very round
        if ready != copy.end:
            copy.kill()
            self._forget(ready)
            return
        copy.bury()
        self._forget(copy.end)
        self._forget(copy.line.fileno())
        copy.close()

    def _forget(self, descriptor: int) -> None:
        if self._copies.pop(descriptor, None):
            self._poll.unregister(descriptor)

    def _close(self) -> None:
        for copy in {*self._copies.values()}:
            copy.close()
        self._channel.close()


def _speak_to(log: int) -> None:
    """Nothing to read, and all that is written into the log."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(log)


def _is_new(order: Order) -> bool:
    """Would a new process be another than this copy?"""
    loaded = {name.partition(".")[0] for name in sys.modules}
    modules = {entry.name.partition(".")[0] for entry in os.scandir(order["code"])}
    return bool(loaded & modules) or _python(order["variables"]) != _python(os.environ)


def _python(variables: Any) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name.startswith("PYTHON")}


def main(localstack: int, channel: int) -> None:
    child.die_with(localstack)
    for name in IMPORTED:
        importlib.import_module(name)
    order = ForkServer(socket.socket(fileno=channel)).serve()
    os.chdir(order["code"])
    if order["command"]:
        os.execve(order["command"][0], order["command"], order["variables"])
    if _is_new(order):
        script = str(Path(child.__file__))
        command = [sys.executable, "-S", "-u", script, str(os.getppid()), order["handler"]]
        os.execve(sys.executable, command, order["variables"])
    os.environ.clear()
    os.environ.update(order["variables"])
    child.become(order["handler"])


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
