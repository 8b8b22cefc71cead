"""What a function asks for in the requirements.txt beside it, found in the environment that the harness runs in.

Nothing is fetched: who runs the harness installs it, so that what is deployed is what was tried here. A line is a name,
or a name and its exact version; what those need in turn comes along, and what the runtime of Lambda has does not.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from harness.errors import Problem, UserError

FILE = "requirements.txt"
# What Lambda's Python runtimes bring with them.
RUNTIME = frozenset({"boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"})

_LINE = re.compile(r"([A-Za-z0-9][\w.-]*)(?:==([\w.]+))?")
_COMPILED = (".so", ".pyd", ".dylib")
# What tells of the installation, and differs from one machine to the next.
_OF_THE_INSTALLATION = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")


def library_files(root: Path) -> dict[str, Path]:
    """Names in the zip, and the files; none without a requirements.txt. Raises UserError for what cannot be had."""
    file = root / FILE
    return _library_files(file, file.read_text("utf-8")) if file.is_file() else {}


@cache
def _library_files(file: Path, text: str) -> dict[str, Path]:
    found: dict[str, Distribution] = {}
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), start=1):
        wanted = line.partition("#")[0].strip()
        if wanted and (message := _add(wanted, found)):
            problems.append(Problem(message, file=str(file), line=number))
    if problems:
        raise UserError(problems)
    return {name: path for each in found.values() for name, path in _files(each).items()}


def _add(wanted: str, found: dict[str, Distribution]) -> str:
    """Adds it with all that it needs; returns why it cannot be had, or nothing."""
    line = _LINE.fullmatch(wanted)
    if line is None:
        return f"got '{wanted}'; expected a name, or a name and its version such as name==1.2"
    name, version = line.groups()
    if _key(name) in found or _key(name) in RUNTIME:
        return ""
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        return f"'{name}' is not installed beside the harness: install it with pip, it is packaged from there"
    if version not in (None, installed.version):
        return f"'{name}' is installed as {installed.version}, and {version} is asked for"
    compiled = [str(file) for file in installed.files or () if file.suffix in _COMPILED]
    if compiled:
        return f"'{name}' has compiled files, made for this machine, not for Lambda's: {compiled[0]}"
    found[_key(name)] = installed
    for needed in installed.requires or ():
        required, _, marker = needed.partition(";")
        needs = re.match(r"[\w.-]+", required.strip())
        if needs and not marker and (message := _add(needs[0], found)):
            return f"'{name}' needs more: {message}"
    return ""


def _files(installed: Distribution) -> dict[str, Path]:
    """Those that lie where modules are found: no programs, nothing that Python has compiled."""
    named = [file for file in installed.files or () if ".." not in file.parts and "__pycache__" not in file.parts]
    return {
        file.as_posix(): Path(str(installed.locate_file(file)))
        for file in named
        if file.name not in _OF_THE_INSTALLATION
    }


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
