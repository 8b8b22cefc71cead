"""What a function's process runs: AWS's own Python runtime client, in a process that ends with LocalStack.

Started as `python -S -u child.py <parent's process id> <handler>` in the function's code folder, with PYTHONPATH
naming the folder that stands for /var/runtime; or called in a process that is a copy.
"""

from __future__ import annotations

import ctypes
import os
import runpy
import signal
import sys
import time

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with(parent: int) -> None:
    """The kernel kills this process when the thread that started it ends, even by SIGKILL (prctl(2))."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent ended before the call
        os._exit(1)


def become(handler: str) -> None:
    """Runs the function that the environment variables describe. The modules of this folder are no part of it."""
    time.tzset()
    sys.modules.pop("child", None)
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    sys.argv = ["awslambdaric", handler]
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    die_with(int(sys.argv[1]))
    become(sys.argv[2])
