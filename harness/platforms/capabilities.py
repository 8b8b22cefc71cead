"""What platforms cannot do that are somewhere else, so that a run which needs it is refused before it starts. Pure.

Each reason names a row of docs/semantics.md, or the file of LocalStack that shows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.faults import FAULTS
from harness.faults.actions import DELIVER, DISPATCHER, FUNCTION
from harness.faults.base import Fault
from harness.mapping import BY_HARNESS, FOREVER, Mapping
from harness.stack import SOURCE, Function, Stack

MAX_BATCH_SIZE = 1000
# Of a LocalStack that `harness up` started.
OUTAGES = frozenset({"kill_platform", "restart_platform", "pause_platform", "slow_platform", "kill_function"})
KILL = "kill_function"  # as soon as the function says that it has begun
INSTEAD = "`pipeline.mapping.by: harness` can"


def refusals(stack: Stack, faults: Sequence[Fault]) -> list[str]:
    """Why this cannot be run there; empty when it can."""
    if stack.mapping.by == BY_HARNESS:
        return [reason for fault in faults for reason in _own(fault)]
    of_table = _of_table(stack.mapping) if stack.tables_of(SOURCE) else ()
    return [*_settings(stack.mapping), *of_table, *(reason for fault in faults for reason in _fault(fault))]


def _settings(mapping: Mapping) -> Iterator[str]:
    if mapping.bisect_batch_on_function_error:
        yield "bisect_batch_on_function_error: LocalStack 4.14 stores it and does not split batches (G-04)"
    if mapping.parallelization_factor > 1:
        yield "parallelization_factor: LocalStack 4.14 stores it and delivers one batch at a time (G-05)"
    if mapping.tumbling_window_in_seconds:
        yield "tumbling_window_in_seconds: LocalStack 4.14 stores it and opens no window (G-05)"


def _of_table(mapping: Mapping) -> Iterator[str]:
    """What it can't do for a table's stream alone."""
    if mapping.maximum_record_age_in_seconds != FOREVER:
        yield "maximum_record_age_in_seconds: on LocalStack 4.14 no DynamoDB record ages (G-06)"
    if mapping.batch_size > MAX_BATCH_SIZE:
        yield f"batch_size: LocalStack 4.14 delivers nothing above {MAX_BATCH_SIZE} (G-08)"


def refusals_of_language(function: Function, mapping: Mapping, faults: Sequence[Fault]) -> list[str]:
    """What the agent would have to do or to tell, which goes with a function that is Python only."""
    if function.has_agent:
        return []
    reasons = []
    if mapping.by != BY_HARNESS:
        reasons.append(f"{function.runtime}: the agent would tell when the platform's own mapping is done; {INSTEAD}")
    aimed = [fault for fault in faults if fault.reaches(FUNCTION) or fault.NAME == KILL]
    without = f"a function in {function.runtime} goes without the agent, which would do it there"
    return [*reasons, *(f"{fault.NAME} at {fault.process}: {without}" for fault in aimed)]


def refusals_of_expiry(writer: str, platform: str, time_to_live: str | None) -> list[str]:
    """Why a writer whose items expire cannot be run there: its items must be gone before the run is over (S-52)."""
    if platform != "embedded":
        return [f"{writer}: AWS may take days to delete what has expired, and LocalStack 4.14 does not do it by itself"]
    if time_to_live is None:
        return [f"{writer}: the source table has no TimeToLiveSpecification that is enabled"]
    return []


def refusals_of_aws(mapping: Mapping, faults: Sequence[Fault]) -> list[str]:
    """Its mapping does all that it documents, unseen; and its machines are out of reach."""
    reasons = [reason for fault in faults for reason in (_own(fault) if mapping.by == BY_HARNESS else _fault(fault))]
    outages = [fault.NAME for fault in faults if fault.NAME in OUTAGES]
    return [*reasons, *(f"{name}: nobody can reach AWS's own machines" for name in outages)]


def _own(fault: Fault) -> Iterator[str]:
    if FAULTS.get(fault.NAME) is not type(fault):
        yield f"{fault.NAME}: a fault of your own is not packaged with the function"


def _fault(fault: Fault) -> Iterator[str]:
    yield from _own(fault)
    if any(call == DELIVER for call, _ in fault.PLACES) and fault.call == DELIVER:
        yield f"{fault.NAME}: the platform's own mapping delivers, and nobody can make it deliver again; {INSTEAD}"
    elif fault.process.partition("/")[0] == DISPATCHER:
        yield f"{fault.NAME} at {fault.process}: the platform's own mapping delivers, where no fault reaches; {INSTEAD}"
