"""What the terminal gets: its width, the colour of each verdict, and progress on standard error."""

from __future__ import annotations

import os
import re
import shutil
import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from harness.errors import one_line
from harness.verdict import INVALID, UNKNOWN, VALID

_COLOURS = {VALID: "32", INVALID: "31", UNKNOWN: "33"}  # green, red, yellow
# A verdict at the start of a finding, or in its column of a table.
_VERDICT = re.compile(r"(?m)^(?:INVALID|UNKNOWN|VALID)\b|\b(?:invalid|unknown|valid)(?= +(?:yes|NO|differs)\b)")


def terminal_width() -> int | None:
    """The columns of the terminal, or COLUMNS; None where standard output is neither."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() or os.environ.get("COLUMNS") else None


def has_colours() -> bool:
    """Whether standard output gets colours: on a terminal, with FORCE_COLOR (anywhere), never with NO_COLOR."""
    return not os.environ.get("NO_COLOR") and (bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty())


def coloured(report: str) -> str:
    """Each verdict in its colour."""
    return _VERDICT.sub(lambda match: f"\033[{_COLOURS[match[0].lower()]}m{match[0]}\033[0m", report)


class Progress:
    """A context, with a bar on a terminal and plain lines where there is none.

    steps: how many there will be. every: a plain line is written after each so many steps."""

    def __init__(self, steps: int, every: int = 1) -> None:
        self._steps = steps
        self._every = every
        self._done = 0
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        # Rich's refresh thread would read clocks that belong to the run: the bar is drawn between runs instead.
        self._bar = Bar(*columns, console=console, transient=True, auto_refresh=False) if console.is_terminal else None

    def __enter__(self) -> Progress:
        if self._bar:
            self._bar.start()
            self._task = self._bar.add_task("", total=self._steps)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def end(self, step: str) -> None:
        step = one_line(step)
        self._done += 1
        if self._bar:
            self._bar.update(self._task, description=step, completed=self._done, refresh=True)
        elif self._done % self._every == 0 or self._done == self._steps:
            print(f"{self._done}/{self._steps} {step}", file=sys.stderr)
