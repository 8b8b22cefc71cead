"""Right handlers stay right: what is planted in tests/mutants is found because of the bug, not because of the fault."""

from __future__ import annotations

from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from play import LEDGER, found, play, told_if_found, told_unless_valid
from single_faults import NTH, SINGLE_FAULTS, at, pairs

RIGHT = ("transactional", "idempotent", "versioned_projection")
# Right in the same sense, or up to the one fault by which a writer leaves two records (tests: test_handlers_break).
TWO_RECORDS = "put twice, changed"
NEVER_FIRES = "conflict"  # BatchWriteItem has no such error
ALSO_RIGHT = {
    "batched": (NEVER_FIRES,),
    "business_key": (),
    "event_id": (TWO_RECORDS,),
    "expiring_marker": (),
    "outbox": (),
    "sequence_number": (TWO_RECORDS,),
}
# What is not right beyond one window is tried with single faults only.
IN_PAIRS = (*RIGHT, "batched", "business_key", "outbox", "sequence_number")
CHUNKS = 6
REPORTING = {"report_batch_item_failures": True}
FEW = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("name", SINGLE_FAULTS)
@pytest.mark.parametrize("handler", RIGHT)
def test_a_right_handler_survives_every_single_fault(
    handler: str, name: str, processes: Executor, tmp_path: Path
) -> None:
    """Whichever fault fires, at the first to the fifth point that it is aimed at: it fires once, and all is valid."""
    file = LEDGER / f"{handler}.py"
    running = [processes.submit(told_unless_valid, tmp_path, file, [at(name, nth)], nth) for nth in NTH]
    assert [future.result() for future in running] == [""] * len(NTH)


@pytest.mark.parametrize("handler", ALSO_RIGHT)
def test_another_right_handler_survives_every_single_fault(handler: str, processes: Executor, tmp_path: Path) -> None:
    """Each fault of the list but those that the handler does not promise to survive, at the second point that it is
    aimed at: it fires once, and all is valid."""
    file, names = LEDGER / f"{handler}.py", [name for name in SINGLE_FAULTS if name not in ALSO_RIGHT[handler]]
    running = [processes.submit(told_unless_valid, tmp_path, file, [at(name, 2)], 2) for name in names]
    assert [future.result() for future in running] == [""] * len(names)


@pytest.mark.parametrize("place, handler", list(enumerate(IN_PAIRS)))
def test_a_right_handler_survives_two_faults(place: int, handler: str, processes: Executor) -> None:
    """Any two faults of the list, of 528 pairs every second one, the others with the next handler: nothing is found.
    At all their points they would take an hour, so each meets the others at one of its first three. One can keep the
    other from firing: that is unknown, no more."""
    survived = ALSO_RIGHT.get(handler, ())
    spared = [at(name, nth) for name in survived for nth in NTH]
    chosen = [faults for faults in pairs(place)[place % 2 :: 2] if not any(fault in spared for fault in faults)]
    file = LEDGER / f"{handler}.py"
    running = [processes.submit(told_if_found, file, chosen[n::CHUNKS], place) for n in range(CHUNKS)]
    assert [told for future in running for told in future.result()] == []


@pytest.mark.parametrize("handler", RIGHT)
def test_a_right_handler_survives_several_faults(handler: str, tmp_path: Path) -> None:
    """Up to three faults at once: nothing is found. One can keep another from firing: that is unknown, no more."""

    @FEW
    @given(
        chosen=st.lists(st.tuples(st.sampled_from(sorted(SINGLE_FAULTS)), st.integers(1, 6)), min_size=2, max_size=3),
        seed=st.integers(0, 1000),
    )
    def survives(chosen: list[tuple[str, int]], seed: int) -> None:
        faults: list[Any] = [at(name, nth) for name, nth in chosen]
        outcome = play(tmp_path, LEDGER / f"{handler}.py", faults, seed=seed, mapping=REPORTING)
        assert found(outcome) == set(), outcome
        assert all("never fired" in reason for reason in outcome.reasons), outcome

    survives()
