"""The history: the ordered, append-only list of operations. The only thing that checkers see.

Every operation has a process, a type, an `f` and a value. `invoke` opens an operation of a process;
`ok` (it happened), `fail` (it surely did not) or `info` (nobody knows) closes it. What merely took place is one
`info` (or, for what the observer read, one `ok`). A call that a process makes inside an operation nests in it.

| process       | f                 | types                | value |
| harness       | phase             | info                 | phase; deploy: faults, sinks (logical id: role, name, intent, count), names (name: logical id), mapping (settings), standing_still (other functions), leaves_out (bool: the function leaves changes out on purpose), share (bool: writers share items); drain: quiet (bool), reason |
| harness       | reference         | info                 | of the same run without faults: platform, verdict, why; owed (sink: intents), contents (sink: rows without an intent), source and views (item: intent), numbers (view: item: path: number), left_out (intents that were handled without any effect), orders (item that writers share: intents in the stream, null for a removal) |
| writer/N      | the writer's word | invoke ok fail info  | intent, item (item id), copy (0 is the first, more are duplicates), leaves (nothing, or count) |
| any actor     | service.Operation | invoke ok fail info  | call, attempt, table (or queue, bucket, topic, URL), items, intents, effect (bool: writes to a sink); a batch call, ok: unprocessed (intents) |
| nemesis       | the fault's name  | info fail            | fault (index in the scenario), point (its name), process, intents; info: action; fail (the fault that ended the call kept it from firing, told once): ended_by (index) |
| dispatcher/S  | deliver           | invoke ok fail info  | delivery, attempt, shard, sequence_numbers, intents; on completion: outcome |
| dispatcher/S  | discard           | info                 | reason, shard, sequence_numbers, intents, dead_lettered (bool) |
| dispatcher/S or observer | filter | info                 | shard, sequence_numbers, intents |
| function/N    | execute           | invoke ok fail info  | request_id, environment, cold, sequence_numbers, intents; ok: reported (ids) (fail: it raised; info: it died) |
| platform      | a disruption      | invoke ok fail       | seconds, setting; ok: it ended, and for kill_function: process (of the execution) |
| platform      | lost              | fail                 | phase: in which the platform was lost, the error says how: nothing more is in the history |
| observer      | gone              | ok                   | resource (logical id): it was deployed, and the platform has it no longer |
| observer      | record            | ok                   | shard, sequence_number, event_id, event_name, item, intent (by the new image; of a REMOVE by the old one), before (the intent by the old image) |
| observer      | effect            | ok                   | sink, intent, item, count, order (int, or null where the sink keeps none), content (of a row that names no intent) |
| observer      | state             | ok                   | resource (logical id), role (source or view), item, intent (of the item as it is in the end, null where it is gone), changes (if it counts them), numbers (where there is a view: what it may count, by path), content (of a row that names no intent) |
| observer      | dead_letter       | ok                   | condition, shard, start, end (sequence numbers), batch_size |
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

MICROSECONDS = 1_000_000  # in a second: the unit of every time in a history
INVOKE, OK, FAIL, INFO = "invoke", "ok", "fail", "info"
NOTHING, COUNT = "nothing", "count"  # what a writer leaves of an item, where that is not the item as it was put
MAX_CONTENT = 2_000  # characters that are kept of a row that names no intent
REMOVE = "REMOVE"  # the event name of a record of a deletion
Value = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of the history. `time` is in microseconds since the run began; `value` is plain JSON."""

    index: int
    time: int
    process: str
    type: str
    f: str
    value: Value = field(default_factory=dict)
    error: str | None = None

    def to_json(self) -> str:
        """One line, the same bytes for the same operation."""
        return json.dumps(
            {
                "index": self.index,
                "time": self.time,
                "process": self.process,
                "type": self.type,
                "f": self.f,
                "value": self.value,
                "error": self.error,
            },
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
        )

    @property
    def role(self) -> str:
        """The kind of process: writer, function, dispatcher, nemesis, harness or observer."""
        return self.process.partition("/")[0]


class History:
    """Operations in the order in which they took place. `on_append` gets each at once."""

    def __init__(
        self,
        on_append: Callable[[Operation], None] | None = None,
        on_merge: Callable[[list[Operation]], None] | None = None,
    ) -> None:
        self.operations: list[Operation] = []
        self._lock = threading.Lock()
        self._on_append = on_append
        self._on_merge = on_merge

    def append(self, time: int, process: str, type: str, f: str, value: Value, error: str | None = None) -> Operation:
        with self._lock:
            operation = Operation(len(self.operations), time, process, type, f, value, error)
            self.operations.append(operation)
            if self._on_append:
                self._on_append(operation)
            return operation

    def merge(self, operations: Iterable[tuple[Any, ...]]) -> None:
        """Sorts in operations that came late, by their times, and numbers all operations anew.

        Each is (time, process, type, f, value, error).
        """
        with self._lock:
            appended = ((op.time, op.process, op.type, op.f, op.value, op.error) for op in self.operations)
            merged = sorted((*appended, *operations), key=lambda operation: operation[0])
            self.operations = [Operation(index, *operation) for index, operation in enumerate(merged)]
            if self._on_merge:
                self._on_merge(self.operations)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    def __len__(self) -> int:
        return len(self.operations)

    @staticmethod
    def of(operations: Iterable[Operation]) -> History:
        history = History()
        history.operations.extend(operations)
        return history
