"""A fork server: processes that begin as copies of one that has imported what each of them imports first.

Its client sends an order for each process, as a line of JSON, with descriptors: the process's output, a line, and what
else the process is given. The process is killed when the line is closed at the client's end. When it has ended, its
status (that of subprocess.Popen) is told there. The server ends with its client, and its copies with it.

The standard library is all that this file imports: LocalStack's plugin takes a copy of it along.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_MAX_ORDER = 1 << 20  # bytes
_MAX_DESCRIPTORS = 8
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of linux/prctl.h
_poll = select.poll
Order = dict[str, Any]


def die_with(parent: int) -> None:
    """The kernel kills this process when the thread that started it ends, even by SIGKILL (prctl(2); Linux only)."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # the parent ended before the call
        os._exit(1)


def start(channel: socket.socket, order: Order, descriptors: list[int]) -> None:
    """The client's side: has a process started. Raises OSError when there is no server."""
    socket.send_fds(channel, [json.dumps(order).encode() + b"\n"], descriptors)


class ForkServer:
    """own_group: whether each copy leads a process group, which is killed with it. `before` gets each order first."""

    def __init__(self, channel: socket.socket, own_group: bool, before: Callable[[Order], None]) -> None:
        self._channel = channel
        self._own_group = own_group
        self._before = before
        self._lines: dict[int, tuple[int, socket.socket]] = {}  # by descriptor: the process, and its line
        self._poll = _poll()
        self._poll.register(channel, select.POLLIN)
        self._ended, self._wakes = os.pipe()
        for end in (self._ended, self._wakes):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wakes, warn_on_full_buffer=False)
        self._poll.register(self._ended, select.POLLIN)

    def serve(self) -> tuple[Order, list[int]]:
        """Returns in the copies only, each with its order, and the descriptors that it is given."""
        while True:
            for ready, _ in self._poll.poll():
                if ready == self._ended:
                    self._bury()
                elif ready == self._channel.fileno():
                    if copy := self._start():
                        return copy
                elif ready in self._lines:
                    self._poll.unregister(ready)
                    self._kill(self._lines[ready][0])

    def _start(self) -> tuple[Order, list[int]] | None:
        message, descriptors, _, _ = socket.recv_fds(self._channel, _MAX_ORDER, _MAX_DESCRIPTORS)
        while message and not message.endswith(b"\n"):
            message += self._channel.recv(_MAX_ORDER)
        if not message:
            self._end()
        order: Order = json.loads(message)
        self._before(order)
        output, line, *given = descriptors
        server = os.getpid()
        number = os.fork()
        if number == 0:
            self._leave(server, output)
            os.close(line)
            return order, given
        if self._own_group:
            with suppress(OSError):  # it has done so itself
                os.setpgid(number, number)
        for descriptor in (output, *given):
            os.close(descriptor)
        self._lines[line] = (number, socket.socket(fileno=line))
        self._poll.register(line, select.POLLIN)
        return None

    def _leave(self, server: int, output: int) -> None:
        """In a copy: it has nothing of the server, nothing to read, and its output goes where it is told."""
        if self._own_group:
            os.setpgid(0, 0)
        die_with(server)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        for _, line in self._lines.values():
            line.close()
        self._channel.close()
        for descriptor in (nothing, output, self._ended, self._wakes):
            os.close(descriptor)

    def _kill(self, number: int) -> None:
        with suppress(ProcessLookupError):
            (os.killpg if self._own_group else os.kill)(number, signal.SIGKILL)

    def _bury(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._ended, 1 << 12)
        for descriptor, (number, line) in [*self._lines.items()]:
            if os.waitid(os.P_PID, number, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            # Its group is killed before the process is asked for: till then its number can't be another's.
            self._kill(number)
            status = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
            with suppress(OSError):
                line.send(str(status).encode())
            with suppress(KeyError):  # it is no longer watched if it was killed
                self._poll.unregister(descriptor)
            line.close()
            del self._lines[descriptor]

    def _end(self) -> None:
        """The client has gone, and so go the copies: the kernel would end them with this process, but not at once."""
        for number, _ in self._lines.values():
            self._kill(number)
        for number, _ in self._lines.values():
            os.waitpid(number, 0)
        os._exit(0)
