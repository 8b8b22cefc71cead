"""Finds a Python that LocalStack runs on."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.errors import UserError

OLDEST = (3, 13)
NAMES = ("python3.13", "python3.14", "python3.15", "python3")
PROBE = "import sys, venv, ensurepip; print(*sys.version_info[:2])"
PROBE_SECONDS = 20
MISSING = (
    "the host runtime needs Python 3.13 or newer with its venv module, and none was found on PATH, under pyenv or "
    "with uv. Get one with `uv python install 3.13`, `pyenv install 3.13` or your system's packages "
    "(python3.13 and python3.13-venv), or use --runtime compose"
)


def find_python() -> Path:
    """An interpreter of 3.13 or newer that can make virtual environments. Raises UserError."""
    for candidate in candidates():
        if suits(_output([str(candidate), "-c", PROBE])):
            return candidate
    raise UserError(MISSING)


def suits(answer: str) -> bool:
    """Is the probe's answer, as in `3 13`, new enough? A shim that knows no such version answers nothing."""
    numbers = re.fullmatch(r"(\d+) (\d+)", answer.strip())
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= OLDEST


def candidates() -> Iterator[Path]:
    """In order: the harness's own, those on PATH, pyenv's versions, uv's."""
    yield Path(sys.executable)
    yield from (Path(found) for found in map(shutil.which, NAMES) if found)
    if root := _output(["pyenv", "root"]).strip():
        yield from pyenv_versions(Path(root, "versions").glob("3.*/bin/python3"))
    if found := _output(["uv", "python", "find", "--no-python-downloads", f">={OLDEST[0]}.{OLDEST[1]}"]).strip():
        yield Path(found)


def pyenv_versions(paths: Iterable[Path]) -> list[Path]:
    """Those that are new enough by their folder's name, the oldest of them first: it is the best tried."""
    numbered = [(tuple(map(int, re.findall(r"\d+", path.parts[-3])[:3])), path) for path in paths]
    return [path for numbers, path in sorted(numbered) if numbers >= OLDEST]


def _output(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        return ""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
