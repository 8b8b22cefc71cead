"""What can go wrong that is not a finding: the user's mistake, or something we do not imitate."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

DocumentPath = tuple[str | int, ...]
_STEP = re.compile(r"(?:^|\.)([^.\[\]]+)|\[(\d+)\]")


def path_text(path: DocumentPath) -> str:
    """As in `faults[0].lose_reply.call`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


def parse_path(text: str) -> DocumentPath:
    """The inverse of path_text. Raises ValueError."""
    steps = list(_STEP.finditer(text))
    if text.startswith(".") or not steps or "".join(step[0] for step in steps) != text:
        raise ValueError(f"'{text}' is not a path such as workload.writer or faults[0].crash.when")
    return tuple(int(step[2]) if step[2] else step[1] for step in steps)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in the user's input; prints as `file:line:column: where: what`."""

    message: str
    path: str = ""  # where in the document, as in `faults[0].lose_reply.call`
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return ": ".join(part for part in (place, self.path, self.message) if part)


class UserError(Exception):
    """The scenario, the template or an argument is wrong. Carries every problem found, not just the first."""

    def __init__(self, problems: Iterable[Problem] | str) -> None:
        self.problems = [Problem(problems)] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class NotImitated(Exception):
    """The embedded platform does not imitate this call or setting, and says so instead of guessing."""


def nearest(word: str, known: Iterable[str]) -> str:
    """A sentence that names the nearest valid word, if any is near, and all the valid ones."""
    words = sorted(known)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return f"{hint} Known: {', '.join(words)}".strip()
