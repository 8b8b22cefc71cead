"""Duplicated: more than one record of an intent, and who made them."""

from histories import ONE, TWO, Story, only, twice

from harness.checkers import judge
from harness.history import FAIL, INFO, OK

CRASH = "function after dynamodb.PutItem todo-1/1 #1"


def test_a_write_that_was_made_twice_and_changed_the_item():
    """Two records for one intent, and an effect for each: the writer's duplicate (S-31)."""
    story = Story()
    story.fire("duplicate_put", "writer/0 before operation todo-1/1 #1")
    for copy in (0, 1):
        story.put(ONE, copy=copy)
        story.record(ONE)
    for number in ("98", "99"):
        story.handle(ONE, numbers=[number])
    story.state(ONE)
    duplicated = twice(story)
    assert duplicated.blame == "writer"
    assert duplicated.summary == "intent todo-1/1 was written twice, applied twice"
    assert "the operation was made twice (duplicate_put, #2), and changed the item" in duplicated.why


def test_an_attempt_that_the_sdk_repeated_and_that_changed_the_item():
    """One operation, two attempts that both wrote, two records in one batch."""
    story = Story()
    story.put(ONE, calls=(INFO, OK))
    story.fire("lose_reply", "writer/0 after dynamodb.PutItem todo-1/1 #1")
    story.record(ONE)
    story.record(ONE)
    delivery = story.begin(ONE)
    process, end = story.execute(ONE)
    story.call(process, ONE)
    story.call(process, ONE)
    end()
    delivery()
    story.state(ONE)
    duplicated = twice(story)
    assert duplicated.blame == "writer"
    assert "the SDK sent dynamodb.PutItem again, attempt 2 (lose_reply, #8)" in duplicated.why


def test_a_repeated_write_that_overwrote_another_one():
    """A, B, A: the repetition of A makes a third record, because B came in between (S-14)."""
    story = Story()
    story.put(ONE, calls=(INFO, OK))
    story.put(TWO, process="writer/1")
    for intent in (ONE, TWO, ONE):
        number = story.record(intent)
        story.handle(intent, numbers=[number])
        story.effect(intent)
    story.state(TWO)
    duplicated = only(story, "duplicated")
    assert duplicated.blame == "writer"
    assert "after another write of the item, which it overwrote (S-14)" in duplicated.why


def test_of_many_writes_that_came_between_the_first_and_the_last_are_named():
    """A, B1 … B40, A: what proves it stays short enough to be read, however often the item was changed meanwhile."""
    between = [f"todo-1/{number}" for number in range(2, 42)]
    story = Story()
    story.put(ONE, calls=(INFO, OK))
    for intent in between:
        story.put(intent, process="writer/1")
    for intent in (ONE, *between, ONE):
        story.handle(intent, numbers=[story.record(intent)])
        story.effect(intent)
    story.state(between[-1])
    operations = story.end()
    (duplicated,) = judge(operations).anomalies
    records = {
        index: operations[index].value["intent"] for index in duplicated.operations if operations[index].f == "record"
    }
    assert list(records.values()) == [ONE, *between[:10], *between[-10:], ONE]


def test_three_records_of_one_intent_are_not_another_write():
    """What comes between the first and the last record is the same intent."""
    story = Story()
    for copy in range(3):
        story.put(ONE, copy=copy)
        story.handle(ONE, numbers=[story.record(ONE)])
    story.state(ONE)
    assert "made 3 times, and changed the item, so that the stream got 3 records" in twice(story).why


def test_more_calls_of_one_operation():
    """A writer that calls the SDK again by itself."""
    story = Story()
    story.put(ONE)
    story.call("writer/0", ONE, effect=False)
    for _ in range(2):
        story.handle(ONE, numbers=[story.record(ONE)])
    story.state(ONE)
    assert "writer/0 called dynamodb.PutItem twice" in twice(story).why


def test_a_stream_that_makes_two_records_of_one_write():
    """More records than writes: the stream's duplicate (O-01, G-23)."""
    story = Story()
    story.put(ONE)
    for _ in range(2):
        story.handle(ONE, numbers=[story.record(ONE)])
    story.state(ONE)
    assert twice(story).blame == "stream"


def test_a_stream_that_carries_one_event_twice():
    """The same event id twice in the stream is the stream's duplicate (S-30)."""
    story = Story()
    story.put(ONE)
    for _ in range(2):
        story.handle(ONE, numbers=[story.record(ONE, event_id="event")])
    story.state(ONE)
    duplicated = twice(story)
    assert duplicated.blame == "stream"
    assert "one event id twice" in duplicated.why


def test_writes_and_effects_that_no_wire_saw():
    """Other sinks and other clients: two executions of two records are the writer's two operations all the same."""
    story = Story()
    for copy in (0, 1):
        story.put(ONE, calls=(), copy=copy)
        story.record(ONE)
    story.put(TWO)
    story.record(TWO)
    for number in ("98", "99"):
        story.handle(ONE, numbers=[number], calls=())
    story.handle(TWO)
    story.fire("crash", CRASH)
    story.effect(TWO, order=None)
    story.state(TWO)
    duplicated = twice(story)
    assert duplicated.blame == "writer"
    assert "the operation was made twice, and changed the item" in duplicated.why


def test_a_function_that_knows_the_intent_and_broke_off():
    """Both records in one batch, one effect for both, a crash, and the same again: not the writer's duplicate."""
    story = Story()
    for copy in (0, 1):
        story.put(ONE, copy=copy)
        story.record(ONE)
    for outcome in (INFO, OK):
        delivery = story.begin(ONE)
        process, end = story.execute(ONE)
        story.call(process, ONE)
        end(outcome)
        delivery(outcome, "raised")
    story.state(ONE)
    assert twice(story).blame == "function"


def test_two_records_of_which_one_alone_was_applied_twice():
    """Two records do not make the writer guilty of what a redelivery of one of them did."""
    story = Story()
    for copy in (0, 1):
        story.put(ONE, copy=copy)
        story.record(ONE)
    story.handle(ONE, numbers=["98"], outcome=INFO, delivered=FAIL)
    story.handle(ONE, numbers=["98"])
    story.handle(ONE, numbers=["99"], calls=())
    story.state(ONE)
    assert twice(story).blame == "function"
