"""The contract of a report: from the results of runs to one text. Pure; others print it or write it to a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.history import Operation
from harness.result import RunResult

# Reads the history of a run, for reports that quote from it; a run whose history is gone gives none.
HistoryOf = Callable[[RunResult], Sequence[Operation]]
Report = Callable[[Sequence[RunResult], HistoryOf], str]
