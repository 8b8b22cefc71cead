"""The index of a history: what a history says of each intent, and what it does not."""

from histories import ONE, TWO, Story, only, twice, written

from harness.checkers.index import HistoryIndex
from harness.history import FAIL, INFO, INVOKE, OK


def index(story):
    return HistoryIndex(list(story.history))


def test_operations_that_are_open_at_once_are_closed_by_name():
    """A dispatcher has two deliveries open; what closes the first says so, whatever was opened since."""
    story = written(ONE)
    story.record(ONE)
    first, second = story.begin(ONE), story.begin(ONE)
    first(FAIL, "raised")
    second(OK)
    assert [delivery.outcome for delivery in index(story).deliveries] == [FAIL, OK]


def test_the_newest_of_equals_is_closed_first():
    """Nothing tells them apart, so the inner one ends before the outer one."""
    story = Story()
    value = {"intent": ONE, "item": "todo-1", "copy": 0}
    for type in (INVOKE, INVOKE, OK):
        story.add("writer/0", type, "put", value)
    assert [write.outcome for write in index(story).traces[ONE].writes] == [INFO, OK]


def test_what_belongs_to_no_intent_makes_no_trace():
    """Reads, calls of the dispatcher and the harness, records and points without an intent."""
    story = Story()
    call = {"call": 1, "attempt": 1, "table": "", "items": [], "intents": [], "effect": False}
    for process in ("harness", "dispatcher/0", "writer/0"):
        for type in (INVOKE, OK):
            story.add(process, type, "dynamodb.GetItem", call)
    story.fire("delay", "dispatcher before deliver - #1")
    record = {"shard": "shard-0", "sequence_number": "1", "event_id": "event-1", "event_name": "INSERT"}
    story.add("observer", OK, "record", record | {"item": "todo-1", "intent": None})
    assert index(story).traces == {}
    assert [phase.value["phase"] for phase in index(story).phases] == ["deploy", "drive"]


def test_a_removal_is_not_a_record_of_the_intent_that_it_removes():
    """Its old image shows who was there before; that one is not written again."""
    story = written(ONE)
    story.record(ONE, event_name="REMOVE")
    operations = story.end()
    assert len(HistoryIndex(operations).traces[ONE].records) == 1
    assert len(HistoryIndex(operations).records) == 2


def test_a_record_is_in_a_batch_of_its_own_shard():
    """Sequence numbers are compared as integers (S-41), and only within a shard."""
    story = written(ONE)
    story.begin(ONE)
    entries = HistoryIndex(story.end())
    (delivery,), (record,) = entries.deliveries, entries.records
    assert delivery.carries(record)
    record.value["sequence_number"] = "00000098"
    assert delivery.carries(record)
    record.value["shard"] = "shard-1"
    assert not delivery.carries(record)


def test_a_batch_is_placed_by_the_stream_too():
    """A mapping that does not name the intents of a batch names its records (KEYS_ONLY, S-44)."""
    story = written(ONE)
    value = {"delivery": 1, "attempt": 1, "shard": "shard-0", "sequence_numbers": ["98"], "intents": []}
    story.add("dispatcher/0", INVOKE, "deliver", value)
    assert len(HistoryIndex(story.end()).traces[ONE].deliveries) == 1


def test_a_fault_belongs_to_the_execution_that_it_fired_in():
    """Not to one that had ended, and a noop to none."""
    story = written(ONE)
    _, end = story.execute(ONE)
    story.fire("noop", f"function before handle {ONE} #1")
    inside = story.fire("crash", f"function after handle {ONE} #1")
    end(INFO)
    story.fire("delay", f"function after acknowledge {ONE} #1")
    assert index(story).executions[0].faults == (inside,)


def test_a_refused_attempt_has_no_effect():
    """The SDK repeated it, and only the second attempt took place."""
    story = written(ONE)
    story.handle(ONE, calls=(FAIL, OK))
    story.effect(ONE, count=2)
    assert "that call applied it more than once" in only(story, "duplicated").why


def test_an_execution_that_never_ended_overlaps_whatever_follows():
    """Nobody knows that it was over when the next one began."""
    story = written(ONE)
    for _ in range(2):
        story.begin(ONE)
        process, _ = story.execute(ONE)
        story.call(process, ONE)
    assert "function/2 got the record while function/1 still ran" in twice(story).why


def test_an_unfinished_history_is_not_settled():
    """Neither rest nor reading back alone makes what is missing missing for good."""
    story = written(ONE, TWO)
    assert not index(story).settled
    story.add("harness", INFO, "phase", {"phase": "read_back", "complete": True})
    assert not index(story).settled
