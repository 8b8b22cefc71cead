"""What the runs of one cell show, and what may be claimed of it. Pure.

exactly-once     no anomaly of any kind in at least 20 runs in which the fault fired
at-least-once    duplicated effects, and none lost
at-most-once     lost or dead-lettered effects, and none duplicated
neither          both, or an anomaly that is neither: a wrong final state, a phantom, another order
open             no anomaly, in fewer than 20 runs
not reached      the fault never fired: the pattern makes no call that it could harm
refused          the platform cannot run the cell, and says why
unknown          a run could not be judged
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.verdict import UNKNOWN as UNKNOWN_VERDICT
from harness.verdict import Anomaly, Verdict

EXACTLY_ONCE, AT_LEAST_ONCE, AT_MOST_ONCE, NEITHER = "exactly-once", "at-least-once", "at-most-once", "neither"
OPEN, NOT_REACHED, REFUSED, UNKNOWN = "open", "not reached", "refused", "unknown"
BROKEN = (AT_LEAST_ONCE, AT_MOST_ONCE, NEITHER)
CLASSES = (EXACTLY_ONCE, *BROKEN, OPEN, NOT_REACHED, REFUSED, UNKNOWN)

FEWEST_FOR_EXACTLY_ONCE = 20
ENOUGH_WITH_ANOMALY = 5  # runs without an anomaly of the other kind, once one of a kind was found
_TRIES_WITHOUT_REACHING = 10
_TRIES_FOR_EACH = 4  # a fault that fires at one point in two, where there is one point, fires in half of the runs

_TWICE, _LOST = frozenset({"duplicated"}), frozenset({"lost", "dead_lettered"})


@dataclass(frozen=True, slots=True)
class CellRun:
    """One run of a cell. reached: every fault fired. reasons: why the verdict is unknown; empty unless it is."""

    seed: int
    reached: bool
    anomalies: tuple[Anomaly, ...] = ()
    reasons: tuple[str, ...] = ()

    @staticmethod
    def of(seed: int, verdict: Verdict, faults: Iterable[dict[str, int]]) -> CellRun:
        reached = all(fault["fired"] for fault in faults)
        reasons = verdict.reasons if verdict.verdict == UNKNOWN_VERDICT else ()
        return CellRun(seed, reached, verdict.anomalies, reasons)

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(anomaly.kind for anomaly in self.anomalies)

    @property
    def counts(self) -> bool:
        """Whether the run says something about the cell: one in which the fault never fired does not."""
        return bool(self.anomalies) or self.reached


@dataclass(frozen=True, slots=True)
class Claim:
    """What may be said of a cell.

    runs: how many count, of `tried`. kinds: in how many of them each kind of anomaly was found.
    witnesses: the first run that has each kind.
    """

    name: str
    runs: int
    tried: int
    kinds: dict[str, int]
    witnesses: tuple[CellRun, ...] = ()
    reason: str = ""


def claim(runs: Sequence[CellRun]) -> Claim:
    """What may be said of a cell after these runs."""
    counted = [run for run in runs if run.counts]
    kinds = Counter(kind for run in counted for kind in run.kinds)
    name, reason = _name(set(kinds), runs, counted)
    return Claim(name, len(counted), len(runs), dict(sorted(kinds.items())), tuple(_witnesses(counted)), reason)


def _witnesses(runs: Iterable[CellRun]) -> Iterator[CellRun]:
    """The runs that have a kind of anomaly which none before them had."""
    kinds: frozenset[str] = frozenset()
    for run in runs:
        if run.kinds - kinds:
            kinds |= run.kinds
            yield run


def enough(runs: Sequence[CellRun], wanted: int) -> bool:
    """Whether no more runs are needed: `wanted` count and show no anomaly, or fewer show one."""
    counted = [run for run in runs if run.counts]
    kinds = {kind for run in counted for kind in run.kinds}
    if _class_of(kinds) == NEITHER or len(runs) >= _TRIES_FOR_EACH * wanted:
        return True
    if not counted:
        return len(runs) >= min(_TRIES_WITHOUT_REACHING, _TRIES_FOR_EACH * wanted)
    return len(counted) >= (min(ENOUGH_WITH_ANOMALY, wanted) if kinds else wanted)


def _name(kinds: set[str], runs: Sequence[CellRun], counted: Sequence[CellRun]) -> tuple[str, str]:
    if _class_of(kinds) == NEITHER:
        return NEITHER, ""
    if not counted:
        return NOT_REACHED, runs[0].reasons[0] if runs and runs[0].reasons else "it was not played"
    unsettled = [run for run in counted if run.reasons and not run.anomalies]
    if unsettled:
        return UNKNOWN, f"seed {unsettled[0].seed}: {unsettled[0].reasons[0]}"
    if kinds:
        return _class_of(kinds), ""
    if len(counted) < FEWEST_FOR_EXACTLY_ONCE:
        return OPEN, f"{len(counted)} runs are fewer than {FEWEST_FOR_EXACTLY_ONCE}"
    return EXACTLY_ONCE, ""


def _class_of(kinds: set[str]) -> str:
    """The class that these kinds of anomaly make, however many runs there were."""
    if not kinds:
        return EXACTLY_ONCE
    if kinds <= _TWICE:
        return AT_LEAST_ONCE
    return AT_MOST_ONCE if kinds <= _LOST else NEITHER
