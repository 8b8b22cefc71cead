"""What may be claimed of a cell: its class, on how many runs that stands, and when enough is claimed."""

from __future__ import annotations

import pytest

from harness.matrix.player import (
    AT_LEAST_ONCE,
    AT_MOST_ONCE,
    EXACTLY_ONCE,
    NEITHER,
    NOT_REACHED,
    OPEN,
    UNKNOWN,
    CellRun,
    claim,
    enough,
)
from harness.verdict import ANOMALIES, Anomaly, Verdict

CLEAN = CellRun(0, reached=True)
NEVER = CellRun(0, reached=False, reasons=("faults[0]: crash never fired; 0 points matched its aim",))
STUCK = CellRun(7, reached=True, reasons=("the pipeline did not become quiet",))


def finding(*kinds: str, seed: int = 0) -> CellRun:
    anomalies = tuple(Anomaly(kind, "todo-0/1", "function", "it is so", "because", (1,)) for kind in kinds)
    return CellRun(seed, reached=True, anomalies=anomalies)


@pytest.mark.parametrize(
    "kinds, name",
    [
        (["duplicated"], AT_LEAST_ONCE),
        (["lost"], AT_MOST_ONCE),
        (["dead_lettered"], AT_MOST_ONCE),
        (["lost", "dead_lettered"], AT_MOST_ONCE),
        (["duplicated", "lost"], NEITHER),
        (["duplicated", "dead_lettered"], NEITHER),
        (["duplicated", "wrong_final_state"], NEITHER),
        (["phantom"], NEITHER),
        (["reordered"], NEITHER),
        (["wrong_final_state"], NEITHER),
    ],
)
def test_the_kinds_of_anomaly_give_the_class(kinds: list[str], name: str) -> None:
    """Of one run or spread over several, however many others found nothing."""
    assert claim([finding(*kinds)] + [CLEAN] * 30).name == name
    spread = [finding(kind, seed=seed) for seed, kind in enumerate(kinds)]
    assert claim([*spread, CLEAN]).name == name


def test_every_kind_of_anomaly_breaks_exactly_once() -> None:
    """None is overlooked, also one that is added later."""
    assert EXACTLY_ONCE not in {claim([CLEAN] * 40 + [finding(kind)]).name for kind in ANOMALIES}


@pytest.mark.parametrize("runs, name", [(20, EXACTLY_ONCE), (19, OPEN), (1, OPEN)])
def test_exactly_once_takes_twenty_runs(runs: int, name: str) -> None:
    """Fewer without an anomaly leave it open."""
    assert claim([CLEAN] * runs).name == name


def test_a_run_in_which_the_fault_never_fired_counts_for_nothing() -> None:
    """It is tried, and does not help to twenty; nothing but such runs is not reached, with the reason."""
    claimed = claim([CLEAN] * 19 + [NEVER] * 10)
    assert (claimed.name, claimed.runs, claimed.tried) == (OPEN, 19, 29)
    claimed = claim([NEVER] * 10)
    assert (claimed.name, claimed.runs, claimed.reason) == (NOT_REACHED, 0, NEVER.reasons[0])


def test_a_run_without_an_end_leaves_the_cell_unknown() -> None:
    """Neither that nothing was lost nor that nothing came twice can be said; both having been seen, nothing is open."""
    assert (claim([CLEAN] * 30 + [STUCK]).name, claim([finding("lost"), STUCK]).name) == (UNKNOWN, UNKNOWN)
    assert claim([STUCK]).reason == "seed 7: the pipeline did not become quiet"
    assert claim([finding("lost", "duplicated"), STUCK]).name == NEITHER


def test_witnesses_are_the_first_runs_that_show_each_kind() -> None:
    """One that shows nothing new is none."""
    runs = [CLEAN, finding("lost", seed=1), finding("lost", seed=2), finding("duplicated", "lost", seed=3)]
    claimed = claim(runs)
    assert [run.seed for run in claimed.witnesses] == [1, 3]
    assert claimed.kinds == {"duplicated": 1, "lost": 3}


def test_it_is_enough_when_more_runs_would_change_nothing() -> None:
    """Twenty that count without an anomaly, five with one, one with both, ten that never reached anything."""
    assert [enough([CLEAN] * runs, 20) for runs in (0, 19, 20)] == [False, False, True]
    assert [enough([finding("lost")] + [CLEAN] * runs, 20) for runs in (3, 4)] == [False, True]
    assert enough([finding("lost"), finding("duplicated")], 20)
    assert [enough([NEVER] * runs, 20) for runs in (9, 10)] == [False, True]
    assert [enough([NEVER] * runs + [CLEAN], 20) for runs in (78, 79)] == [False, True]


def test_a_run_is_seen_as_its_verdict_and_its_faults_say() -> None:
    """Every fault must have fired; reasons count of what is unknown only."""
    assert CellRun.of(3, Verdict("valid"), [{"fired": 1}, {"fired": 2}]) == CellRun(3, True)
    assert CellRun.of(3, Verdict("unknown", reasons=("why",)), [{"fired": 1}, {"fired": 0}]) == CellRun(
        3, False, (), ("why",)
    )
    assert CellRun.of(3, Verdict("valid"), []).reached
