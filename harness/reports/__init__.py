"""Reports: what a run was found to be, for people (`text`), for programs (`to_json`) and as an exit code.

All are made from `RunResult`s, and are pure; others print them or write them to files. `progress` is what shows on a
terminal while runs last.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

from harness.verdict import UNKNOWN

if TYPE_CHECKING:
    from harness.verdict import RunResult


class ExitCode(IntEnum):
    """A finding about the pipeline is MET or VIOLATED, by whether it was expected; it is never an error."""

    MET = 0
    VIOLATED = 1
    NOT_KNOWN = 2
    INTERRUPTED = 130
    USER_MISTAKE = 254
    OUR_MISTAKE = 255


def exit_code(results: Iterable[RunResult]) -> ExitCode:
    """Violated beats unknown beats met. Where nothing was run nothing is known."""
    codes = {_exit_code_of(result) for result in results} or {ExitCode.NOT_KNOWN}
    return next((code for code in (ExitCode.VIOLATED, ExitCode.NOT_KNOWN) if code in codes), ExitCode.MET)


def _exit_code_of(result: RunResult) -> ExitCode:
    if result.expectation_met:
        return ExitCode.MET
    return ExitCode.NOT_KNOWN if result.verdict.verdict == UNKNOWN else ExitCode.VIOLATED


def to_json(results: Sequence[RunResult]) -> str:
    """The report for programs: a list of runs, each with the version of its format."""
    return json.dumps([result.to_dict() for result in results], indent=2, ensure_ascii=False) + "\n"
