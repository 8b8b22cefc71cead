"""Which of the distributions in a folder code needs: those that it imports, and what these require.

boto3 is in Lambda's own Python, with all that it requires: it is needed in the folder only where requirements.txt
asks for a version of it. Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
"""

from __future__ import annotations

import re
from collections.abc import Set
from importlib.metadata import Distribution, distributions
from pathlib import Path

AT_RUNTIME = frozenset({"boto3", "botocore"})
_NAME = re.compile(r"[\w.-]+")
_VERSION = re.compile(r"\s*([\w.-]+)\s*(?:\[[^]]*\])?\s*[=<>~!@]")


def needed(folder: Path, imported: Set[str] | None, requirements: str) -> list[Path]:
    """The files of the distributions that are needed, in order. imported: top-level names; None where any may be.

    requirements: the text of the requirements.txt that they were installed for.
    """
    known = {_normal(found.name): found for found in distributions(path=[str(folder)])}
    asked = {_normal(match[1]) for line in requirements.splitlines() if (match := _VERSION.match(line))}
    there = AT_RUNTIME - asked
    waiting = [name for name, found in known.items() if imported is None or imported & _modules(found)]
    kept: dict[str, None] = {}
    while waiting:
        name = waiting.pop()
        if name not in kept and name not in there and name in known:
            kept[name] = None
            waiting += [_normal(match[0]) for line in known[name].requires or () if (match := _NAME.match(line))]
    return sorted(folder / file for name in kept for file in _files(known[name]) if (folder / file).is_file())


def _modules(found: Distribution) -> set[str]:
    return {Path(file).parts[0].partition(".")[0] for file in _files(found)}


def _files(found: Distribution) -> list[str]:
    """Those in the folder; programs lie beside it, and nobody imports them."""
    return [str(file) for file in found.files or () if file.parts[0] not in ("..", "bin")]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
