"""Lost: what was acknowledged and left no effect, and where its trail ends."""

import pytest
from histories import ONE, TWO, Story, anomalies, only, right, written

from harness.history import FAIL, INFO, OK


def test_a_lost_intent_names_everything_that_bears_on_it():
    """The operations of an anomaly are the intent's own, in the order of the history."""
    story = written(ONE)
    story.handle(ONE, calls=())
    lost = only(right(story, "todo-2/1"), "lost")
    processes = [story.history.operations[index].process for index in lost.operations]
    assert lost.subject == ONE
    assert list(lost.operations) == sorted(lost.operations)
    assert processes == ["writer/0"] * 4 + ["function/1"] * 2 + ["observer"]


def test_an_intent_without_an_effect_is_lost_only_if_it_was_acknowledged():
    """A writer that was told of a failure, or of nothing, has been promised nothing: nothing of it is in the stream."""
    story = right(Story(), ONE)
    story.put("todo-2/1", calls=(FAIL,), outcome=FAIL)
    story.put("todo-3/1", calls=(INFO,), outcome=INFO)
    story.put("todo-4/1", calls=(None,), outcome=None)
    assert anomalies(story) == ()


@pytest.mark.parametrize("outcome", [INFO, None])
def test_what_is_in_the_stream_took_place(outcome):
    """Its writer got no answer, the pipeline got the change, and applied nothing."""
    story = right(Story(), "todo-2/1")
    story.put(ONE, calls=(INFO,), outcome=outcome)
    story.record(ONE)
    story.handle(ONE, calls=())
    story.state(ONE)
    lost = only(story, "lost")
    assert (lost.subject, lost.blame) == (ONE, "function")
    assert lost.summary == "intent todo-1/1 is in the stream and never applied"


def test_one_acknowledged_copy_is_a_promise():
    """The writer's duplicate failed, but the first copy was acknowledged."""
    story = Story()
    story.put(ONE)
    story.put(ONE, calls=(FAIL,), outcome=FAIL, copy=1)
    story.record(ONE)
    story.state(ONE)
    assert only(story, "lost").blame == "mapping"


@pytest.mark.parametrize(
    "calls, blame, why",
    [
        ((OK,), "stream", "ended ok, and the stream has no record of it"),
        ((FAIL, INFO), "writer", "none of its 2 calls ended ok"),
        ((), "writer", "without sending anything"),
    ],
)
def test_a_loss_before_the_stream(calls, blame, why):
    """Without a record the writer is to blame for what it never wrote, and the stream for what was written."""
    story = right(Story(), "todo-2/1")
    story.put(ONE, calls=calls)
    story.state(ONE)
    lost = only(story, "lost")
    assert (lost.blame, lost.subject) == (blame, ONE)
    assert why in lost.why


@pytest.mark.parametrize("mark, why", [("filter", "filter"), ("discard", "undelivered: expired"), (None, "LATEST")])
def test_a_loss_between_stream_and_function(mark, why):
    """A record that was never delivered is the mapping's loss."""
    story = written(ONE)
    if mark:
        story.mark(mark, ONE, reason="expired", dead_lettered=False)
    lost = only(story, "lost")
    assert lost.blame == "mapping"
    assert why in lost.why


def test_a_loss_after_the_mapping_gave_up():
    """Failures made the mapping give up, and nothing was dead-lettered: the function's loss."""
    story = written(ONE)
    for _ in range(2):
        story.handle(ONE, calls=(), outcome=FAIL, delivered=FAIL, word="raised", error="ValueError: no")
    story.mark("discard", ONE, reason="RetryAttemptsExhausted", dead_lettered=False)
    lost = only(story, "lost")
    assert lost.blame == "function"
    assert "delivered twice, at last function/2 raised (ValueError: no)" in lost.why
    assert "RetryAttemptsExhausted" in lost.why
    assert "nothing was dead-lettered" in lost.why


def test_a_loss_of_what_was_reported_as_failed():
    """The executions ended ok and reported the record as failed, until the mapping gave up."""
    story = written(ONE)
    story.handle(ONE, calls=(), delivered=FAIL, word="reported")
    story.mark("discard", ONE, reason="RetryAttemptsExhausted", dead_lettered=False)
    assert "function/1 reported it as failed" in only(story, "lost").why


def test_a_loss_of_what_the_function_never_saw():
    """Handed over, and the function never began: the mapping's loss, with or without a discard (G-10)."""
    story = written(ONE, TWO)
    story.begin(ONE)(FAIL, "not_started")
    story.mark("discard", ONE, reason="RetryAttemptsExhausted", dead_lettered=False)
    story.begin(TWO)(FAIL, "not_started")
    first, second = anomalies(story)
    assert (first.blame, second.blame) == ("mapping", "mapping")
    assert "the function never began" in first.why
    assert "no execution began" in second.why


def test_a_marker_before_the_effect_loses_it():
    """The execution died between marker and effect; the next one found the marker and acknowledged (P-02)."""
    story = written(ONE)
    delivery = story.begin(ONE)
    process, end = story.execute(ONE)
    story.call(process, ONE, effect=False)
    story.call(process, ONE, (None,))
    crash = story.fire("crash", "function before dynamodb.PutItem todo-1/1 #1")
    end(INFO)
    delivery(FAIL, "raised")
    story.handle(ONE, calls=())
    lost = only(story, "lost")
    assert lost.blame == "function"
    assert f"function/1 broke off (crash, #{crash.index}) before its effect, and function/2" in lost.why
    assert crash.index in lost.operations


def test_the_marker_that_lost_an_effect_is_shown():
    """The calls of the execution that died are part of the proof, those of another are not."""
    story = written(ONE)
    delivery = story.begin(ONE)
    process, end = story.execute(ONE)
    story.call(process, ONE, effect=False)
    marker = len(story.history) - 1
    end(INFO)
    delivery(FAIL, "raised")
    delivery = story.begin(ONE)
    process, end = story.execute(ONE)
    story.call(process, ONE, (FAIL,), effect=False)
    refused = len(story.history) - 1
    end()
    delivery()
    lost = only(story, "lost")
    assert "(P-02)" in lost.why
    assert marker in lost.operations
    assert refused not in lost.operations


def test_an_execution_that_broke_off_later_explains_no_loss():
    """The first one acknowledged without an effect; what a redelivery did afterwards is another matter."""
    story = written(ONE)
    story.handle(ONE, calls=())
    story.handle(ONE, calls=(), outcome=INFO, delivered=FAIL)
    assert "function/1 ended ok and acknowledged it without an effect" in only(story, "lost").why


def test_the_last_acknowledgement_is_the_one_that_lost():
    """An effect was refused, and the batch failed as it should; the redelivery acknowledged without trying."""
    story = written(ONE)
    story.handle(ONE, calls=(FAIL,), delivered=FAIL, word="reported")
    story.handle(ONE, calls=())
    assert "function/2 ended ok and acknowledged it without an effect" in only(story, "lost").why


def test_the_last_failure_is_the_one_that_is_told():
    """Two executions, and nothing came after the second."""
    story = written(ONE, TWO)
    for _ in range(2):
        story.handle(ONE, calls=(), outcome=FAIL, delivered=FAIL, word="raised")
    for _ in range(2):
        story.handle(TWO, calls=(), delivered=FAIL, word="reported")
    story.mark("discard", TWO, reason="RetryAttemptsExhausted", dead_lettered=False)
    first, second = anomalies(story)
    assert "executed twice, at last function/2 raised" in first.why
    assert "at last function/4 reported it as failed" in second.why


@pytest.mark.parametrize(
    "calls, outcome, why",
    [
        ((), OK, "function/1 ended ok and acknowledged it without an effect"),
        ((FAIL,), OK, "ended ok, although its dynamodb.PutItem had failed"),
        ((OK,), OK, "Effects no longer holds the effect"),
        ((), FAIL, "executed once, at last function/1 raised; it was not delivered again"),
    ],
)
def test_a_loss_inside_the_function(calls, outcome, why):
    """What was delivered and left no effect is the function's loss."""
    story = written(ONE)
    story.handle(ONE, calls=calls, outcome=outcome, delivered=outcome)
    lost = only(story, "lost")
    assert lost.blame == "function"
    assert why in lost.why


def test_executions_stand_for_deliveries_that_nobody_saw():
    """The platform's own mapping delivers unseen; an execution shows that it did."""
    story = written(ONE)
    _, end = story.execute(ONE)
    end()
    assert only(story, "lost").blame == "function"


def test_a_dead_letter_is_not_a_loss():
    """What the on-failure destination was told of is dead-lettered instead."""
    story = written(ONE)
    story.handle(ONE, calls=(), outcome=FAIL, delivered=FAIL, word="raised")
    story.mark("discard", ONE, reason="RetryAttemptsExhausted", dead_lettered=True)
    story.dead_letter(ONE)
    only(story, "dead_lettered")


def test_nothing_is_called_lost_while_it_may_still_come():
    """While the pipeline was not at rest, an effect may be under way."""
    assert anomalies(written(ONE), quiet=False) == ()
