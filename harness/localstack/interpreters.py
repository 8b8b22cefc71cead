"""Finds a Python that LocalStack runs on, and a Java that DynamoDB Local runs on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.errors import UserError

OLDEST_PYTHON, OLDEST_JAVA = (3, 13), 17
PYTHON_NAMES = ("python3.13", "python3.14", "python3.15", "python3")
PYTHON_PROBE = "import sys, venv, ensurepip; print(*sys.version_info[:2])"
PROBE_SECONDS = 20
NO_PYTHON = (
    "the host runtime needs Python 3.13 or newer with its venv module, and none was found on PATH, under pyenv or "
    "with uv. Get one with `uv python install 3.13`, `pyenv install 3.13` or your system's packages "
    "(python3.13 and python3.13-venv), or use --runtime compose"
)


def find_python() -> Path:
    """An interpreter of 3.13 or newer that can make virtual environments. Raises UserError."""
    for candidate in candidates():
        if suits(_output([str(candidate), "-c", PYTHON_PROBE])):
            return candidate
    raise UserError(NO_PYTHON)


def suits(answer: str) -> bool:
    """Is the probe's answer, as in `3 13`, new enough? A shim without such a version prints nothing."""
    numbers = re.fullmatch(r"(\d+) (\d+)", answer.strip())
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= OLDEST_PYTHON


def candidates() -> Iterator[Path]:
    """In order: the harness's own, those on PATH, pyenv's versions, uv's."""
    yield Path(sys.executable)
    yield from (Path(path) for path in map(shutil.which, PYTHON_NAMES) if path)
    if root := _output(["pyenv", "root"]).strip():
        yield from pyenv_versions(Path(root, "versions").glob("3.*/bin/python3"))
    if path := _output(
        ["uv", "python", "find", "--no-python-downloads", f">={OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]}"]
    ).strip():
        yield Path(path)


def pyenv_versions(paths: Iterable[Path]) -> list[Path]:
    """Those that are new enough by their folder's name, the oldest of them first: it is the best tried."""
    numbered = [(tuple(map(int, re.findall(r"\d+", path.parts[-3])[:3])), path) for path in paths]
    return [path for numbers, path in sorted(numbered) if numbers >= OLDEST_PYTHON]


def _output(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        return ""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def find_java_home() -> Path | None:
    """The home of a Java 17 or newer, from JAVA_HOME or PATH; None where there is none."""
    for home in _homes():
        program = home / "bin" / "java"
        if (home / "lib" / "server" / "libjvm.so").exists() and version_of(_version_output(program)) >= OLDEST_JAVA:
            return home
    return None


def version_of(output: str) -> int:
    """The feature release in the output of `java -version`: 17 for `"17.0.15"`, 8 for `"1.8.0_412"`, 0 if none."""
    match = re.search(r'version "(?:1\.)?(\d+)', output)
    return int(match[1]) if match else 0


def _homes() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home)
    if program := shutil.which("java"):
        yield Path(program).resolve().parent.parent


def _version_output(program: Path) -> str:
    try:
        return subprocess.run([program, "-version"], capture_output=True, text=True, timeout=PROBE_SECONDS).stderr
    except (OSError, subprocess.TimeoutExpired):
        return ""
