"""One process of a function, started by the fork server: asked, killed, and its end noticed at once."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from .runtime_api import RuntimeApi

SERVER = Path(__file__).with_name("fork_server.py")
PACKAGES = "HARNESS_FUNCTION_PACKAGES"  # names the folder that stands for /var/runtime
# What Python itself reads. On Lambda the code's folder can't be written.
PYTHON_VARIABLES = {"PYTHONPATH": os.environ.get(PACKAGES, ""), "PYTHONDONTWRITEBYTECODE": "1"}
# What both the server and its copies get of LocalStack's own, unless a function says otherwise.
_HANDED_ON = ("HARNESS_HOST_RUNTIME", "LD_LIBRARY_PATH")
INHERITED = {"LANG": "en_US.UTF-8", **{name: os.environ[name] for name in _HANDED_ON if name in os.environ}}


class ForkClient:
    """Has functions' processes started by a fork server, which it starts at once, and anew if that was killed."""

    def __init__(self) -> None:
        self._lock = Lock()
        # The kernel's "kill when the parent dies" means the thread that forked: this one lives as long as LocalStack.
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fork-client")
        self._channel = self._serve()

    def start(self, order: Mapping[str, Any], log: Path) -> socket.socket:
        """A socket to the new process: its exit status comes on it, and closing it ends the process."""
        message = json.dumps(order).encode()
        line, its_end = socket.socketpair()
        with self._lock, its_end, log.open("ab") as output:
            descriptors = [output.fileno(), its_end.fileno()]
            try:
                socket.send_fds(self._channel, [message], descriptors)
            except OSError:
                self._channel = self._serve()
                socket.send_fds(self._channel, [message], descriptors)
        return line

    def _serve(self) -> socket.socket:
        channel, its_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its_end:
            self._threads.submit(self._start_server, its_end.fileno()).result()
        return channel

    def _start_server(self, channel: int) -> None:
        # -S: as on Lambda, a function sees its own folder and the runtime's, and no other installed package.
        python = sys._base_executable  # type: ignore[attr-defined]
        subprocess.Popen(
            [python, "-S", "-u", str(SERVER), str(os.getpid()), str(channel)],
            env={**INHERITED, **PYTHON_VARIABLES},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[channel],
        )


@cache
def fork_client() -> ForkClient:
    """The one of this process: all functions share a fork server."""
    return ForkClient()


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
        self._line = fork_client().start(order, log)
        self.alive = True
        self._end = Thread(target=self._wait, daemon=True)
        self._end.start()

    def kill(self) -> None:
        """End the process and all that it started. Returns when the process is gone."""
        if self.alive:
            self._line.shutdown(socket.SHUT_WR)
        self._end.join()

    def _wait(self) -> None:
        # Nothing comes when the fork server was killed, and its copies with it.
        status = int(self._line.recv(16) or -signal.SIGKILL)
        self.alive = False  # first of all: who learns of the end may ask for the next process at once
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
