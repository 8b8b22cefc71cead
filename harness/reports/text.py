"""Reports for people: the lines of a finding, and the table of all runs. Pure."""

from __future__ import annotations

import io
import re
import shlex
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.errors import one_line, printable
from harness.history import INVOKE, Operation, Value
from harness.verdict import ANOMALIES, PARTIES, VALID, VERDICTS, Anomaly, RunResult, Verdict

WIDTH = 120  # at most; most tables are narrower
LEAST = ("records", "deliveries", "executions", "intents")  # columns that a narrow table can do without


def tables(results: Sequence[RunResult], width: int = WIDTH) -> str:
    """One table for each scenario, under its question."""
    by_scenario: dict[tuple[str, str], list[RunResult]] = {}
    for result in results:
        by_scenario.setdefault((result.scenario, result.question), []).append(result)
    return "\n".join(
        f"{one_line(f'{scenario}: {question.strip()}')}\n\n{plain(_fitting(runs, width), width)}{differences(runs)}"
        for (scenario, question), runs in by_scenario.items()
    )


def differences(results: Sequence[RunResult]) -> str:
    """The variants with a known difference on this platform, each with the reason."""
    reasons = {(run.variant, run.where): run.difference for run in results if run.difference}
    lines = (f"  {variant} differs on {platform}: {why.strip()}" for (variant, platform), why in reasons.items())
    return "".join(f"{one_line(line)}\n" for line in lines)


def _fitting(runs: Sequence[RunResult], width: int) -> Table:
    """The table, without the columns that matter least where it would be too wide."""
    console = Console(file=io.StringIO(), width=10 * width)
    grids = (table(runs, LEAST[:count]) for count in range(len(LEAST) + 1))
    return next((grid for grid in grids if console.measure(grid).maximum <= width), table(runs, LEAST))


def table(results: Sequence[RunResult], without: Sequence[str] = ()) -> Table:
    """A row for each variant. Where it ran with several seeds, a number is the span from the least to the most."""
    grid = Table(box=None, padding=(0, 2, 0, 0))
    groups = _groups(results)
    several = len(groups) < len(results)
    observed = all("deliveries" in run.verdict.counts for run in results)
    counts = ("intents", "records", "deliveries" if observed else "executions", "effects")
    counted = tuple(count for count in counts if count not in without)
    grid.add_column("variant", overflow="fold")
    for key in ("runs",) * several + counted:
        grid.add_column(key, justify="right", no_wrap=True)
    for key in ("anomalies", "verdict", "expected", "blame"):
        grid.add_column(key, no_wrap=True)
    for name, runs in groups.items():
        grid.add_row(
            Text(one_line(name)),
            *([str(len(runs))] if several else []),
            *(_span(run.verdict.counts.get(key, 0) for run in runs) for key in counted),
            _kinds(runs),
            _verdicts(runs),
            _met(runs),
            "\n".join(
                party for party in PARTIES if any(party == a.blame for run in runs for a in run.verdict.anomalies)
            ),
        )
    return grid


def plain(grid: Table, width: int = WIDTH) -> str:
    """The table as text, without colours."""
    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        console.print(grid)
    return "\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n"


def _groups(results: Sequence[RunResult]) -> dict[str, list[RunResult]]:
    """The runs by variant; and by platform, where there are several."""
    platforms = len({result.where for result in results}) > 1
    groups: dict[str, list[RunResult]] = {}
    for result in results:
        name = f"{result.variant} on {result.where}" if platforms else result.variant
        groups.setdefault(name, []).append(result)
    return groups


def _span(counts: Iterable[int]) -> str:
    numbers = sorted(counts)
    return str(numbers[0]) if numbers[0] == numbers[-1] else f"{numbers[0]}…{numbers[-1]}"


def _kinds(runs: Sequence[RunResult]) -> str:
    kinds = dict.fromkeys((*ANOMALIES, *(anomaly.kind for run in runs for anomaly in run.verdict.anomalies)))
    counts = {kind: [run.verdict.counts.get(kind, 0) for run in runs] for kind in kinds}
    return "\n".join(f"{_span(each)} {kind}" for kind, each in counts.items() if any(each))


def _verdicts(runs: Sequence[RunResult]) -> str:
    counts = Counter(run.verdict.verdict for run in runs)
    if len(counts) == 1:
        return next(iter(counts))
    return "\n".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])


def _met(runs: Sequence[RunResult]) -> str:
    met = sum(run.expectation_met for run in runs)
    if met == len(runs):
        return "differs" if any(run.difference for run in runs) else "yes"
    return "NO" if len(runs) == 1 else f"NO ({met} of {len(runs)})"


MAX_CAUSES = 3
MAX_UNEXPECTED = 10  # runs whose expectation was not met, each shown with its finding
MAX_LINES = 12
_LAST_LINES = 5  # of MAX_LINES: the effects come at the end
MAX_NAMES = 3
# What differs between two anomalies of one cause: numbers of operations, processes, attempts, and intents.
_NUMBERS = re.compile(r"#\d+|\b[a-z]+/\d+\b|\b\d+\b")
# Reads the history of a run, to quote from it; a run whose history is gone gives none.
HistoryOf = Callable[[RunResult], Sequence[Operation]]


def render(results: Sequence[RunResult], history_of: HistoryOf, width: int | None = None) -> str:
    """The findings that must be read, then the tables of all runs. width: of the terminal, where there is one."""
    shown, same = _to_show(results)
    parts = [finding(result, history_of(result), width, same.get(index, ())) for index, result in enumerate(shown)]
    told = len(shown) + sum(map(len, same.values()))
    more = sum(result.verdict.verdict != VALID or not result.expectation_met for result in results) - told
    if more > 0:
        parts.append(f"{more} more findings are in report.txt of their run folders\n")
    return printable("\n".join((*parts, tables(results, width or WIDTH))))


def _to_show(results: Sequence[RunResult]) -> tuple[list[RunResult], dict[int, list[str]]]:
    """The unexpected runs, and of each variant the first run that is not valid: the others repeat it.

    Of several variants that end as expected by the same causes the first: the names of the others, by its position.
    """
    shown: dict[tuple[str, ...], RunResult] = {}
    same: dict[tuple[str, ...], list[str]] = {}
    unexpected = 0
    for result in results:
        if result.verdict.verdict == VALID and result.expectation_met:
            continue
        unexpected += not result.expectation_met
        seed = result.seed if not result.expectation_met and unexpected <= MAX_UNEXPECTED else 0
        causes = sorted({_cause(anomaly) for anomaly in result.verdict.anomalies}) if result.expectation_met else ()
        which = causes or (result.variant, str(seed), str(result.expectation_met))
        key = (result.scenario, result.where, *which)
        first = shown.setdefault(key, result)
        if first.variant != result.variant and result.variant not in same.setdefault(key, []):
            same[key].append(result.variant)
    return list(shown.values()), {position: same[key] for position, key in enumerate(shown) if key in same}


def finding(
    result: RunResult, operations: Sequence[Operation], width: int | None = None, same_in: Sequence[str] = ()
) -> str:
    """One run: its verdict, up to three causes with the operations that prove them, and how to judge it again.

    same_in: other variants with the same causes.
    """
    verdict = result.verdict
    name = f"{result.scenario} / {result.variant}" if result.variant else result.scenario
    lines = [
        f"{verdict.verdict.upper():<8} {name}   seed {result.seed}   {result.where}   {result.wall_seconds:.2f} s",
        *_causes(verdict, operations, same_in),
        *_remarks(result, operations),
    ]
    lines = [one_line(each.rstrip("\n")) for each in lines]
    if width:
        lines = [part for each in lines for part in _wrapped(each, width)]
    if result.again:
        lines.append(one_line(f"  run again     {result.again}"))
    if result.run_folder:
        lines.append(one_line(f"  judge again   python -m harness check {shlex.quote(str(result.run_folder))}"))
    return "\n".join(lines) + "\n"


def _causes(verdict: Verdict, operations: Sequence[Operation], same_in: Sequence[str]) -> Iterator[str]:
    reference = verdict.reference
    if reference and reference["verdict"] != VALID:
        yield f"  without its faults it is {reference['verdict']} already: {reference['why']}"
    causes: dict[str, list[Anomaly]] = {}
    for anomaly in verdict.anomalies:
        causes.setdefault(_cause(anomaly), []).append(anomaly)
    for anomalies in list(causes.values())[:MAX_CAUSES]:
        yield from _anomalies(anomalies, operations)
    rest = Counter(anomaly.kind for anomalies in list(causes.values())[MAX_CAUSES:] for anomaly in anomalies)
    if rest:
        yield "  and " + ", ".join(f"{count} more {kind}" for kind, count in rest.items()) + " of other causes"
    if same_in:
        count = f"{len(same_in)} more variant{'s' if len(same_in) > 1 else ''}"
        yield f"  the same in {count}: {names(list(same_in))}"


def _remarks(result: RunResult, operations: Sequence[Operation]) -> Iterator[str]:
    verdict, reference = result.verdict, result.verdict.reference
    for reason in verdict.reasons:
        yield f"  unknown: {reason}"
    if result.difference:
        yield f"  known to differ on {result.where}: {result.difference}"
    if left_out := verdict.counts.get("left_out"):
        yield f"  left out      {left_out} of {verdict.counts['intents']} changes, as pipeline.leaves_out allows"
    if verdict.verdict == VALID and (withstood := _withstood(operations)):
        yield f"  withstood     {withstood}"
    if not result.expectation_met:
        yield f"  {result.expectation_reason.removesuffix(': ' + '; '.join(verdict.reasons))}"
    if reference and reference["platform"] != result.platform:
        yield f"  compared with the same run without its faults, on {reference['platform']}"


def _cause(anomaly: Anomaly) -> str:
    """What anomalies of one cause have in common."""
    why = anomaly.why.replace(anomaly.subject, "…") if anomaly.subject else anomaly.why
    return f"{anomaly.kind} {anomaly.blame} {_NUMBERS.sub('…', why)}"


def _anomalies(anomalies: Sequence[Anomaly], operations: Sequence[Operation]) -> list[str]:
    """Those of one cause: the cause, who is to blame, and the first one with what proves it."""
    first = anomalies[0]
    more = f" (and {len(anomalies) - 1} more: {names([a.subject for a in anomalies[1:]])})" if anomalies[1:] else ""
    return [
        f"  {first.kind}: {first.why}",
        f"      blame: {first.blame}",
        f"      {first.summary}{more}",
        *_proof(first, operations),
    ]


def _proof(anomaly: Anomaly, operations: Sequence[Operation]) -> list[str]:
    proof = _without_beginnings([operations[index] for index in anomaly.operations if index < len(operations)])
    logical_ids = _logical_ids(operations)
    lines = [f"      {line(operation, logical_ids)}" for operation in proof]
    if len(lines) > MAX_LINES:
        more = f"      …      {len(lines) - MAX_LINES} more"
        lines = [*lines[: MAX_LINES - _LAST_LINES], more, *lines[-_LAST_LINES:]]
    return lines


def _without_beginnings(proof: list[Operation]) -> list[Operation]:
    """Leaves out each `invoke` whose end is shown too: the end says the same, and the outcome."""
    names = [(operation.process, operation.f, operation.value.get("attempt")) for operation in proof]
    ended = {name for name, operation in zip(names, proof, strict=True) if operation.type != INVOKE}
    pairs = zip(names, proof, strict=True)
    return [operation for name, operation in pairs if operation.type != INVOKE or name not in ended]


def _logical_ids(operations: Sequence[Operation]) -> dict[str, str]:
    """The template's name of each resource, by the name that calls have for it. A run begins with saying them."""
    deployed = next((operation.value for operation in operations if operation.process == "harness"), {})
    names: dict[str, str] = deployed.get("names", {})
    return names


def _withstood(operations: Sequence[Operation]) -> str:
    """Which fault fired where, and how often."""
    places = Counter(
        f"{operation.f} at {' '.join(operation.value['point'].split(' ')[:3])}"
        for operation in operations
        if operation.role == "nemesis"
    )
    return ", ".join(f"{place} ({count} times)" if count > 1 else place for place, count in places.items())


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of at most so many characters, broken between words, the later ones indented."""
    indent = " " * (len(text) - len(text.lstrip()) + 4)
    wrapper = textwrap.TextWrapper(width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return wrapper.wrap(text)


def line(operation: Operation, logical_ids: Mapping[str, str] = MappingProxyType({})) -> str:
    """`#118 writer/1       invoke put todo-4/1`, and the error, if it has one. Resources have their logical ids."""
    if "table" in operation.value:
        targets = ",".join(logical_ids.get(name, name) for name in operation.value["table"].split(","))
        operation = replace(operation, value={**operation.value, "table": targets})
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
