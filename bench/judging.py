"""How fast a stored history is read and judged, and how much memory that takes: a curve over its length."""

from __future__ import annotations

import io
import json
import multiprocessing
import resource
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from itertools import count
from pathlib import Path
from time import process_time
from typing import Any

import psutil

from harness.cli.run import check
from harness.history import INFO, INVOKE, OK, Operation
from harness.run_folder import HISTORY, RUN, VERDICT

SIZES = (10_000, 100_000, 1_000_000)
BATCH, CHANGES, LOST_EVERY, TWICE_EVERY = 10, 10, 5_000, 50
INTENT_OPERATIONS = 8.55  # operations of an intent, on the average
TABLE = {"role": "ledger", "name": "harness-judging-Effects", "intent": "intent"}
QUESTION = {
    "scenario": "judging",
    "question": "How long does a verdict take?",
    "variant": "",
    "platform": "embedded",
    "seed": 0,
    "expect": "invalid",
    "again": "",
}
Line = tuple[str, str, str, dict[str, Any]]


def measure(sizes: Sequence[int] = SIZES) -> str:
    rows = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            length = write(Path(folder), size)
            judged, parsed, used = _in_a_process(Path(folder))
        speed, memory = f"{length / judged:>9,.0f}/s", f"{used / length:>6,.0f} bytes each"
        rows.append(f"           {length:>9,} {speed} {memory}   {judged / parsed:.2f}x")
    return "\n".join(
        (
            "judging    `harness check`: operations, how many in a second of the processor's time, the memory at its",
            "           peak, and the time as a multiple of json.loads' for each line (goal: 150,000/s, 600 bytes)",
            *rows,
        )
    )


def write(folder: Path, size: int) -> int:
    """The folder of a run of about `size` operations: most go right, some are handled twice, a few are lost."""
    length = 0
    with (folder / HISTORY).open("w", encoding="utf-8") as file:
        for index, (process, kind, f, value) in enumerate(_run(size)):
            file.write(Operation(index, index * 100, process, kind, f, value).to_json() + "\n")
            length += 1
    (folder / RUN).write_text(json.dumps(QUESTION), encoding="utf-8")
    (folder / VERDICT).write_text("{}", encoding="utf-8")
    return length


def _in_a_process(folder: Path) -> tuple[float, float, int]:
    """Seconds to judge, seconds to parse, and the bytes by which judging raised the peak of a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_judged, (folder,))


def _judged(folder: Path) -> tuple[float, float, int]:
    with tempfile.TemporaryDirectory() as small:
        write(Path(small), 0)
        _check(Path(small))  # imports everything
    before = psutil.Process().memory_info().rss
    began = process_time()
    _check(folder)
    judged = process_time() - began
    used = _peak() - before
    began = process_time()
    with (folder / HISTORY).open("rb") as lines:
        for line in lines:
            json.loads(line)
    return judged, process_time() - began, used


def _check(folder: Path) -> None:
    """The command, with its report."""
    report = io.StringIO()
    with redirect_stdout(report):
        check.main([str(folder)], standalone_mode=False)
    assert "duplicated" in report.getvalue(), report.getvalue()


def _peak() -> int:
    """The most memory that this process ever had, in bytes. Linux's getrusage begins with what the parent had."""
    if sys.platform == "linux":
        return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _run(size: int) -> Iterator[Line]:
    deployed = {"sinks": {"Effects": TABLE}, "names": {TABLE["name"]: "Effects"}, "mapping": {}}
    yield "harness", INFO, "phase", {"phase": "deploy", "faults": ["redeliver"], **deployed}
    yield "harness", INFO, "phase", {"phase": "drive"}
    calls = count(1)
    written: list[str] = []
    for batch in range(max(TWICE_EVERY, round(size / INTENT_OPERATIONS / BATCH))):
        intents = [f"todo-{batch // CHANGES * BATCH + place}/{batch % CHANGES + 1}" for place in range(BATCH)]
        for number, intent in enumerate(intents, start=len(written)):
            yield from _write(intent, number % 4, next(calls))
        written += intents
        yield from _deliver(intents, len(written) - BATCH, batch, calls)
    yield "harness", INFO, "phase", {"phase": "heal", "matched": [len(written)]}
    yield "harness", INFO, "phase", {"phase": "drain"}
    yield "harness", INFO, "phase", {"phase": "drain", "quiet": True, "reason": ""}
    yield "harness", INFO, "phase", {"phase": "read_back"}
    yield from _read(written)
    yield "harness", INFO, "phase", {"phase": "read_back", "complete": True}
    left = {"owed": {"Effects": written}, "contents": {}, "source": {}, "views": {}}
    yield "harness", INFO, "reference", {"platform": "embedded", "verdict": "valid", "why": "", **left}
    yield "harness", INFO, "phase", {"phase": "destroy"}


def _call(call: int, intent: str, table: str) -> dict[str, Any]:
    named = {"items": [intent.partition("/")[0]], "intents": [intent]}
    return {"call": call, "attempt": 1, "table": table, **named, "effect": table == TABLE["name"]}


def _write(intent: str, writer: int, call: int) -> Iterator[Line]:
    process, change = f"writer/{writer}", {"intent": intent, "item": intent.partition("/")[0], "copy": 0}
    sent = _call(call, intent, "harness-judging-Todos")
    yield process, INVOKE, "put", change
    yield process, INVOKE, "dynamodb.PutItem", sent
    yield process, OK, "dynamodb.PutItem", sent
    yield process, OK, "put", change


def _deliver(intents: list[str], first: int, batch: int, calls: Iterator[int]) -> Iterator[Line]:
    """One batch, and now and then the same once more."""
    numbers = [_number(first + place) for place in range(len(intents))]
    for attempt in range(1, 3 if batch % TWICE_EVERY == TWICE_EVERY - 1 else 2):
        value = {"shard": "shard-0", "sequence_numbers": numbers, "intents": intents}
        delivery = value | {"delivery": 2 * batch + attempt, "attempt": attempt}
        yield "dispatcher/0", INVOKE, "deliver", delivery
        process = f"function/{2 * batch + attempt}"
        execution = {"request_id": process, "environment": 1, "cold": False}
        execution |= {"sequence_numbers": numbers, "intents": intents}
        yield process, INVOKE, "execute", execution
        for place, intent in enumerate(intents, start=first):
            sent = _call(next(calls), intent, TABLE["name"] if place % LOST_EVERY else "harness-judging-Markers")
            yield process, INVOKE, "dynamodb.PutItem", sent
            yield process, OK, "dynamodb.PutItem", sent
        yield process, OK, "execute", execution | {"reported": []}
        yield "dispatcher/0", OK, "deliver", delivery | {"outcome": "succeeded"}
        if attempt > 1:
            fired = {"fault": 0, "point": "mapping after deliver", "action": "Redeliver()", "intents": intents}
            yield "nemesis", INFO, "redeliver", {**fired, "process": "dispatcher/0"}


def _read(written: list[str]) -> Iterator[Line]:
    for number, intent in enumerate(written):
        record = {"shard": "shard-0", "sequence_number": _number(number), "event_id": f"event-{number}"}
        named = {"item": intent.partition("/")[0], "intent": intent}
        yield "observer", OK, "record", {**record, "event_name": "MODIFY", **named}
    for number, intent in enumerate(written):
        if number % LOST_EVERY:
            again = number // BATCH % TWICE_EVERY == TWICE_EVERY - 1
            named = {"item": intent.partition("/")[0], "intent": intent}
            yield "observer", OK, "effect", {"sink": "Effects", **named, "count": 1 + again, "order": number}
    for item, intent in {intent.partition("/")[0]: intent for intent in written}.items():
        yield "observer", OK, "state", {"resource": "Todos", "role": "source", "item": item, "intent": intent}


def _number(record: int) -> str:
    """A sequence number as DynamoDB's are: 21 digits."""
    return str(395_588_370_469_821_382_656 + record * 28_718_688_700)
