"""What a trial has found: in words, with a table of the faults, and as a scenario that plays the finding again."""

from __future__ import annotations

import io
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from rich.console import Console
from rich.table import Table as Grid

from harness.errors import Problem, UserError, one_line, shown
from harness.history import INVOKE
from harness.jobs import jobs_of
from harness.pipeline.resources import DataStream
from harness.pipeline.stack import item_as_json
from harness.reports import ExitCode
from harness.runner import run_unkept
from harness.trying import Outcome, Trial
from harness.trying.comparison import DIFFERENT, DUPLICATED, LOST, SAME, WORST_FIRST, SinkDifference, leaves
from harness.verdict import UNKNOWN
from harness.workload.items import Change

_WIDTH = 140
_MOST_ROWS = 3
_THEN = {
    LOST: "what is missing then never comes",
    DUPLICATED: "what was done already is then done again",
    DIFFERENT: "something else is left then",
}
_WORDS = {
    "crash": "the function dies, and its batch comes again",
    "timeout": "the function hangs until its timeout ends it, and its batch comes again",
    "lose_reply": "the request was carried out, but the SDK does not get to know it and sends it again",
    "leave_unprocessed": "AWS carries out a part of the request, and returns the rest",
    "refuse": "AWS answers with an error, and carries nothing out",
    "function_error": "the handler raises at its end, and its batch comes again",
    "partial_failure": "the answer reports records as failed, and they come again",
    "redeliver": "the mapping delivers a batch again although nothing failed, as it may",
    "duplicate_put": "the writer makes its change twice",
}


def text(trial: Trial) -> str:
    """The report of one function."""
    lines = [_heading(trial), f"  {trial.items}"]
    if trial.sinks:
        sinks = ", ".join(f"{sink} ({count})" for sink, count in trial.sinks.items())
        lines.append(f"  without faults: {sinks}")
    if accepted := sorted(sink for sink in trial.sinks if "." in sink):
        lines.append(f"  accepted without being imitated, and compared by what was sent: {', '.join(accepted)}")
    if trial.masked:
        lines.append(f"  not compared, as it differs from run to run: {', '.join(trial.masked)}")
    for noted in trial.stack.noted:
        lines.append(f"  noted: {noted}")
    lines = [one_line(line) for line in lines]
    if trial.outcomes:
        lines += ["", _table(trial.outcomes)]
    for reason in trial.unknown:
        lines.append(f"UNKNOWN  {one_line(reason)}")
    if worst := trial.worst:
        lines += [one_line(line) for line in _finding(worst, trial)]
    elif trial.outcomes and not trial.unknown:
        lines.append("NOTHING FOUND  with each of these faults the pipeline leaves what it leaves without them")
    return "\n".join(lines) + "\n"


def exit_code(trials: Sequence[Trial]) -> ExitCode:
    """Violated where something was found, else not known where anything is unknown."""
    if any(trial.worst for trial in trials):
        return ExitCode.VIOLATED
    unknown = any(trial.unknown or _unknown(trial.outcomes) for trial in trials)
    return ExitCode.NOT_KNOWN if unknown or not trials else ExitCode.MET


def _unknown(outcomes: Sequence[Outcome]) -> bool:
    return any(each.kind == UNKNOWN for each in outcomes)


def _heading(trial: Trial) -> str:
    stack = trial.stack
    return f"{stack.source.logical_id} -> {stack.function.logical_id} ({stack.function.handler})"


def _table(outcomes: Sequence[Outcome]) -> str:
    """One row for each fault and target: how many places there are, and what became of how many."""
    rows: dict[tuple[str, str], list[str]] = {}
    for each in outcomes:
        rows.setdefault((f"{each.place.fault} {each.place.where}", each.writer), []).append(_word(each))
    several = len({writer for _, writer in rows}) > 1
    grid = Grid(box=None, padding=(0, 2, 0, 0))
    for name in ("fault", *(["writer"] if several else []), "places"):
        grid.add_column(name, justify="right" if name == "places" else "left")
    grid.add_column("outcome")
    for (fault, writer), words in rows.items():
        counts = Counter(words)
        outcome = words[0] if len(counts) == 1 else ", ".join(f"{counts[word]} {word}" for word in counts)
        grid.add_row(one_line(fault), *([writer] if several else []), str(len(words)), outcome)
    console = Console(file=io.StringIO(), width=_WIDTH, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        console.print(grid)
    return "\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n"


def _word(outcome: Outcome) -> str:
    return "same as without it" if outcome.kind == SAME else outcome.kind


def _finding(outcome: Outcome, trial: Trial) -> list[str]:
    place = outcome.place
    word = next(iter(place.entry))
    deliveries = sum(1 for each in outcome.operations if each.f == "deliver" and each.type == INVOKE)
    discards = [each.value["reason"] for each in outcome.operations if each.f == "discard"]
    lines = [f"{outcome.kind.upper()}  {place.fault} {place.where}: {_WORDS[word]}; {_THEN[outcome.kind]}"]
    lines.append(f"    writer {outcome.writer}, {deliveries} deliveries")
    if discards:
        lines.append(f"    the mapping discarded records: {', '.join(dict.fromkeys(discards))}")
    for sink, difference in outcome.differences.items():
        lines += [f"    {line}" for line in _of_sink(sink, difference)]
    others = Counter(each.kind for each in trial.outcomes if each.kind in WORST_FIRST)
    counted = ", ".join(f"{others[kind]} {kind}" for kind in WORST_FIRST if others[kind])
    lines.append(f"    in all: {counted}, of {len(trial.outcomes)} places")
    return lines


def _of_sink(sink: str, difference: SinkDifference) -> list[str]:
    said = []
    for rows, how in ((difference.fewer, "missing"), (difference.more, "there in addition")):
        if rows:
            said.append(f"{sink}: {len(rows)} row{'s' if len(rows) > 1 else ''} {how}: {_rows(rows)}")
    for before, after in difference.changed[:_MOST_ROWS]:
        said.append(f"{sink}: {shown(before)} without the fault, and {_changed(before, after)} with it")
    return said


def _rows(rows: Sequence[Any]) -> str:
    texts = [json.dumps(row, ensure_ascii=False) for row in rows[:_MOST_ROWS]]
    return ", ".join(texts) + (", …" if len(rows) > _MOST_ROWS else "")


def _changed(before: Any, after: Any) -> str:
    if isinstance(before, dict) and isinstance(after, dict):
        names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        return ", ".join(f"{name} {shown(after.get(name))} in place of {shown(before.get(name))}" for name in names)
    return shown(after)


class _Attributions(NamedTuple):
    """source: the attribute of an item that names its intent; None for the one that the writer gives it.

    sinks: where a row of each says its intent.
    """

    source: str | None
    sinks: dict[str, str]


def save(trial: Trial, outcome: Outcome, file: Path) -> str:
    """Writes the scenario and its items, plays it, and returns its verdict. Raises UserError where a file is there."""
    items = file.with_suffix(".items.yaml")
    if existing := [each for each in (file, items) if each.exists()]:
        raise UserError(Problem("is there already, and is left as it is", file=str(each)) for each in existing)
    firsts = [change for change in outcome.changes if change.number == 1]
    attributions = _attributions(outcome.changes, outcome.reference)
    scenario = _scenario(trial, outcome, file, attributions, len(firsts))
    file.write_text(yaml.safe_dump(scenario, sort_keys=False, width=120, allow_unicode=True), "utf-8")
    rows = [_written(change, trial) for change in firsts]
    items.write_text(yaml.safe_dump(rows, sort_keys=False, width=120, allow_unicode=True), "utf-8")
    (job,) = jobs_of([file])
    return run_unkept(job)[0].verdict.verdict


def _written(change: Change, trial: Trial) -> dict[str, Any]:
    item = item_as_json(change.own or {})
    return item if not isinstance(trial.stack.source, DataStream) else {"id": change.item, **item}


def _scenario(trial: Trial, outcome: Outcome, file: Path, attributions: _Attributions, items: int) -> dict[str, Any]:
    place, stack = outcome.place, trial.stack
    template = os.path.relpath(stack.template.absolute(), file.absolute().parent)
    sinks = {name: {"role": "ledger", "intent": path, "item": path} for name, path in attributions.sinks.items()}
    more = {name: {"role": "ledger"} for name in outcome.differences if name not in sinks}
    source = {"source": {"intent": attributions.source}} if attributions.source else {}
    sinks = {name: each for name, each in (sinks | more).items() if name != stack.source.logical_id}
    writes = items if attributions.source or outcome.writer != "put" else len(outcome.changes)
    return {
        "scenario": re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-") or "finding",
        "question": f"Is each effect there once in spite of this: {place.fault} {place.where}?",
        "pipeline": {
            "template": template,
            "function": stack.function.logical_id,
            **({"code": os.path.relpath(trial.code.absolute(), file.absolute().parent)} if trial.code else {}),
            **({"parameters": dict(trial.parameters)} if trial.parameters else {}),
            **source,
            **({"sinks": sinks} if sinks else {}),
        },
        "workload": {
            "writer": outcome.writer,
            "data": file.with_suffix(".items.yaml").name,
            "intents": writes,
            "items": items,
        },
        "faults": [place.entry],
        "expect": "valid",
    }


def _attributions(changes: Sequence[Change], reference: Mapping[str, Sequence[Any]]) -> _Attributions:
    """Where the rows of the sinks name intents: the writer's own, or an attribute that tells the items apart."""
    intents = {change.intent for change in changes}
    by_intent = {sink: path for sink, rows in reference.items() for path in _paths(rows, intents)[:1]}
    if len(by_intent) == len(reference):
        return _Attributions(None, by_intent)
    firsts = [item_as_json(change.own or {}) for change in changes if change.number == 1]
    for name in firsts[0] if firsts else ():
        values = {str(item[name]) for item in firsts if isinstance(item.get(name), str | int)}
        if len(values) == len(firsts):
            by_item = {sink: path for sink, rows in reference.items() for path in _paths(rows, values)[:1]}
            if len(by_item) == len(reference):
                return _Attributions(name, by_item)
    return _Attributions(None, by_intent)


def _paths(rows: Sequence[Any], values: set[str]) -> list[str]:
    """The paths at which every row has one of the values."""
    found = [{path for path, value in leaves(row) if "[]" not in path and str(value) in values} for row in rows]
    common = set.intersection(*found) if found else set()
    return [_jmespath(path) for path in sorted(common, key=len)]


def _jmespath(path: str) -> str:
    return ".".join(_steps(path)) or "@"


def _steps(path: str) -> Iterator[str]:
    for name in path.split("."):
        yield name if name.isidentifier() and name.isascii() else json.dumps(name)
