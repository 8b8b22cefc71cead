"""Exit codes. A finding about the pipeline is 0 or 1 by whether it was expected; it is never an error."""

from __future__ import annotations

from collections.abc import Iterable

from harness.result import RunResult
from harness.verdict import UNKNOWN

MET, VIOLATED, NOT_KNOWN, USER_MISTAKE, OUR_MISTAKE = 0, 1, 2, 254, 255
INTERRUPTED = 130


def of(results: Iterable[RunResult]) -> int:
    """Violated beats unknown beats met. Where nothing was run nothing is known."""
    codes = {_of_one(result) for result in results} or {NOT_KNOWN}
    return next((code for code in (VIOLATED, NOT_KNOWN) if code in codes), MET)


def _of_one(result: RunResult) -> int:
    if result.expectation_met:
        return MET
    return NOT_KNOWN if result.verdict.verdict == UNKNOWN else VIOLATED
