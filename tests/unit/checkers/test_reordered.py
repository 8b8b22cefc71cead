"""Reordered: effects that landed in another order than their records."""

import pytest
from histories import ONE, TWO, Story, anomalies, only, written

from harness.history import FAIL, OK


def landed_the_other_way_round(story):
    story.effect(ONE, order=2)
    story.effect(TWO, order=1)
    return only(story, "reordered")


def test_a_batch_that_the_function_applied_out_of_order():
    """Both records were in one delivery, in order: the function's doing."""
    story = written(ONE, TWO)
    story.handle(ONE, TWO)
    reordered = landed_the_other_way_round(story)
    assert (reordered.subject, reordered.blame) == ("todo-1", "function")
    assert "in one batch" in reordered.why


def test_deliveries_in_order_of_which_the_function_kept_none():
    """The earlier record was acknowledged before the later one was handed over."""
    story = written(ONE, TWO)
    story.handle(ONE)
    story.handle(TWO)
    assert landed_the_other_way_round(story).blame == "function"


def test_a_delivery_out_of_order():
    """The later record was handed over first: the mapping's doing."""
    story = written(ONE, TWO)
    story.handle(TWO)
    story.handle(ONE)
    reordered = landed_the_other_way_round(story)
    assert reordered.blame == "mapping"
    assert "before any delivery of todo-1/1 had ended" in reordered.why


def test_a_mapping_that_does_not_wait_for_a_retry():
    """A failing record blocks its shard (S-66); a mapping that goes on reorders."""
    story = written(ONE, TWO)
    story.handle(ONE, calls=(), outcome=FAIL, delivered=FAIL, word="raised")
    story.handle(TWO)
    story.handle(ONE)
    reordered = landed_the_other_way_round(story)
    assert reordered.blame == "mapping"
    assert "still had to be retried" in reordered.why


@pytest.mark.parametrize("outcome, word, again", [(OK, "succeeded", True), (FAIL, "partly_succeeded", False)])
def test_a_record_that_was_done_with_before_the_next_one(outcome, word, again):
    """It was acknowledged, and came once more later; or its batch failed after it: the mapping kept the order."""
    story = written(ONE, TWO)
    story.handle(ONE, calls=(), outcome=FAIL, delivered=FAIL, word="raised")
    story.handle(ONE, delivered=outcome, word=word)
    story.handle(TWO)
    if again:
        story.handle(ONE)
    assert landed_the_other_way_round(story).blame == "function"


def test_a_reordering_that_no_delivery_explains():
    """Without deliveries only the effects are left to look at."""
    assert landed_the_other_way_round(written(ONE, TWO)).blame == "function"


def test_what_is_not_reordered():
    """Only first landings count, of one item, at one sink that keeps an order."""
    story = written(ONE, TWO)
    story.put("todo-2/1")
    story.record("todo-2/1")
    story.handle(ONE, TWO, "todo-2/1")
    story.effect(ONE, order=5)
    story.effect(TWO, order=6)
    story.effect("todo-2/1", order=1)
    story.effect(ONE, order=9, sink="Queue")
    story.effect(TWO, order=None, sink="Queue")
    story.effect(TWO, order=1, sink="Bucket")
    story.state("todo-2/1")
    assert anomalies(story) == ()


def test_the_order_is_that_of_the_records():
    """Whatever order the writers' operations have, the stream's is the one to keep (S-39)."""
    story = Story()
    story.put(ONE)
    story.put(TWO)
    story.record(TWO)
    story.record(ONE)
    story.handle(TWO, ONE)
    story.effect(TWO)
    story.effect(ONE)
    story.state(TWO)
    assert anomalies(story) == ()
