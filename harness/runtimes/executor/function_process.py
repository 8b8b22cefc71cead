"""One process of a function: started, asked, killed; its end is noticed at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Thread

from .runtime_api import RuntimeApi

CHILD = Path(__file__).with_name("child.py")
# The kernel's "kill when the parent dies" means the thread that forked: this one lives as long as LocalStack.
_STARTER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="function-starter")


class FunctionProcess:
    """`log` grows while it runs. The process leads its own group, so that what it starts ends with it."""

    def __init__(self, handler: str, code: Path, log: Path, environment: Mapping[str, str]) -> None:
        self.api = RuntimeApi()
        # -S: as on Lambda, a function sees its own folder and the runtime's, and no other installed package.
        command = [sys._base_executable, "-S", "-u", str(CHILD), str(os.getpid()), handler]  # type: ignore[attr-defined]
        with log.open("ab") as output:
            self._process = _STARTER.submit(
                subprocess.Popen,
                command,
                cwd=code,
                env={**environment, "AWS_LAMBDA_RUNTIME_API": self.api.address},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            ).result()
        self.alive = True
        self._end = Thread(target=self._wait, daemon=True)
        self._end.start()

    def kill(self) -> None:
        """End the process and all that it started. Returns when the process is gone."""
        if self.alive:
            self._kill_group()
        self._end.join()

    def _wait(self) -> None:
        # The process is left unreaped until its group is killed: till then its number can't be another's.
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        self._kill_group()
        self.alive = False  # before anybody is told: who is told may ask for the next process
        self.api.process_ended(exit_reason(self._process.wait()))

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


def exit_reason(status: int) -> str:
    """As Lambda words it: by signal, by exit status, or without either."""
    if status < 0:
        name = signal.strsignal(-status) or f"signal {-status}"
        return f"Runtime exited with error: signal: {name.lower()}"
    if status:
        return f"Runtime exited with error: exit status {status}"
    return "Runtime exited without providing a reason"
