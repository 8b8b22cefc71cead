"""Wrong final state: what an item is in the end, in the source and in a view."""

import pytest
from histories import ONE, THREE, TWO, Story, anomalies, only, right, written

from harness.checkers import judge
from harness.history import FAIL, INFO, OK


def test_a_late_attempt_that_overwrote_a_newer_value():
    """The repetition of a put whose reply was lost overwrites what came in between (S-14): the writer's doing."""
    story = Story()
    story.put(ONE, calls=(INFO,), outcome=None)
    story.put(TWO, process="writer/1")
    story.call("writer/0", ONE, effect=False)
    for intent in (ONE, TWO):
        story.record(intent)
        story.handle(intent)
        story.effect(intent)
    story.state(ONE)
    wrong = only(story, "wrong_final_state")
    assert (wrong.subject, wrong.blame) == ("todo-1", "writer")
    assert wrong.summary == "item todo-1 ended as todo-1/1 instead of todo-1/2"
    assert "took place late and overwrote todo-1/2 (S-14)" in wrong.why


def test_a_repeated_operation_that_overwrote_a_newer_value():
    """The caller repeated what had been acknowledged, after a newer change: the repetition is shown, not the first."""
    story = Story()
    story.put(ONE)
    story.put(TWO)
    late = len(story.history) + 1
    story.put(ONE, copy=1)
    for intent in (ONE, TWO):
        story.record(intent)
        story.handle(intent)
        story.effect(intent)
    story.state(ONE)
    wrong = only(story, "wrong_final_state")
    assert wrong.blame == "writer"
    assert "dynamodb.PutItem, attempt 1, of todo-1/1 took place late" in wrong.why
    assert late in wrong.operations


def applied(*puts):
    """Each put `(intent, calls, outcome)` went the whole way, if it is in the stream at all."""
    story = right(Story(), "todo-9/1")
    for intent, calls, outcome in puts:
        story.put(intent, calls=calls, outcome=outcome)
        if outcome != FAIL:
            story.record(intent)
            story.handle(intent)
            story.effect(intent)
    return story


@pytest.mark.parametrize(
    "puts, ended, blame",
    [
        ([(ONE, (OK,), OK), (TWO, (OK,), OK)], ONE, "platform"),
        ([(ONE, (OK,), OK)], None, "platform"),
        ([(ONE, (OK,), OK), (TWO, (INFO,), OK)], ONE, "writer"),
        ([(ONE, (OK,), OK), (TWO, (FAIL,), FAIL)], TWO, "writer"),
        ([(ONE, (OK,), OK)], "todo-1/7", "writer"),
        ([(ONE, (INFO,), INFO), (TWO, (OK,), OK)], ONE, "writer"),
    ],
)
def test_a_source_that_is_not_what_the_writers_were_told(puts, ended, blame):
    """The last acknowledged intent must be there, or a later one of which nobody knows."""
    story = applied(*puts)
    story.state(ended, item="todo-1")
    assert only(story, "wrong_final_state").blame == blame


def test_an_item_that_nobody_was_told_of():
    """No change was acknowledged, and the item has one of an unknown writer."""
    story = applied((ONE, (FAIL,), FAIL))
    story.record("todo-1/7")
    story.state("todo-1/7")
    wrong = only(story, "wrong_final_state")
    assert wrong.blame == "writer"
    assert "no writer of this run wrote it" in wrong.why
    assert wrong.summary == "item todo-1 ended as todo-1/7 instead of nothing"


@pytest.mark.parametrize("ended", [ONE, TWO, THREE])
def test_what_nobody_knows_may_be_there_or_not(ended):
    """After the last acknowledged intent every unknown one is allowed."""
    story = applied((ONE, (OK,), OK), (TWO, (INFO,), INFO), (THREE, (INFO,), None))
    story.state(ended)
    assert anomalies(story) == ()


@pytest.mark.parametrize("ended", [ONE, None])
def test_an_item_of_which_nobody_knows_anything(ended):
    """It may be there, and it may not."""
    story = applied((ONE, (INFO,), INFO))
    story.state(ended, item="todo-1")
    assert anomalies(story) == ()


def test_an_acknowledged_item_that_nobody_read_is_gone():
    """The table was read; what is not in it is not there."""
    story = applied((ONE, (OK,), OK))
    assert only(story, "wrong_final_state").summary == "item todo-1 ended as nothing instead of todo-1/1"


def test_a_view_that_a_stale_redelivery_put_back():
    """The function wrote the older state over the newer one (P-01)."""
    story = written(ONE, TWO)
    for intent in (ONE, TWO, ONE):
        story.handle(intent)
    story.state(ONE, role="view")
    wrong = only(story, "wrong_final_state")
    assert wrong.blame == "function"
    assert "function/3 got the older todo-1/1 after todo-1/2" in wrong.why


def test_a_view_that_the_function_left_as_it_was():
    """The newest change was handled, and the view does not show it."""
    story = written(ONE, TWO)
    story.handle(ONE)
    story.handle(TWO)
    story.state(ONE, role="view")
    assert "function/2 ended ok and left the view as it was" in only(story, "wrong_final_state").why


def test_a_view_that_refused_the_newest_change():
    """The condition of the write failed, and the function took that for a repetition (S-41)."""
    story = written(ONE, TWO)
    story.handle(ONE)
    story.handle(TWO, calls=(FAIL,))
    story.state(ONE, role="view")
    assert "ended ok, although its dynamodb.PutItem had failed" in only(story, "wrong_final_state").why


@pytest.mark.parametrize("seen", [ONE, None])
def test_a_view_of_what_was_never_delivered(seen):
    """The newest change never reached the function: the mapping's doing."""
    story = written(ONE, TWO)
    story.handle(ONE)
    story.state(seen, role="view", item="todo-1")
    assert only(story, "wrong_final_state").blame == "mapping"


def test_a_view_of_an_item_that_has_nothing_older():
    """The item is not in the view, although its only change was handled."""
    story = written(ONE)
    story.handle(ONE)
    story.state(None, role="view", item="todo-1")
    wrong = only(story, "wrong_final_state")
    assert wrong.summary == "item todo-1 is nothing in the view and todo-1/1 in the source"
    assert wrong.blame == "function"


def test_a_view_that_kept_a_removed_item():
    """The source does not have the item any more."""
    story = right(Story(), ONE)
    story.state(ONE, role="view")
    story.state("todo-2/1", role="view")
    wrong = only(story, "wrong_final_state")
    assert wrong.summary == "item todo-2 is todo-2/1 in the view and nothing in the source"
    assert wrong.blame == "function"


def test_a_view_that_follows_the_source_is_enough():
    """Where a view is the only sink, an intent that was replaced leaves nothing, and is not lost."""
    story = written(ONE, TWO)
    story.handle(ONE)
    story.handle(TWO)
    story.state(TWO, role="view")
    verdict = judge(story.end())
    assert (verdict.verdict, verdict.anomalies) == ("valid", ())
