"""Right handlers stay right: what is planted in tests/mutants is found because of the bug, not because of the fault."""

from __future__ import annotations

from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from play import LEDGER, found, play, told_unless_valid
from single_faults import NTH, SINGLE_FAULTS, at

RIGHT = ("transactional", "idempotent", "versioned_projection")
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
