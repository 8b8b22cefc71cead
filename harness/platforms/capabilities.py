"""Limits of the remote platforms; a run that needs more is refused before it starts. Pure.

Each reason names a row of docs/semantics.md, or the file of LocalStack that shows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.faults import FAULTS
from harness.faults.actions import DELIVER, DISPATCHER, FUNCTION
from harness.faults.base import Fault
from harness.pipeline.mapping import BY_HARNESS, FOREVER, Mapping
from harness.pipeline.stack import SOURCE, Function, Stack

MAX_BATCH_SIZE = 1000
# Of a LocalStack that `harness up` started.
OUTAGES = frozenset({"kill_platform", "restart_platform", "pause_platform", "slow_platform", "kill_function"})
KILL = "kill_function"  # as soon as the function says that it has begun
INSTEAD = "`pipeline.mapping.by: harness` can"


def unsupported_on_localstack(stack: Stack, faults: Sequence[Fault]) -> list[str]:
    """What LocalStack's own mapping does not do, and which faults cannot act there."""
    if stack.mapping.by == BY_HARNESS:
        return [reason for fault in faults for reason in _custom_fault_reasons(fault)]
    of_table = _table_reasons(stack.mapping) if stack.tables_of(SOURCE) else ()
    return [
        *_mapping_reasons(stack.mapping),
        *of_table,
        *(reason for fault in faults for reason in _fault_reasons(fault)),
    ]


def unsupported_on_aws(mapping: Mapping, faults: Sequence[Fault]) -> list[str]:
    """Its mapping does all that it documents, but no fault reaches it, and nobody reaches its machines."""
    of_fault = _custom_fault_reasons if mapping.by == BY_HARNESS else _fault_reasons
    reasons = [reason for fault in faults for reason in of_fault(fault)]
    outages = [fault.NAME for fault in faults if fault.NAME in OUTAGES]
    return [*reasons, *(f"{name}: nobody can reach AWS's own machines" for name in outages)]


def unsupported_without_agent(function: Function, mapping: Mapping, faults: Sequence[Fault]) -> list[str]:
    """What the agent would do or report. It goes with functions in Python only."""
    if function.has_agent:
        return []
    reasons = []
    if mapping.by != BY_HARNESS:
        reasons.append(f"{function.runtime}: the agent would tell when the platform's own mapping is done; {INSTEAD}")
    aimed = [fault for fault in faults if fault.reaches(FUNCTION) or fault.NAME == KILL]
    without = f"a function in {function.runtime} goes without the agent, which would do it there"
    return [*reasons, *(f"{fault.NAME} at {fault.process}: {without}" for fault in aimed)]


def unsupported_expiry(writer: str, platform: str, time_to_live: str | None) -> list[str]:
    """Why a writer's items do not expire in time: they must be gone before the run is over (S-52)."""
    if platform != "embedded":
        return [f"{writer}: AWS may take days to delete what has expired, and LocalStack 4.14 does not do it by itself"]
    if time_to_live is None:
        return [f"{writer}: the source table has no TimeToLiveSpecification that is enabled"]
    return []


def _mapping_reasons(mapping: Mapping) -> Iterator[str]:
    if mapping.bisect_batch_on_function_error:
        yield "bisect_batch_on_function_error: LocalStack 4.14 stores it and does not split batches (G-04)"
    if mapping.parallelization_factor > 1:
        yield "parallelization_factor: LocalStack 4.14 stores it and delivers one batch at a time (G-05)"
    if mapping.tumbling_window_in_seconds:
        yield "tumbling_window_in_seconds: LocalStack 4.14 stores it and opens no window (G-05)"


def _table_reasons(mapping: Mapping) -> Iterator[str]:
    """Limits for the stream of a table, which a data stream does not have."""
    if mapping.maximum_record_age_in_seconds != FOREVER:
        yield "maximum_record_age_in_seconds: on LocalStack 4.14 no DynamoDB record ages (G-06)"
    if mapping.batch_size > MAX_BATCH_SIZE:
        yield f"batch_size: LocalStack 4.14 delivers nothing above {MAX_BATCH_SIZE} (G-08)"


def _custom_fault_reasons(fault: Fault) -> Iterator[str]:
    if FAULTS.get(fault.NAME) is not type(fault):
        yield f"{fault.NAME}: a fault of your own is not packaged with the function"


def _fault_reasons(fault: Fault) -> Iterator[str]:
    yield from _custom_fault_reasons(fault)
    if any(call == DELIVER for call, _ in fault.PLACES) and fault.call == DELIVER:
        yield f"{fault.NAME}: the platform's own mapping delivers, and nobody can make it deliver again; {INSTEAD}"
    elif fault.process.partition("/")[0] == DISPATCHER:
        yield f"{fault.NAME} at {fault.process}: the platform's own mapping delivers, where no fault reaches; {INSTEAD}"
