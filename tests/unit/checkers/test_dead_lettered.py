"""Dead-lettered: what the mapping gave up and told of."""

import pytest
from histories import ONE, THREE, TWO, Story, anomalies, only, right, written

from harness.history import FAIL


def test_a_dead_letter_after_failures_is_the_functions():
    """It failed until the mapping gave up; records beside the batch are not concerned."""
    story = written(ONE)
    story.put("todo-2/1")
    story.record("todo-2/1")
    for _ in range(3):
        story.handle(ONE, calls=(), outcome=FAIL, delivered=FAIL, word="raised")
    story.mark("discard", ONE, reason="RetryAttemptsExhausted", dead_lettered=True)
    story.handle("todo-2/1")
    story.effect("todo-2/1")
    story.state("todo-2/1")
    story.dead_letter(ONE)
    dead = only(story, "dead_lettered")
    assert (dead.subject, dead.blame) == (ONE, "function")
    assert "RetryAttemptsExhausted: executed 3 times, at last function/3 raised" in dead.why


@pytest.mark.parametrize(
    "condition, executed, blame",
    [
        ("RecordAgeExceeded", False, "mapping"),
        ("RecordAgeExceeded", True, "function"),
        ("RetryAttemptsExhausted", False, "function"),
    ],
)
def test_who_is_to_blame_for_a_dead_letter(condition, executed, blame):
    """The mapping only where records grew too old without the function failing (S-69)."""
    story = written(ONE)
    if executed:
        story.handle(ONE, calls=(), outcome=FAIL, delivered=FAIL, word="raised")
    story.dead_letter(ONE, condition=condition)
    assert only(story, "dead_lettered").blame == blame


@pytest.mark.parametrize(
    ("reported", "what"),
    [
        ((), "it as failed"),
        ((TWO,), "it as failed"),
        ((ONE,), "an earlier record of its batch as failed"),
        (("x",), "'x', which is not in the batch, as failed"),
    ],
)
def test_a_dead_letter_of_what_was_reported_as_failed(reported, what):
    """No execution broke off: the function answered, each time, that it could not, and named a record (S-75)."""
    story = written(ONE, TWO)
    numbers = dict(zip((ONE, TWO), story.batch((ONE, TWO))["sequence_numbers"], strict=True))
    answer = [numbers.get(each, each) for each in reported]
    story.handle(ONE, TWO, calls=(), delivered=FAIL, word="reported", reported=answer)
    story.dead_letter(ONE, TWO)
    dead = {anomaly.subject: anomaly.why for anomaly in anomalies(story) if anomaly.kind == "dead_lettered"}
    assert dead[TWO] == f"RetryAttemptsExhausted: executed once, at last function/1 reported {what}"


def test_a_dead_letter_of_what_was_applied_is_no_anomaly():
    """The effect is there, whatever the mapping thought."""
    story = right(Story(), ONE)
    story.dead_letter(ONE)
    assert anomalies(story) == ()


def test_a_dead_letter_names_the_batch_and_not_the_range():
    """A parallel lane's batch has gaps: the discard says which records it held, so the one between is lost."""
    story = written(ONE, TWO, THREE)
    story.handle(ONE, THREE, calls=(), outcome=FAIL, delivered=FAIL, word="raised")
    story.mark("discard", ONE, THREE, reason="RetryAttemptsExhausted", dead_lettered=True)
    story.dead_letter(ONE, THREE)
    assert {(anomaly.kind, anomaly.subject) for anomaly in anomalies(story)} == {
        ("lost", TWO),
        ("dead_lettered", ONE),
        ("dead_lettered", THREE),
    }


def test_a_range_of_sequence_numbers_is_compared_as_integers():
    """99…100 holds two records, although '100' is the smaller string (S-41); what was filtered is not in it."""
    story = written(ONE, TWO, THREE)
    story.mark("filter", THREE)
    story.dead_letter(TWO, THREE)
    assert [(anomaly.kind, anomaly.subject) for anomaly in anomalies(story)] == [
        ("lost", ONE),
        ("lost", THREE),
        ("dead_lettered", TWO),
    ]
