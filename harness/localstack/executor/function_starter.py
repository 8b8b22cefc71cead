"""Has functions' processes started, by a fork server that is there once for all of them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

SERVER = Path(__file__).with_name("fork_server.py")
PACKAGES = "HARNESS_FUNCTION_PACKAGES"  # names the folder that stands for /var/runtime
# What Python itself reads. On Lambda the code's folder can't be written.
PYTHON_VARIABLES = {"PYTHONPATH": os.environ.get(PACKAGES, ""), "PYTHONDONTWRITEBYTECODE": "1"}
# What both the server and its copies get of LocalStack's own, unless a function says otherwise.
_HANDED_ON = ("HARNESS_HOST_RUNTIME", "LD_LIBRARY_PATH")
INHERITED = {"LANG": "en_US.UTF-8", **{name: os.environ[name] for name in _HANDED_ON if name in os.environ}}


class FunctionStarter:
    """Makes its server at once, and a new one if that was killed."""

    def __init__(self) -> None:
        self._lock = Lock()
        # The kernel's "kill when the parent dies" means the thread that forked: this one lives as long as LocalStack.
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="function-starter")
        self._channel = self._serve()

    def start(self, order: Mapping[str, Any], log: Path) -> socket.socket:
        """The line to the new process: its exit status comes on it, and closing it ends the process."""
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
def starter() -> FunctionStarter:
    """The one of this process."""
    return FunctionStarter()
