"""One process of a function: started, asked, killed; its end is noticed at once."""

from __future__ import annotations

import signal
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Thread

from .function_starter import starter
from .runtime_api import RuntimeApi


class FunctionProcess:
    """`log` grows while it runs. The process leads its own group, so that what it starts ends with it.

    handler: for Lambda's Python runtime. command: the function's own runtime, in its place.
    """

    def __init__(
        self, handler: str, command: Sequence[str], code: Path, log: Path, environment: Mapping[str, str]
    ) -> None:
        self.api = RuntimeApi()
        variables = {**environment, "AWS_LAMBDA_RUNTIME_API": self.api.address}
        order = {"handler": handler, "command": command, "code": str(code), "variables": variables}
        self._line = starter().start(order, log)
        self.alive = True
        self._end = Thread(target=self._wait, daemon=True)
        self._end.start()

    def kill(self) -> None:
        """End the process and all that it started. Returns when the process is gone."""
        if self.alive:
            self._line.shutdown(socket.SHUT_WR)
        self._end.join()

    def _wait(self) -> None:
        # Nothing is told when the server was killed, and its copies with it.
        status = int(self._line.recv(16) or -signal.SIGKILL)
        self.alive = False  # before anybody is told: who is told may ask for the next process
        self._line.close()
        self.api.process_ended(exit_reason(status))


def exit_reason(status: int) -> str:
    """As Lambda words it: by signal, by exit status, or without either."""
    if status < 0:
        name = signal.strsignal(-status) or f"signal {-status}"
        return f"Runtime exited with error: signal: {name.lower()}"
    if status:
        return f"Runtime exited with error: exit status {status}"
    return "Runtime exited without providing a reason"
