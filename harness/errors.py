"""What can go wrong that is not a finding: a mistake of the user, a request that is not imitated, or a lost platform.

`Problem` is one mistake at its line of a file, `Mistake` one at a path of a part that does not know its file.
"""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

DocumentPath = tuple[str | int, ...]
_SHOWN_CHARACTERS = 60
_LONGEST_WORD = 255  # of a file; comparing takes its length times that of each valid word
_STEP = re.compile(r"(?:^|\.)([^.\[\]]+)|\[(\d+)\]")
# What moves the cursor, colours, hides or turns round what a terminal shows, or has no UTF-8. Lines may end.
_UNPRINTABLE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """The text with control characters as escapes, so that no item, name or error can forge what is shown."""
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def one_line(text: str) -> str:
    """The same, and a line end in it is an escape too: what was read from data begins no line of its own."""
    return printable(text).replace("\n", "\\n")


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


class Problem(NamedTuple):
    """One thing wrong in the user's input; prints as `file:line:column: path: message`."""

    message: str
    path: str = ""  # where in the document, as in `faults[0].lose_reply.call`
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        position = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return ": ".join(part for part in (position, self.path, self.message) if part)


class UserError(Exception):
    """The scenario, the template or an argument is wrong. Carries every problem found, not just the first."""

    def __init__(self, problems: Iterable[Problem] | str) -> None:
        self.problems = [Problem(problems)] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def as_the_users(error: Exception, what: str) -> UserError | None:
    """What a writer or a fault of the user's own has raised, with the line of the user's file.

    None where no line of it is the user's. what: who raised it, as in "the writer".
    """
    import sysconfig
    import traceback  # slow to import, as the other

    libraries = (sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))
    others = (str(Path(__file__).parent), *libraries)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(others)]
    if not frames:
        return None
    message = f"{what} raised {type(error).__name__}: {error}"
    return UserError([Problem(message, file=frames[-1].filename, line=frames[-1].lineno or 0)])


_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


def of_the_disk(error: OSError) -> UserError | None:
    """What is wrong with the user's disk, where that is what the error says."""
    if error.errno not in _OF_THE_DISK:
        return None
    return UserError(f"{error.filename or 'a file'} cannot be written: {error.strerror}")


class NotImitated(Exception):
    """The embedded platform does not imitate this call or setting, and says so instead of guessing."""


class PlatformLost(Exception):
    """The platform of a run does not answer any more, or has lost what the run had made: it says nothing further."""


class Mistake(NamedTuple):
    """One thing wrong in a part of a document whose file is not known yet: at the value of a path, or at its key."""

    path: DocumentPath
    message: str
    at_key: bool = False

    def below(self, path: DocumentPath) -> Mistake:
        return self._replace(path=(*path, *self.path))


class Mistakes(ValueError):
    """Raised by the reader of a part; the paths begin at that part."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("; ".join(mistake.message for mistake in self.mistakes))


def shown(value: Any) -> str:
    """A value as it is written in a file, cut to 60 characters."""
    words = {None: "nothing", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return words[value]
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"


def closest(word: str, valid: Iterable[str]) -> str | None:
    """The valid word that is most like this one, if any is. A word of endless length is like none."""
    if len(word) > _LONGEST_WORD:
        return None
    return next(iter(get_close_matches(word, sorted(valid), n=1, cutoff=0.5)), None)


def nearest(word: str, valid: Iterable[str]) -> str:
    """A sentence that names the nearest valid word, if any is near, and all the valid ones."""
    words = sorted(valid)
    close = closest(word, words)
    hint = f" Did you mean '{close}'?" if close else ""
    return f"{hint} Known: {', '.join(words)}".strip()
