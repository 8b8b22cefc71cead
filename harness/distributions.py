"""Which of the distributions in a folder code needs: those that it imports, and what these require.

boto3 is in Lambda's own Python, with all that it requires: it is needed in the folder only where requirements.txt
asks for a version of it. Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

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
    """Those in the folder; programs lie beside it, and nobody imports them."""
    return [str(file) for file in distribution.files or () if file.parts[0] not in ("..", "bin")]
