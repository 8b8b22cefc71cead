"""What a function's process runs: AWS's own Python runtime client, in a process that ends with LocalStack.

Started as `python -S -u child.py <parent's process id> <handler>` in the function's code folder, with PYTHONPATH
naming the folder that stands for /var/runtime; or called in a process that is a copy.
"""

from __future__ import annotations

import os
import runpy
import sys
import time


def main(parent: int, handler: str) -> None:
    from parent import die_with  # type: ignore[import-not-found]  # a sibling while this file is the script

    die_with(parent)
    become(handler)


def become(handler: str) -> None:
    """Runs the function that the environment variables describe. The modules of this folder are no part of it."""
    time.tzset()
    for own in ("parent", "child"):
        sys.modules.pop(own, None)
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    sys.argv = ["awslambdaric", handler]
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
