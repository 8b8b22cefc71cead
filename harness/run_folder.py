"""The folder of a run: its question, the decisions, the history and the verdict.

runs/<scenario>/<time>-<variant>-<seed>/     and runs/<scenario>/latest, a link to the newest
    run.json         the question: scenario, variant, platform, seed, expectation, and the scenario itself
    history.jsonl    the history, one operation a line, written as it happens: a killed run keeps it
    schedule.json    the seed, and each decision of the nemesis
    verdict.json     the verdict, versioned
    report.txt       the finding, as it was shown
"""

from __future__ import annotations

import json
import os
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from types import NoneType
from typing import Any, TextIO

from harness.errors import Problem, UserError, shown
from harness.history import Operation

RUN, HISTORY, LOG = "run.json", "history.jsonl", "function.log"
SCHEDULE, VERDICT, REPORT = "schedule.json", "verdict.json", "report.txt"
_MAX_SAME_NAME = 10_000
_MOST_NAMED = 5  # of the run folders in a folder that is none
_NOT_KEPT = "the run cannot be kept"
_ESCAPED = "backslashreplace"  # a lone surrogate has no UTF-8: it becomes the escape that JSON has for it


# The fields of a question that a verdict needs.
_QUESTION: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("scenario", "question", "variant", "platform"), (str,)),
    "again": (str, NoneType),
    "seed": (int,),
    "expect": (str, dict),
}
_OPTIONAL: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("difference", "emulator"), (str, NoneType)),
    "checkers": (list,),
    "folder": (str,),
}


class DamagedHistory(UserError):
    """A line of a stored history is not what a run writes. Nothing can be judged by it."""


class RunFolder:
    """Created empty, under a name that no other run has; appended to while the run lasts."""

    def __init__(self, root: Path, scenario: str, variant: str, seed: int) -> None:
        self.path = new_folder(root / scenario, f"{variant.replace('/', '+')}-{seed}")
        self._place = self.path.absolute()  # a function that runs in this process has a working directory of its own
        self._failure: OSError | None = None
        try:
            self._history = self._opened()
        except OSError as error:
            raise UserError(f"{self.path}: {_NOT_KEPT}: {error.strerror}") from None

    def append(self, operation: Operation) -> None:
        if self._failure is None:
            try:
                self._history.write(operation.to_json() + "\n")
            except OSError as error:
                self._failure = error

    def rewrite(self, operations: list[Operation]) -> None:
        """Replaces the history: operations that came late have changed the numbers of the others.

        In one step: a run that is killed meanwhile keeps the history that it had, or has the new one.
        """
        with self._keeping():
            draft = self._place / f".{HISTORY}"
            with draft.open("w", encoding="utf-8", errors=_ESCAPED) as file:
                file.writelines(operation.to_json() + "\n" for operation in operations)
            draft.replace(self._place / HISTORY)
            self._history.close()
            self._history = self._opened()

    def log(self, text: str) -> None:
        with self._keeping(), (self._place / LOG).open("a", encoding="utf-8", errors=_ESCAPED) as log:
            log.write(text)

    def write(self, name: str, content: Any) -> None:
        """Writes a text as it is, and anything else as JSON."""
        text = content if isinstance(content, str) else json.dumps(content, indent=2, ensure_ascii=False)
        with self._keeping():
            draft = self._place / f".{name}"
            draft.write_text(text + "\n", encoding="utf-8", errors=_ESCAPED)
            draft.replace(self._place / name)

    def close(self) -> None:
        """Writes no more operations."""
        with self._keeping():
            self._history.close()

    def check(self) -> None:
        """Raises UserError where something could not be written: the disk is full, or the folder has gone."""
        if self._failure:
            raise UserError(f"{self.path}: {_NOT_KEPT}: {self._failure.strerror}")

    @contextmanager
    def _keeping(self) -> Iterator[None]:
        """A run that cannot be kept goes on to its end, and cleans up; the end says so."""
        try:
            yield
        except OSError as error:
            self._failure = self._failure or error

    def _opened(self) -> TextIO:
        """The history, to append to: each line is in the file at once."""
        return (self._place / HISTORY).open("a", encoding="utf-8", errors=_ESCAPED, buffering=1)


class NoFolder:
    """In place of a RunFolder for a run that leaves none: nothing is kept."""

    path = ""

    def append(self, operation: Operation) -> None: ...

    def rewrite(self, operations: list[Operation]) -> None: ...

    def log(self, text: str) -> None: ...

    def write(self, name: str, content: Any) -> None: ...

    def close(self) -> None: ...

    def check(self) -> None: ...


def _no_run_folder(path: Path) -> str:
    expected = "Expected is the folder of a run, as `run` leaves it under runs/<scenario>/"
    if not path.is_dir():
        return f"{path} is not a run folder: it {'is a file' if path.exists() else 'does not exist'}. {expected}"
    inside = sorted(str(file.parent) for file in path.glob(f"*/{RUN}"))
    inside = inside or sorted(str(file.parent) for file in path.glob(f"*/*/{RUN}"))
    instead = f"Run folders in it: {', '.join(inside[:_MOST_NAMED])}" if inside else f"There is none in it. {expected}"
    return f"{path} is not a run folder: it has no {RUN}. {instead}"


def read_run(path: Path) -> dict[str, Any]:
    """The question of a run, from its run.json. Raises UserError for a folder of something else."""
    try:
        question = json.loads((path / RUN).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(_no_run_folder(path)) from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} is not a run folder: {RUN} cannot be read ({error})") from None
    if not isinstance(question, dict):
        raise UserError(f"{path} is not a run folder: {RUN} holds no question")
    problems = [f"{name} is missing" for name in _QUESTION if name not in question]
    for name, kinds in (_QUESTION | _OPTIONAL).items():
        if name in question and type(question[name]) not in kinds:
            problems.append(f"{name} is {shown(question[name])}")
    words = question.get("checkers")
    if isinstance(words, list) and not all(isinstance(word, str) for word in words):
        problems.append(f"checkers is {shown(words)}")
    if problems:
        raise UserError(Problem(problem, file=str(path / RUN)) for problem in problems)
    return question


def has_verdict(path: Path) -> bool:
    """Whether the run ended: a killed one has no verdict, or half of one."""
    try:
        json.loads((path / VERDICT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def read_history(path: Path) -> list[Operation]:
    """All whole lines. Raises DamagedHistory for a line that is no operation or does not follow the one before."""
    from harness.operation_fields import stored_operations  # msgspec is loaded by what reads, and by nothing else

    operations: list[Operation] = []

    def damaged(what: str) -> DamagedHistory:
        return DamagedHistory([Problem(what, file=str(path / HISTORY), line=len(operations) + 1)])

    try:
        with (path / HISTORY).open("rb") as lines:  # a text may contain any line separator but this one
            for operation in stored_operations(lines):
                if operation.index != len(operations):
                    raise damaged(f"index is {operation.index}, but {len(operations)} operations come before it")
                operations.append(operation)
    except (ValueError, TypeError, RecursionError) as error:
        raise damaged(f"not an operation ({error})") from None
    except OSError as error:
        raise UserError(f"{path / HISTORY}: cannot be read: {error.strerror}") from None
    return operations


class StoredHistory(Sequence[Operation]):
    """The operations of a history that was judged, for those who quote a few: a line is read when it is asked for."""

    def __init__(self, path: Path) -> None:
        """Raises UserError when there is none."""
        self._file = path / HISTORY
        try:
            with self._file.open("rb") as lines:
                self._starts = array("Q", accumulate(map(len, lines), initial=0))  # of the lines, and the end
        except OSError as error:
            raise UserError(f"{self._file}: cannot be read: {error.strerror}") from None

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, index: Any) -> Any:
        from harness.operation_fields import stored_operations

        with self._file.open("rb") as lines:
            lines.seek(self._starts[range(len(self))[index]])
            return next(stored_operations(lines))


def new_folder(parent: Path, name: str) -> Path:
    """Creates an empty folder `<time>-<name>`, and the link `latest` to it."""
    try:
        path = _create(parent, f"{datetime.now(UTC).strftime('%Y%m%dT%H%M%S')}-{name}")
        _link_latest(parent, path)
    except OSError as error:
        raise UserError(f"{parent}: no run folder can be made in it: {error.strerror}") from None
    return path


def _create(parent: Path, name: str) -> Path:
    for number in range(_MAX_SAME_NAME):
        path = parent / (f"{name}.{number}" if number else name)
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            if not parent.is_dir():
                raise
            continue
        return path
    raise UserError(f"{parent} holds {_MAX_SAME_NAME} runs named {name}: remove some")


def _link_latest(parent: Path, path: Path) -> None:
    """Replaces the link in one step: another process may be reading it."""
    link = parent / f".latest-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(path.name)
    link.replace(parent / "latest")
