"""A trial: a template's stream functions with made-up items, without faults and then with each of a short list.

What the pipeline does when nothing goes wrong is what it must do when something does: no annotation is needed.

    items ─► probe, until the handler takes them ─► three references ─► masks
          ─► one run for each place ─► its contents compared with the reference's
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.errors import NotImitated, UserError
from harness.history import FAIL, INFO, INVOKE, Operation
from harness.jobs import Job
from harness.pipeline.resources import Table
from harness.pipeline.stack import LEDGER, ON_FAILURE, SOURCE, STATE, Attribution, Stack
from harness.pipeline.template import read as read_template
from harness.platforms.target import EMBEDDED_TARGET, unsupported
from harness.reports.progress import Progress
from harness.runner import run_unkept
from harness.scenario.load import load_values
from harness.trying.comparison import (
    DIFFERENT,
    SAME,
    WORST_FIRST,
    Contents,
    Masks,
    SinkDifference,
    contents_of,
    differences,
    kinds,
    learn,
    without_note,
)
from harness.trying.plan import READS, FaultPlace, MadeUp, is_write, places, target_of
from harness.verdict import UNKNOWN, RunResult
from harness.workload.client import CHANGED_NOTE
from harness.workload.items import Change

MOST_PROBES = 12
SEEDS = (0, 1, 2)  # of the runs without faults; the last begins a day later, so that times differ
_LATER_SECONDS = 90_061.0
_PAUSE_SECONDS = 300.0  # before items are changed again: the pipeline is done with the first change by then
_OPERATION = {"process": "writer", "call": "operation"}
_UNREADABLE = Attribution("harness_reads_whole_rows", "harness_reads_whole_rows")  # no row names an intent so
_PUT, _PUT_THEN_DELETE, _UPDATE = "put", "put_then_delete", "update_set"
_TOLD_EVERY = 10  # runs, where there is no terminal
_REPLACING = ("dynamodb.PutItem", "dynamodb.BatchWriteItem", "dynamodb.DeleteItem")
_REPORTED = "Reported: "
_CONDITION_FAILED = "ConditionalCheckFailedException"


@dataclass(frozen=True, slots=True)
class TriedJob(Job):
    """A job with changes of its own, which the trial itself compares."""

    work: tuple[Change, ...] = ()

    @property
    def is_compared(self) -> bool:
        return False

    def changes(self) -> list[list[Change]]:
        return [list(self.work)]


@dataclass(frozen=True)
class Outcome:
    """What became of a fault. kind: of comparison, or unknown. differences: by sink. why: where it is unknown.

    operations: the history. changes: what the writer did. reference: what the sinks hold without the fault.
    """

    place: FaultPlace
    writer: str
    kind: str
    differences: Mapping[str, SinkDifference] = field(default_factory=dict)
    why: str = ""
    operations: Sequence[Operation] = ()
    changes: Sequence[Change] = ()
    reference: Contents = field(default_factory=dict)


@dataclass(frozen=True)
class Trial:
    """What a trial of one function has shown. items: in words. sinks: how many rows each has without faults.

    masked: what is not compared. unknown: why there are no outcomes, or fewer. parameters, code: as they were given.
    """

    stack: Stack
    parameters: Mapping[str, str]
    code: Path | None
    items: str
    sinks: Mapping[str, int]
    masked: Sequence[str]
    unknown: Sequence[str]
    outcomes: Sequence[Outcome]

    @property
    def worst(self) -> Outcome | None:
        """The finding that matters most: what is lost first, and what the pipeline does by itself before its writer."""
        found = [each for each in self.outcomes if each.kind in WORST_FIRST]
        order = ("function", "mapping", "writer")
        return min(found, key=lambda each: (WORST_FIRST.index(each.kind), order.index(each.place.party)), default=None)


class Player:
    """Tries one function. parameters: of the template. data: items of the user's own. code: the function's folder.

    Raises UserError, NotImitated.
    """

    def __init__(
        self,
        template: Path,
        function: str | None,
        parameters: Mapping[str, str],
        data: Sequence[Mapping[str, Any]] | None = None,
        code: Path | None = None,
    ) -> None:
        self._template = template
        self._parameters = parameters
        self._code = code
        stack = read_template(template, "try", logical_id=function, parameters=parameters, code=code)
        self.stack = _all_read(stack)
        if reasons := unsupported(self.stack, (), EMBEDDED_TARGET):
            raise UserError("\n".join(reasons))
        self._items = MadeUp(self.stack, data)

    def play(self) -> Trial:
        """All runs, with their progress on standard error."""
        try:
            error = self.probe()
        except NotImitated as refusal:
            error = f"the function does what is not imitated: {refusal}"
        if error:
            return self._trial({}, Masks(), [error], [])
        writers = [_PUT]
        if isinstance(self.stack.source, Table) and "REMOVE" in self._items.reads.names:
            writers.append(_PUT_THEN_DELETE)
        unknown: list[str] = []
        outcomes: list[Outcome] = []
        sinks: dict[str, int] = {}
        all_masks = Masks()
        for writer in writers:
            act = _Act(self, writer)
            if act.writes_back and writer == _PUT:  # a PUT would take away what the function has added to an item
                act = _Act(self, _UPDATE)
            unknown += [f"{sink}: {why}" for sink, why in act.masks.unknown.items()]
            all_masks.whole.update(act.masks.whole)
            all_masks.partly.update(act.masks.partly)
            sinks |= {sink: max(len(rows), sinks.get(sink, 0)) for sink, rows in act.reference.items()}
            if act.writes and not set(act.reference) <= set(act.masks.unknown):
                outcomes += act.play()
        if not outcomes and not unknown:
            unknown.append("the function wrote nothing that can be read back: there is nothing to compare")
        return self._trial(sinks, all_masks, unknown, outcomes)

    def _trial(
        self, sinks: Mapping[str, int], masks: Masks, unknown: Sequence[str], outcomes: Sequence[Outcome]
    ) -> Trial:
        paths = ((sink, path) for each in (masks.whole, masks.partly) for sink in each for path in each[sink])
        masked = sorted(f"{sink}.{path}" for sink, path in paths)
        told = [*dict.fromkeys(unknown)]
        return Trial(self.stack, self._parameters, self._code, self._items.told, sinks, masked, told, outcomes)

    def probe(self) -> str:
        """Why the handler does not take the items, or "" once it does."""
        error = ""
        for _ in range(MOST_PROBES):
            mapping = replace(self.stack.mapping, maximum_retry_attempts=0)
            _, operations = self.run(_PUT, (), 0, stack=replace(self.stack, mapping=mapping))
            executions = [operation for operation in operations if operation.f == "execute"]
            if not executions:
                return "no record reached the function: its filters let none of these items through"
            error = next((str(each.error) for each in executions if each.type in (FAIL, INFO)), "")
            reported = any(each.value.get("reported") for each in executions)
            if not error and not reported:
                return ""
            if not self._items.learn(error or _REPORTED):
                break
        error = error or "its answer reports records as failed"
        if error.startswith(("ModuleNotFoundError", "ImportError", "Runtime.ImportModuleError")):
            file = "package.json" if error.startswith("Runtime.") else "requirements.txt"
            return f"the handler cannot be imported: {error}. Name what it needs in a {file} beside its code"
        way = "Give items that it takes: --data FILE"
        return f"the handler fails on these items when nothing goes wrong: {error}. {way}"

    def changes(self, writer: str) -> tuple[Change, ...]:
        """What the writer does. An item that is deleted at once is written once."""
        return tuple(each for each in self._items.changes() if writer != _PUT_THEN_DELETE or each.number == 1)

    def run(
        self, writer: str, faults: Sequence[Mapping[str, Any]], seed: int, stack: Stack | None = None
    ) -> tuple[RunResult, Sequence[Operation]]:
        work = self.changes(writer)
        rounds = [number for number, change in enumerate(work, 1) if number > 1 and change.item == work[0].item]
        pauses = [{"delay": {**_OPERATION, "nth": rounds, "seconds": _PAUSE_SECONDS}}] if rounds else []
        document = {
            "scenario": "try",
            "question": "Is it the same as without the fault?",
            "pipeline": {"template": str(self._template)},
            "workload": {"writer": writer, "intents": len(work)},
            "faults": [*faults, *pauses],
            "limits": {"drive": "30d"},
            "expect": "valid",
        }
        (variant,) = load_values(document).variants
        return run_unkept(TriedJob(variant, seed, EMBEDDED_TARGET, stack or self.stack, None, work=work))


class _Act:
    """All runs with one writer."""

    def __init__(self, player: Player, writer: str) -> None:
        self._player = player
        self._writer = writer
        self._stack = player.stack
        later = {"delay": {**_OPERATION, "nth": 1, "seconds": _LATER_SECONDS}}
        runs = [player.run(writer, [later] if seed == SEEDS[-1] else [], seed) for seed in SEEDS]
        self._operations = runs[0][1]
        names = {each.name: each.logical_id for each in self._stack.resources}
        calls = [each for each in self._operations if each.role == "function" and each.type == INVOKE and "." in each.f]
        self.writes = {target_of(call, names) for call in calls if is_write(call.f)}
        self._read = {target_of(call, names) for call in calls if READS.search(call.f)}
        replaced = {target_of(call, names) for call in calls if call.f in _REPLACING}
        counted = {target_of(call, names) for call in calls if is_write(call.f) and call.f not in _REPLACING}
        self._counting = counted | (replaced & self._read)  # where a number is made of the one that was there
        source = self._stack.source.logical_id
        self._source = source if source in self.writes else None
        references = [contents_of(operations, self._source) for _, operations in runs]
        self.reference = references[0]
        self.masks = learn(references)
        tables = (each for each in self._stack.resources if isinstance(each, Table))
        self._keys = {table.logical_id: table.key_names for table in tables}

    @property
    def writes_back(self) -> bool:
        """Whether the function writes into the table whose changes it gets."""
        return self._source is not None

    def play(self) -> list[Outcome]:
        chosen = places(self._operations, self._stack, "UpdateItem" if self._writer == _UPDATE else "PutItem")
        outcomes = []
        with Progress(len(chosen), every=_TOLD_EVERY) as progress:
            for place in chosen:
                outcomes.append(self._played(place))
                progress.end(f"{place.fault} {place.where}: {outcomes[-1].kind}")
        return outcomes

    def _played(self, place: FaultPlace) -> Outcome:
        try:
            result, operations = self._player.run(self._writer, [place.entry], 0)
        except NotImitated as error:
            return Outcome(place, self._writer, UNKNOWN, why=f"not imitated: {error}")
        if busy := _still_busy(operations):
            return Outcome(place, self._writer, UNKNOWN, why=busy, operations=operations)
        if not result.faults[0]["fired"]:
            return Outcome(place, self._writer, UNKNOWN, why="it never came to that", operations=operations)
        contents, reference = contents_of(operations, self._source), self.reference
        if place.is_again:
            contents, reference = (without_note(each, CHANGED_NOTE) for each in (contents, reference))
        found = differences(reference, contents, self.masks, self._keys)
        memory = self._memory(operations)
        by_kind: dict[str, str] = {}
        for sink, difference in list(found.items()):
            rows = self.masks.rows(sink, reference)
            of_sink = kinds(difference, rows, self._keys.get(sink, ()), sink in self._counting)
            if sink in memory:
                found[sink] = difference = SinkDifference([], [], difference.changed)
                of_sink = kinds(difference, rows, (), sink in self._counting) - {DIFFERENT}
            if not of_sink:
                del found[sink]
            by_kind |= dict.fromkeys(of_sink, sink)
        kind = next((kind for kind in WORST_FIRST if kind in by_kind), SAME)
        changes = self._player.changes(self._writer)
        return Outcome(place, self._writer, kind, found, "", operations, changes, self.reference)

    def _memory(self, operations: Sequence[Operation]) -> set[str]:
        """The tables by which the function remembers what it has done, beside those in which effects land.

        Their rows are no effects; but what they count is compared.
        """
        names = {each.name: each.logical_id for each in self._stack.resources}
        guards = {target_of(each, names) for each in operations if each.error == _CONDITION_FAILED}
        memory = self._read | {guard for guard in guards if guard}
        return memory if self.writes - memory else set()


def _all_read(stack: Stack) -> Stack:
    """The stack with everything that may be a sink as one whose rows are read whole."""

    def role(each: Any) -> Any:
        is_sink = each.role not in (SOURCE, ON_FAILURE, STATE)
        return replace(each, role=LEDGER) if is_sink else each

    return replace(
        stack,
        tables=tuple(map(role, stack.tables)),
        queues=tuple(map(role, stack.queues)),
        buckets=tuple(map(role, stack.buckets)),
        topics=tuple(map(role, stack.topics)),
        sends_elsewhere=True,
        attributions={each.logical_id: _UNREADABLE for each in stack.resources},
    )


def _still_busy(operations: Sequence[Operation]) -> str:
    """Why a run did not come to its end."""
    drained = [each.value for each in operations if each.f == "phase" and each.value["phase"] == "drain"]
    quiet = any(each.get("quiet") for each in drained)
    lost = next((each.error for each in operations if each.f == "lost"), None)
    return str(lost) if lost else "" if quiet else str(drained[-1].get("reason", "")) if drained else "it did not end"
