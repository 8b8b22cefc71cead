"""Says what is running: a bar on a terminal, a plain line for each run elsewhere, both on standard error."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from harness.result import RunResult


class Progress:
    """A context for so many runs."""

    def __init__(self, runs: int) -> None:
        self._runs = runs
        self._done = 0
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        # The bar's own thread would read clocks that belong to the run: it is drawn between runs instead.
        self._bar = Bar(*columns, console=console, transient=True, auto_refresh=False) if console.is_terminal else None

    def __enter__(self) -> Progress:
        if self._bar:
            self._bar.start()
            self._task = self._bar.add_task("", total=self._runs)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def end(self, result: RunResult) -> None:
        self._done += 1
        met = "as expected" if result.expectation_met else "NOT AS EXPECTED"
        name = f"{result.scenario} / {result.variant}"
        if self._bar:
            self._bar.update(self._task, description=f"{name}, {met}", completed=self._done, refresh=True)
            return
        print(
            f"{self._done}/{self._runs} {name}   seed {result.seed}   {result.verdict.verdict}, {met}", file=sys.stderr
        )
