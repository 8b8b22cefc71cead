"""The reference: the same variant and seed, without its faults. What it leaves at each sink is owed there.

What it does not leave, the pipeline leaves out on purpose: handlers route, filter and skip. It is played on the
embedded platform where that can play it and finds nothing wrong, else on the platform of the run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from harness import checkers
from harness.checkers.index import HistoryIndex
from harness.checkers.lost import acknowledged_without_effect
from harness.errors import NotImitated, PlatformLost, UserError
from harness.history import Operation, Value
from harness.jobs import Job, prepare
from harness.pipeline.package import contents, folders
from harness.pipeline.stack import is_node
from harness.platforms.target import EMBEDDED_TARGET
from harness.scenario.variants import VARIED
from harness.verdict import UNKNOWN, VALID, Verdict

MAX_KEPT = 200
# What a sink holds, where nothing is known.
NOTHING: Value = {"owed": {}, "contents": {}, "source": {}, "views": {}, "numbers": {}, "left_out": [], "orders": {}}
Play = Callable[[Job], Sequence[Operation]]
_kept: dict[str, Value] = {}


def reference(job: Job, play: Play) -> Value | None:
    """What the history of a run keeps of its reference (harness.history); a run without faults is its own: None.

    It is played once for each variant without its faults, and seed, in this process.
    """
    if not job.is_compared:
        return None
    key = _key(job)
    if key not in _kept:
        if len(_kept) >= MAX_KEPT:
            _kept.clear()
        try:
            _kept[key] = _played(job, play)
        except (UserError, NotImitated, PlatformLost) as error:
            # The platform may be gone. What the run itself has shown stays.
            why = f"it could not be played: {error}"
            return {"platform": job.target.platform, "verdict": UNKNOWN, "why": why, **NOTHING}
    return _kept[key]


def _key(job: Job) -> str:
    """Two jobs with one key have one reference: all that it depends on, the function's code included."""
    stack = job.stack
    root = stack.function.root
    code = (folders(stack.function), contents(root, is_node(stack.function.runtime)))
    varied = {name: part for name, part in job.variant.document.value.items() if name in VARIED and name != "faults"}
    settings = replace(stack, name="") if job.target != EMBEDDED_TARGET else stack
    return json.dumps([varied, repr(settings), str(code), job.seed, repr(job.target)])


def _played(job: Job, play: Play) -> Value:
    variant = replace(job.variant, scenario=job.scenario.replaced(faults=()), differences={})
    if job.target != EMBEDDED_TARGET:
        try:
            facts = _facts(prepare(variant, job.seed, EMBEDDED_TARGET), play)
        except (UserError, NotImitated):
            pass
        else:
            if facts["verdict"] == VALID:
                return facts
        return _facts(prepare(variant, job.seed, job.target), play)  # with a stack of its own
    return _facts(replace(job, variant=variant, shows_logs=False), play)


def _facts(job: Job, play: Play) -> Value:
    operations = play(job)
    index, verdict = HistoryIndex(operations), checkers.judge(operations)
    if index.lost_platform:
        raise PlatformLost(index.lost_platform.error)
    owed: dict[str, dict[str, None]] = {}
    for effect in (operation.value for operation in operations if operation.f == "effect"):
        if effect["intent"] is not None:
            owed.setdefault(effect["sink"], {})[effect["intent"]] = None
    anomaly = next(iter(verdict.anomalies), None)
    why = f"{anomaly.kind}: {anomaly.summary}: {anomaly.why}" if anomaly else "; ".join(verdict.reasons)
    # Rows that name no intent, beside others, are right by definition here: it is with them that others are compared.
    nameless = {*index.sinks.why_unreadable_in_part()}
    if index.sinks.nameless == index.sinks.unreadable and not index.sinks.source_unreadable:
        nameless.update(index.sinks.why_unreadable())
    if verdict.verdict == UNKNOWN and {*verdict.reasons} == nameless:
        verdict, why = Verdict(VALID), ""
    left_out = [trace.intent for trace in index.intents if acknowledged_without_effect(trace)]
    return {
        "platform": job.target.platform,
        "verdict": verdict.verdict,
        "why": why,
        "owed": {sink: list(intents) for sink, intents in owed.items()},
        "contents": {sink: sorted(texts) for sink, texts in index.sinks.odd.items()},
        "source": _intents(index.source),
        "views": {view: _intents(states) for view, states in index.views.items()},
        "left_out": left_out,
        "orders": index.orders,
        "numbers": {view: _numbers(states) for view, states in index.views.items()},
    }


def _intents(states: dict[str, Operation]) -> dict[str, str | None]:
    return {item: state.value["intent"] for item, state in states.items() if item is not None}


def _numbers(states: dict[str, Operation]) -> dict[str, Value]:
    return {item: state.value["numbers"] for item, state in states.items() if item and "numbers" in state.value}
