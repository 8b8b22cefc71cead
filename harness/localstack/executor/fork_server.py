"""Starts functions' processes as copies of one that has imported what each of them imports first (see copies.py).

That is the better half of a cold start. A function can't tell: what it could see of the difference, a module of its
own under a name that is loaded already, or Python's own variables, makes its process a new one.

A runtime of the function's own is a command that takes the copy's place.

Started by LocalStack as `python -S -u fork_server.py <its process id> <descriptor of the channel>`; a process that is
new, as `python -S -u fork_server.py <its parent's process id> <handler>` in the function's folder.
"""

from __future__ import annotations

import importlib
import os
import runpy
import socket
import sys
import time
from typing import Any

import copies  # type: ignore[import-not-found]  # a sibling while this file is the script

# Not the runtime client: it reads its address from the environment as soon as it is loaded.
IMPORTED = ("boto3", "boto3.dynamodb.table", "boto3.dynamodb.conditions")
Order = dict[str, Any]


def _is_new(order: Order) -> bool:
    """Would a new process be another than this copy?"""
    loaded = {name.partition(".")[0] for name in sys.modules}
    modules = {entry.name.partition(".")[0] for entry in os.scandir(order["code"])}
    return bool(loaded & modules) or _python(order["variables"]) != _python(os.environ)


def _python(variables: Any) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name.startswith("PYTHON")}


def serve(channel: int) -> None:
    for name in IMPORTED:
        importlib.import_module(name)
    server = copies.ForkServer(socket.socket(fileno=channel), own_group=True, before=lambda order: None)
    order, _ = server.serve()
    os.chdir(order["code"])
    if order["command"]:
        os.execve(order["command"][0], order["command"], order["variables"])
    if _is_new(order):
        command = [sys.executable, "-S", "-u", __file__, str(os.getppid()), order["handler"]]
        os.execve(sys.executable, command, order["variables"])
    os.environ.clear()
    os.environ.update(order["variables"])
    become(order["handler"])


def become(handler: str) -> None:
    """AWS's own Python runtime client, with the function that the environment variables describe.

    PYTHONPATH names the folder that stands for /var/runtime. The modules of this folder are no part of the function.
    """
    time.tzset()
    sys.modules.pop("copies", None)
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    sys.argv = ["awslambdaric", handler]
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    copies.die_with(int(sys.argv[1]))
    if sys.argv[2].isdecimal():
        serve(int(sys.argv[2]))
    else:
        become(sys.argv[2])
