"""What the runs of one cell show, and what may be claimed of it. Pure.

exactly-once     no anomaly of any kind in at least 20 runs in which the fault fired
at-least-once    effects twice, and none lost
at-most-once     effects lost or dead-lettered, and none twice
neither          both, or an end that neither explains: a wrong final state, a phantom, another order
open             no anomaly, in fewer than 20 runs
not reached      the fault never fired: there is nothing here that it could harm
refused          the platform cannot run it, and says why
unknown          a run did not come to an end that could be judged
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.verdict import UNKNOWN as UNKNOWN_VERDICT
from harness.verdict import Anomaly, Verdict

EXACTLY_ONCE, AT_LEAST_ONCE, AT_MOST_ONCE, NEITHER = "exactly-once", "at-least-once", "at-most-once", "neither"
OPEN, NOT_REACHED, REFUSED, UNKNOWN = "open", "not reached", "refused", "unknown"
BROKEN = (AT_LEAST_ONCE, AT_MOST_ONCE, NEITHER)
CLASSES = (EXACTLY_ONCE, *BROKEN, OPEN, NOT_REACHED, REFUSED, UNKNOWN)

FEWEST_FOR_EXACTLY_ONCE = 20
ENOUGH_WITH_ANOMALY = 5  # the runs on which it stands that there is no anomaly of the other kind
_TRIES_WITHOUT_REACHING = 10
_TRIES_FOR_EACH = 4  # a fault that fires at one point in two, where there is one point, fires in half of the runs

_TWICE, _LOST = frozenset({"duplicated"}), frozenset({"lost", "dead_lettered"})


@dataclass(frozen=True, slots=True)
class Seen:
    """One run: whether every fault fired, what was found, and why it is not known what was."""

    seed: int
    reached: bool
    anomalies: tuple[Anomaly, ...] = ()
    reasons: tuple[str, ...] = ()

    @staticmethod
    def of(seed: int, verdict: Verdict, faults: Iterable[dict[str, int]]) -> Seen:
        reached = all(fault["fired"] for fault in faults)
        reasons = verdict.reasons if verdict.verdict == UNKNOWN_VERDICT else ()
        return Seen(seed, reached, verdict.anomalies, reasons)

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(anomaly.kind for anomaly in self.anomalies)

    @property
    def counts(self) -> bool:
        """Whether it says something about the cell: one in which the fault never fired does not."""
        return bool(self.anomalies) or self.reached


@dataclass(frozen=True, slots=True)
class Claim:
    """`runs` are those it stands on, of `tried`. `kinds` says in how many of them each kind of anomaly was found, and
    `witnesses` has the first run of each side of the class."""

    name: str
    runs: int
    tried: int
    kinds: dict[str, int]
    witnesses: tuple[Seen, ...] = ()
    reason: str = ""


def claim(seen: Sequence[Seen]) -> Claim:
    """What may be said of a cell after these runs."""
    counted = [run for run in seen if run.counts]
    found = [kind for run in counted for kind in sorted(run.kinds)]
    kinds = {kind: found.count(kind) for kind in sorted(set(found))}
    name, reason = _name(set(kinds), seen, counted)
    return Claim(name, len(counted), len(seen), kinds, _witnesses(counted), reason)


def enough(seen: Sequence[Seen], runs: int) -> bool:
    """Whether no more are needed: `runs` in which the fault fired and nothing was found, or fewer with a finding."""
    counted = [run for run in seen if run.counts]
    kinds = {kind for run in counted for kind in run.kinds}
    if _class_of(kinds) == NEITHER or len(seen) >= _TRIES_FOR_EACH * runs:
        return True
    if not counted:
        return len(seen) >= min(_TRIES_WITHOUT_REACHING, _TRIES_FOR_EACH * runs)
    return len(counted) >= (min(ENOUGH_WITH_ANOMALY, runs) if kinds else runs)


def _name(kinds: set[str], seen: Sequence[Seen], counted: Sequence[Seen]) -> tuple[str, str]:
    if _class_of(kinds) == NEITHER:
        return NEITHER, ""
    if not counted:
        return NOT_REACHED, seen[0].reasons[0] if seen and seen[0].reasons else "it was not played"
    unsettled = [run for run in counted if run.reasons and not run.anomalies]
    if unsettled:
        return UNKNOWN, f"seed {unsettled[0].seed}: {unsettled[0].reasons[0]}"
    if kinds:
        return _class_of(kinds), ""
    if len(counted) < FEWEST_FOR_EXACTLY_ONCE:
        return OPEN, f"{len(counted)} runs are fewer than {FEWEST_FOR_EXACTLY_ONCE}"
    return EXACTLY_ONCE, ""


def _class_of(kinds: set[str]) -> str:
    """Without regard to how many runs there were."""
    if not kinds:
        return EXACTLY_ONCE
    if kinds <= _TWICE:
        return AT_LEAST_ONCE
    return AT_MOST_ONCE if kinds <= _LOST else NEITHER


def _witnesses(counted: Sequence[Seen]) -> tuple[Seen, ...]:
    """Of each kind of anomaly the first run that has it, each run once."""
    known: set[str] = set()
    first = []
    for run in counted:
        if run.kinds - known:
            known |= run.kinds
            first.append(run)
    return tuple(first)
