"""Limits of each platform; a run that needs more is refused before it starts.

Each reason says the rule, and the row of docs/semantics.md or the version of LocalStack that it comes from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.delivery import filters
from harness.faults import FAULTS
from harness.faults.base import Fault
from harness.faults.points import DELIVER, DISPATCHER, FUNCTION
from harness.localstack import runtime_at
from harness.pipeline.mapping import BY_HARNESS, FOREVER, Mapping
from harness.pipeline.resources import Table
from harness.pipeline.stack import SOURCE, Function, Stack
from harness.platforms import AWS, EMBEDDED, LOCALSTACK
from harness.platforms.target import Target

MAX_BATCH_SIZE = 1000
# Faults that reach a platform's own processes.
OUTAGES = frozenset({"kill_platform", "restart_platform", "pause_platform", "slow_platform", "kill_function"})
KILL = "kill_function"  # as soon as the function says that it has begun
INSTEAD = "`pipeline.mapping.by: harness` can"
IN_THIS_PROCESS = "the embedded platform is this very process; run it on a LocalStack that `harness up` started"
CUSTOM_RUNTIME = "provided"  # how the names of these runtimes begin


def unsupported(stack: Stack, faults: Sequence[Fault], target: Target) -> list[str]:
    """Why the target cannot run this; empty where it can. Raises UserError for an invalid filter."""
    return _BY_PLATFORM[target.platform](stack, faults, target)


def _on_embedded(stack: Stack, faults: Sequence[Fault], target: Target) -> list[str]:
    reasons = [f"{fault.NAME}: {IN_THIS_PROCESS}" for fault in faults if fault.NAME in OUTAGES - {KILL}]
    reasons += [f"not imitated: {reason}" for reason in filters.unsupported(stack.mapping)]
    return [*stack.not_imitated, *reasons]


def _on_localstack(stack: Stack, faults: Sequence[Fault], target: Target) -> list[str]:
    reasons = unsupported_on_localstack(stack, faults)
    outages = [fault.NAME for fault in faults if fault.NAME in OUTAGES]
    # Finding out who started it takes time, and only these depend on it.
    depends = outages or stack.endpoints or not stack.function.has_agent
    started = runtime_at(target.endpoint) if depends else None
    runtime = started[0].name if started else ""
    if outages and started is None:
        reasons += [f"{name}: `harness up` did not start the LocalStack at {target.endpoint}" for name in outages]
    if stack.endpoints and runtime != "host":
        reasons.append("endpoints: functions reach this machine's 127.0.0.1 with `harness up --runtime host` only")
    reasons += unsupported_without_agent(stack.function, stack.mapping, faults)
    runs_natively = stack.function.has_agent or stack.function.runtime.startswith(CUSTOM_RUNTIME)
    if runtime == "host" and not runs_natively:
        what = "functions in Python, and those with a runtime of their own (provided.al2023), only"
        reasons.append(f"{stack.function.runtime}: `harness up --runtime host` runs {what}")
    if stack.mapping.by == BY_HARNESS:
        reasons += filters.unsupported(stack.mapping)
    return reasons


def _on_aws(stack: Stack, faults: Sequence[Fault], target: Target) -> list[str]:
    reasons = unsupported_on_aws(stack.mapping, faults)
    reasons += unsupported_without_agent(stack.function, stack.mapping, faults)
    if stack.function.role_id is None:
        reasons.append("the function's role is not in the template, and must be allowed to use the control table")
    if stack.endpoints:
        reasons.append("endpoints: the harness serves them on this machine, which functions on AWS do not reach")
    if stack.mapping.by == BY_HARNESS:
        reasons += filters.unsupported(stack.mapping)
    return reasons


_BY_PLATFORM = {EMBEDDED: _on_embedded, LOCALSTACK: _on_localstack, AWS: _on_aws}


def unsupported_on_localstack(stack: Stack, faults: Sequence[Fault]) -> list[str]:
    """What LocalStack's own mapping does not do, and which faults cannot act there."""
    if stack.mapping.by == BY_HARNESS:
        return [reason for fault in faults for reason in _custom_fault_reasons(fault)]
    of_table = _table_reasons(stack.mapping) if stack.of(Table, SOURCE) else ()
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
    if platform != EMBEDDED:
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
