"""Builders of small histories: what a test does not say took place as it should."""

from __future__ import annotations

from harness.checkers import judge
from harness.history import INFO, INVOKE, OK, History, Operation, Value

SHARD = "shard-0"
PUT = "dynamodb.PutItem"
ONE, TWO, THREE = "todo-1/1", "todo-1/2", "todo-1/3"


def item_of(intent):
    return intent.partition("/")[0]


class Story:
    """Tells a run in order; `end` adds the last phases and what the observer reads, in the order it was told."""

    def __init__(self, faults=(), matched=(), **declared):
        self.history = History()
        self._faults, self._matched = list(faults), list(matched)
        self._records: list[Value] = []
        self._read: list[tuple[str, Value]] = []
        self._numbers: dict[str, list[str]] = {}
        self._calls = self._executions = self._deliveries = self._landed = 0
        self._phase(phase="deploy", faults=self._faults, **declared)
        self._phase(phase="drive")

    def add(self, process, type, f, value, error=None) -> Operation:
        return self.history.append(len(self.history), process, type, f, value, error)

    def put(self, intent, calls=(OK,), outcome=OK, process="writer/0", copy=0, error=None):
        """A writer's operation; `calls` are the outcomes of the attempts of one SDK call, None is never closed."""
        value = {"intent": intent, "item": item_of(intent), "copy": copy}
        self.add(process, INVOKE, "put", value)
        self.call(process, intent, calls, effect=False)
        if outcome:
            self.add(process, outcome, "put", value, error)

    def call(self, process, intent, outcomes=(OK,), effect=True, error=None):
        self._calls += 1
        for attempt, outcome in enumerate(outcomes, start=1):
            value = {"call": self._calls, "attempt": attempt, "table": "Effects" if effect else "Todos"}
            value |= {"items": [item_of(intent)], "intents": [intent], "effect": effect}
            self.add(process, INVOKE, PUT, value)
            if outcome:
                self.add(process, outcome, PUT, value, error)

    def record(self, intent, event_id=None, number=None, event_name="INSERT"):
        """A record of the stream; from now on deliveries of the intent carry it, unless they name numbers."""
        number = number or str(len(self._records) + 98)  # two digits, then three: no order of strings
        value = {"shard": SHARD, "sequence_number": number, "event_id": event_id or f"event-{number}"}
        self._records.append(value | {"event_name": event_name, "item": item_of(intent), "intent": intent})
        self._numbers.setdefault(intent, []).append(number)
        return number

    def fire(self, fault, point, index=0):
        """At a point of the function, in the execution that began last."""
        process = f"function/{self._executions}" if point.startswith("function") else point.split()[0]
        intents = point.split(" ", 3)[-1].rpartition(" #")[0].split("+")
        value = {"fault": index, "point": point, "process": process, "action": fault, "intents": intents}
        return self.add("nemesis", INFO, fault, value)

    def batch(self, intents, numbers=None):
        numbers = numbers or [number for intent in intents for number in self._numbers[intent]]
        return {"sequence_numbers": numbers, "intents": list(intents)}

    def begin(self, *intents, numbers=None):
        """Opens a delivery; the function that is returned closes it."""
        self._deliveries += 1
        process = "dispatcher/0"
        value = {"delivery": self._deliveries, "attempt": 1, "shard": SHARD, **self.batch(intents, numbers)}
        self.add(process, INVOKE, "deliver", value)
        return lambda outcome=OK, word="succeeded": self.add(process, outcome, "deliver", value | {"outcome": word})

    def execute(self, *intents, numbers=None):
        """Opens an execution; gives its process and a function that closes it."""
        self._executions += 1
        process = f"function/{self._executions}"
        value = {"request_id": f"request-{self._executions}", "environment": 1, "cold": False}
        value |= self.batch(intents, numbers)
        self.add(process, INVOKE, "execute", value)
        return process, lambda outcome=OK, error=None, **more: self.add(
            process, outcome, "execute", value | more, error
        )

    def handle(
        self, *intents, calls=(OK,), outcome=OK, delivered=OK, word="succeeded", numbers=None, error=None, **more
    ):
        """One delivery with one execution, which calls the sink once for each intent; without `calls` it does not.

        more: in the value of its end, as `reported`.
        """
        delivery = self.begin(*intents, numbers=numbers)
        process, end = self.execute(*intents, numbers=numbers)
        for intent in intents if calls else ():
            self.call(process, intent, calls)
        end(outcome, error, **more)
        delivery(delivered, word)

    def mark(self, f, *intents, **value):
        """discard or filter"""
        return self.add("dispatcher/0", INFO, f, {"shard": SHARD, **self.batch(intents), **value})

    def effect(self, intent, count=1, order=True, sink="Effects"):
        """An effect; `order` may be given, or None for a sink that keeps none."""
        self._landed += 1
        value = {"sink": sink, "intent": intent, "item": item_of(intent or "todo-0/0"), "count": count}
        self._read.append(("effect", value | {"order": self._landed if order is True else order}))

    def state(self, intent, role="source", item=None):
        self._read.append(("state", {"role": role, "item": item or item_of(intent), "intent": intent}))

    def dead_letter(self, *intents, condition="RetryAttemptsExhausted"):
        numbers = [number for intent in intents for number in self._numbers[intent]]
        value = {"condition": condition, "shard": SHARD, "start": numbers[0], "end": numbers[-1]}
        self._read.append(("dead_letter", value | {"batch_size": len(numbers)}))

    def end(self, quiet=True, reason=None) -> list[Operation]:
        self._phase(phase="heal", matched=self._matched)
        self._phase(phase="drain")
        self._phase(phase="drain", quiet=quiet, reason=reason)
        self._phase(phase="read_back")
        for value in self._records:
            self.add("observer", OK, "record", value)
        for f, value in self._read:
            self.add("observer", OK, f, value)
        self._phase(phase="read_back", complete=True)
        self._phase(phase="destroy")
        return list(self.history)

    def _phase(self, **value):
        self.add("harness", INFO, "phase", value)


def right(story, *intents):
    """Each intent goes the whole way, one after another; the last of an item is its state."""
    for intent in intents:
        story.put(intent)
        story.record(intent)
        story.handle(intent)
        story.effect(intent)
    for intent in {item_of(intent): intent for intent in intents}.values():
        story.state(intent)
    return story


def valid() -> list[Operation]:
    """Everything went right, although a fault fired."""
    story = Story(["lose_reply"], [1])
    story.put("todo-1/1", calls=(INFO, OK))
    story.fire("lose_reply", "writer/0 after dynamodb.PutItem todo-1/1 #1")
    story.record("todo-1/1")
    story.handle("todo-1/1")
    story.effect("todo-1/1")
    story.state("todo-1/1")
    return right(story, "todo-2/1", "todo-2/2").end()


def anomalies(story, **end):
    verdict = judge(story.end(**end))
    assert not any("raised" in reason for reason in verdict.reasons)
    return verdict.anomalies


def only(story, kind):
    """The one anomaly of the story, which is of this kind."""
    found = anomalies(story)
    assert [anomaly.kind for anomaly in found] == [kind]
    return found[0]


def written(*intents):
    """The intents are acknowledged, in the stream, and the last one is the state of the item."""
    story = Story()
    for intent in intents:
        story.put(intent)
        story.record(intent)
    story.state(intents[-1])
    return story


def twice(story):
    """The anomaly of a story that ends with two effects of one intent."""
    story.effect(ONE)
    story.effect(ONE)
    return only(story, "duplicated")
