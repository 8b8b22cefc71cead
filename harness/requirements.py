"""A function's own dependencies: what its requirements.txt names, installed by pip into a folder of the cache.

The folder is named after the file's content and the Python that it is for: the same ones are installed once.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from filelock import FileLock

from harness.cache import cache_folder
from harness.errors import Problem, UserError

REQUIREMENTS = "requirements.txt"
THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
MAX_SECONDS = 600
_ERROR_LINES = 5
_SCRATCH = ".new-"


def installed(root: Path, python: str = THIS_PYTHON) -> Path | None:
    """The folder with what a function's folder requires, for a version of Python; None where it requires nothing.

    Raises UserError with pip's own words when they cannot be installed.
    """
    file = root / REQUIREMENTS
    if not file.is_file():
        return None
    digest = hashlib.sha256(f"{python}\n{root.absolute()}\n".encode() if _is_local(file) else f"{python}\n".encode())
    digest.update(file.read_bytes())
    folder = cache_folder() / "requirements" / digest.hexdigest()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent.with_suffix(".lock")):
        if not folder.is_dir():
            for leftover in folder.parent.glob(f"{_SCRATCH}*"):  # of a process that was killed
                shutil.rmtree(leftover)
            with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=folder.parent) as scratch:
                target = Path(scratch, "packages")
                target.mkdir()
                _install(file, target, python)
                target.rename(folder)
    return folder


def _is_local(file: Path) -> bool:
    """Whether it names files beside it, which are others in another folder."""
    return any(line.lstrip().startswith((".", "-", "/")) for line in file.read_text("utf-8").splitlines())


def _install(file: Path, target: Path, python: str) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-compile", "--target", str(target), "--requirement", str(file.absolute())]
    if python != THIS_PYTHON:
        command += ["--python-version", python, "--only-binary", ":all:"]
    try:
        done = subprocess.run(command, cwd=file.parent, capture_output=True, text=True, timeout=MAX_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise UserError([Problem(f"pip has not installed it within {MAX_SECONDS} s", file=str(file))]) from error
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")] or done.stderr.splitlines()
        words = " ".join(line.removeprefix("ERROR: ") for line in errors[:_ERROR_LINES])
        raise UserError([Problem(f"pip cannot install it for Python {python}: {words}", file=str(file))])
