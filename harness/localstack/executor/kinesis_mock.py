"""Becomes Kinesis Mock on 127.0.0.1, in a process that ends with LocalStack.

Arguments: LocalStack's process id, then the command line that LocalStack would start: node, and what node runs.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

LOOPBACK = Path(__file__).with_name("loopback.cjs")


def main(parent: int, node: str, arguments: list[str]) -> None:
    from parent import die_with  # type: ignore[import-not-found]  # a sibling while this file is the script

    die_with(parent)
    os.execvp(node, [node, "--no-deprecation", "--require", str(LOOPBACK), *arguments])


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
