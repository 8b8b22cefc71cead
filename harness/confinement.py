"""What a handler must not do to the process it shares with the harness: leave it, end it, or fill its output.

On Lambda it has a process of its own. Here its `print` goes to the run's log, its `os._exit` ends its execution, and a
connection that does not go over the wire is refused, because nothing else would notice that it was made.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, NoReturn, Protocol, TextIO

from harness.errors import NotImitated
from harness.replacement import Replacements


class Confined(Protocol):
    """Who runs now, and what can be done to it."""

    def inside(self) -> bool:
        """Whether the code that runs now belongs to an actor, not to the harness."""

    def end(self, why: str) -> NoReturn:
        """Ends the current actor's process."""

    def refuse(self, error: NotImitated) -> NoReturn:
        """Ends the run with this error, whatever the actor does with exceptions."""

    def log(self, text: str) -> None: ...


class Confinement(Replacements):
    """A context in which these functions of Python do something else for an actor, and the same as ever for others."""

    def __init__(self, confined: Confined) -> None:
        super().__init__()
        self._confined = confined

    def replace_all(self) -> None:
        self.replace(os, "_exit", self._in_place_of(os._exit, lambda status: f"exit status {status}"))
        self.replace(os, "abort", self._in_place_of(os.abort, lambda: "aborted"))
        self.replace(os, "kill", self._kill(os.kill))
        for name in ("connect", "connect_ex"):
            self.replace(socket.socket, name, self._connect(getattr(socket.socket, name)))
        for name in ("stdout", "stderr"):
            self.replace(sys, name, _Output(getattr(sys, name), self._confined))

    def _in_place_of(self, original: Callable[..., Any], why: Callable[..., str]) -> Callable[..., Any]:
        def end(*arguments: Any) -> Any:
            if self._confined.inside():
                self._confined.end(why(*arguments))
            return original(*arguments)

        return end

    def _kill(self, original: Callable[[int, int], None]) -> Callable[[int, int], None]:
        def kill(pid: int, number: int) -> None:
            if pid == os.getpid() and self._confined.inside():
                self._confined.end(f"signal {signal.Signals(number).name}")
            original(pid, number)

        return kill

    def _connect(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def connect(connection: socket.socket, address: Any) -> Any:
            if self._confined.inside():
                self._confined.refuse(NotImitated(f"a connection to {address}: only AWS calls by boto3 are imitated"))
            return original(connection, address)

        return connect


class _Output:
    """Standard output or error: an actor's goes to the log of the run."""

    def __init__(self, original: TextIO, confined: Confined) -> None:
        self._original = original
        self._confined = confined

    def write(self, text: str) -> int:
        if not self._confined.inside():
            return self._original.write(text)
        self._confined.log(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)
