"""The report for people: what was found, what proves it, and the way back to it."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Sequence

from harness.history import INVOKE, Operation, Value
from harness.reports.run_result import RunResult
from harness.reports.table import tables
from harness.verdict import VALID, Anomaly

MAX_ANOMALIES = 3
MAX_UNEXPECTED = 10  # runs whose expectation was not met, each shown with its finding
MAX_LINES = 12
_LAST_LINES = 5  # of MAX_LINES: the effects come at the end
MAX_NAMES = 3
# Reads the history of a run, to quote from it; a run whose history is gone gives none.
HistoryOf = Callable[[RunResult], Sequence[Operation]]


def render(results: Sequence[RunResult], history_of: HistoryOf) -> str:
    """The findings that must be read, then the tables of all runs."""
    shown = _to_show(results)
    parts = [finding(result, history_of(result)) for result in shown]
    more = sum(result.verdict.verdict != VALID or not result.expectation_met for result in results) - len(shown)
    if more:
        parts.append(f"{more} more findings are in report.txt of their run folders\n")
    return "\n".join((*parts, tables(results)))


def _to_show(results: Sequence[RunResult]) -> list[RunResult]:
    """The unexpected runs, and of each variant the first run that is not valid: the others repeat it."""
    shown: dict[tuple[str, str, str, bool], RunResult] = {}
    unexpected = 0
    for result in results:
        if result.verdict.verdict == VALID and result.expectation_met:
            continue
        unexpected += not result.expectation_met
        seed = result.seed if not result.expectation_met and unexpected <= MAX_UNEXPECTED else 0
        shown.setdefault((result.scenario, result.variant, f"{result.where} {seed}", result.expectation_met), result)
    return list(shown.values())


def finding(result: RunResult, operations: Sequence[Operation]) -> str:
    """One run: its verdict, up to three anomalies with the operations that prove them, and how to judge it again."""
    verdict = result.verdict
    name = f"{result.scenario} / {result.variant}" if result.variant else result.scenario
    lines = [f"{verdict.verdict.upper():<8} {name}   seed {result.seed}   {result.where}   {result.wall_seconds:.2f} s"]
    reference = verdict.reference
    if reference and reference["verdict"] != VALID:
        lines.append(f"  without its faults it is {reference['verdict']} already: {reference['why']}")
    for anomaly in verdict.anomalies[:MAX_ANOMALIES]:
        lines += _anomaly(anomaly, operations)
    if len(verdict.anomalies) > MAX_ANOMALIES:
        rest = Counter(anomaly.kind for anomaly in verdict.anomalies[MAX_ANOMALIES:])
        lines.append("  and " + ", ".join(f"{count} more {kind}" for kind, count in rest.items()))
    lines += [f"  unknown: {reason}" for reason in verdict.reasons]
    if result.difference:
        lines.append(f"  known to differ on {result.where}: {result.difference}")
    if not result.expectation_met:
        lines.append(f"  {result.expectation_reason}")
    if reference and reference["platform"] != result.platform:
        lines.append(f"  compared with the same run without its faults, on {reference['platform']}")
    if result.again:
        lines.append(f"  run again     {result.again}")
    if result.run_folder:
        lines.append(f"  judge again   python -m harness check {shlex.quote(str(result.run_folder))}")
    return "\n".join(lines) + "\n"


def _anomaly(anomaly: Anomaly, operations: Sequence[Operation]) -> list[str]:
    proof = [operations[index] for index in anomaly.operations if index < len(operations)]
    if len(proof) > MAX_LINES:
        proof = _without_beginnings(proof)
    lines = [f"      {line(operation)}" for operation in proof]
    if len(lines) > MAX_LINES:
        more = f"      …      {len(lines) - MAX_LINES} more"
        lines = [*lines[: MAX_LINES - _LAST_LINES], more, *lines[-_LAST_LINES:]]
    return [
        f"  {anomaly.kind}: {anomaly.summary}",
        *lines,
        f"      why: {anomaly.why} (blame: {anomaly.blame})",
    ]


def _without_beginnings(proof: list[Operation]) -> list[Operation]:
    """Leaves out each `invoke` whose end is shown too: the end says the same, and the outcome."""
    names = [(operation.process, operation.f, operation.value.get("attempt")) for operation in proof]
    ended = {name for name, operation in zip(names, proof, strict=True) if operation.type != INVOKE}
    pairs = zip(names, proof, strict=True)
    return [operation for name, operation in pairs if operation.type != INVOKE or name not in ended]


def line(operation: Operation) -> str:
    """`#118 writer/1       invoke put todo-4/1`, and the error, if it has one."""
    description = _DESCRIBE.get(operation.role, _other)(operation)
    error = f"   {operation.error}" if operation.error else ""
    return f"#{operation.index:<5} {operation.process:<14} {operation.type:<6} {description}{error}"


def names(values: list[str]) -> str:
    """The first few, and how many more."""
    more = f" +{len(values) - MAX_NAMES}" if len(values) > MAX_NAMES else ""
    return " ".join(values[:MAX_NAMES]) + more


def _writer(operation: Operation) -> str:
    value = operation.value
    if "." in operation.f:
        return _call(operation)
    copy = f" (copy {value['copy']})" if value.get("copy") else ""
    return f"{operation.f} {value.get('intent', '')}{copy}"


def _call(operation: Operation) -> str:
    value = operation.value
    attempt = f" attempt {value['attempt']}" if value["attempt"] > 1 else ""
    return f"{operation.f} {value['table']} {names(value['intents'])}{attempt}"


def _function(operation: Operation) -> str:
    if "." in operation.f:
        return _call(operation)
    cold = " (cold start)" if operation.value.get("cold") and operation.type == "invoke" else ""
    return f"{operation.f} {names(operation.value['intents'])}{cold}"


def _dispatcher(operation: Operation) -> str:
    value = operation.value
    detail = value.get("outcome") or value.get("reason") or ""
    return f"{operation.f} {names(value['intents'])} {detail}".rstrip()


def _nemesis(operation: Operation) -> str:
    return f"{operation.f} at {operation.value['point']}"


def _observer(operation: Operation) -> str:
    return f"{operation.f} {_OBSERVED[operation.f](operation.value)}"


def _effect(value: Value) -> str:
    count = f" ×{value['count']}" if value["count"] != 1 else ""
    return f"of {value['intent'] or 'no intent'} in {value['sink']}{count}"


def _platform(operation: Operation) -> str:
    value = operation.value
    seconds = f" for {value['seconds']:g} s" if value.get("seconds") else ""
    process = f" of {value['process']}" if value.get("process") else ""
    return f"{operation.f}{process}{seconds}"


def _other(operation: Operation) -> str:
    return f"{operation.f} {operation.value.get('phase', '')}".rstrip()


_OBSERVED: dict[str, Callable[[Value], str]] = {
    "gone": lambda value: value["resource"],
    "record": lambda value: f"{value['event_name']} {value['intent']} at {value['sequence_number']}",
    "effect": _effect,
    "state": lambda value: f"of {value['item']} in the {value['role']}: {value['intent'] or 'nothing'}",
    "dead_letter": lambda value: f"{value['condition']} {value['start']}…{value['end']}",
}
_DESCRIBE = {
    "writer": _writer,
    "function": _function,
    "dispatcher": _dispatcher,
    "nemesis": _nemesis,
    "observer": _observer,
    "platform": _platform,
}
