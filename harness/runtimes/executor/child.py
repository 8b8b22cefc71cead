"""What a function's process runs: AWS's own Python runtime client, in a process that ends with LocalStack.

Started as `python -S -u child.py <parent's process id> <handler>` in the function's code folder, with PYTHONPATH
naming the folder that stands for /var/runtime.
"""

from __future__ import annotations

import os
import runpy
import sys


def main(parent: int, handler: str) -> None:
    from parent import die_with  # type: ignore[import-not-found]  # a sibling while this file is the script

    die_with(parent)
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    sys.argv = ["awslambdaric", handler]
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
