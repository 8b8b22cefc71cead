"""What a function's requirements.txt asks for: installed once, and of that the distributions that are imported."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Set
from importlib.metadata import Distribution, distributions
from pathlib import Path

from filelock import FileLock
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from harness.errors import Problem, UserError
from harness.pipeline.imports import THIS_PYTHON
from harness.project import cache_folder

AT_RUNTIME = frozenset({"boto3", "botocore"})
_AFTER_REQUIREMENT = re.compile(r"\s+#|\s+--|\s*\\$")  # a comment, an option such as --hash, a line that goes on


def needed(folder: Path, imported: Set[str] | None, requirements: str) -> list[Path]:
    """The files of the distributions that are needed, in order. imported: top-level names; None where any may be.

    requirements: the text of the requirements.txt that they were installed for.
    """
    installed: dict[str, Distribution] = {
        canonicalize_name(each.name): each for each in distributions(path=[str(folder)])
    }
    at_runtime = AT_RUNTIME - set(_with_version(requirements))
    waiting = [name for name, each in installed.items() if imported is None or imported & _modules(each)]
    kept: dict[str, None] = {}
    while waiting:
        name = waiting.pop()
        if name not in kept and name not in at_runtime and name in installed:
            kept[name] = None
            # What a marker excludes is not installed: pip has read it, for the function's own Python.
            waiting += [canonicalize_name(Requirement(line).name) for line in installed[name].requires or ()]
    return sorted(folder / file for name in kept for file in _files(installed[name]) if (folder / file).is_file())


def _with_version(requirements: str) -> Iterator[str]:
    """The distributions that a requirements.txt names together with a version, or with where they are."""
    for line in requirements.splitlines():
        try:
            requirement = Requirement(_AFTER_REQUIREMENT.split(line)[0])
        except InvalidRequirement:  # an option of pip, a file, a comment
            continue
        if requirement.specifier or requirement.url:
            yield canonicalize_name(requirement.name)


def _modules(distribution: Distribution) -> set[str]:
    return {Path(file).parts[0].partition(".")[0] for file in _files(distribution)}


def _files(distribution: Distribution) -> list[str]:
    """Files of the distribution that can be imported: not the programs in bin/ or beside the folder."""
    return [str(file) for file in distribution.files or () if file.parts[0] not in ("..", "bin")]


REQUIREMENTS = "requirements.txt"
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
    """Whether it names files by relative paths, which are other files in another folder."""
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
