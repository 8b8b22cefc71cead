"""Progress on standard error: a bar on a terminal, plain lines where there is none."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar


class Progress:
    """A context. steps: how many there will be. every: a plain line is written after each so many steps."""

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
        self._done += 1
        if self._bar:
            self._bar.update(self._task, description=step, completed=self._done, refresh=True)
        elif self._done % self._every == 0 or self._done == self._steps:
            print(f"{self._done}/{self._steps} {step}", file=sys.stderr)
