"""Items that writers share: only the stream knows the order of their changes, and so the state that is right."""

import pytest
from histories import ONE, TWO, Story, only

from harness.checkers import judge
from harness.history import FAIL, INFO, INVOKE, OK

OTHER = "writer/1"


def raced(*in_stream):
    """Both writers began before the other had ended; the stream has the changes in this order."""
    story = Story(share=True)
    for process, intent in (("writer/0", ONE), (OTHER, TWO)):
        story.add(process, INVOKE, "put", {"intent": intent, "item": "todo-1", "copy": 0})
    for process, intent in (("writer/0", ONE), (OTHER, TWO)):
        story.call(process, intent, effect=False)
        story.add(process, OK, "put", {"intent": intent, "item": "todo-1", "copy": 0})
    applied(story, *in_stream)
    return story


def applied(story, *in_stream):
    for intent in in_stream:
        story.record(intent)
        story.handle(intent)
    for intent in dict.fromkeys(in_stream):
        story.effect(intent)


def after_one_another(**second):
    """The second writer began when the first had its answer."""
    story = Story(share=True)
    story.put(ONE)
    story.put(TWO, process=OTHER, **second)
    return story


@pytest.mark.parametrize("in_stream", [(ONE, TWO), (TWO, ONE), (ONE, TWO, ONE)])
def test_of_a_race_the_last_in_the_stream_is_right(in_stream):
    """Whichever it is; where one item has two states in turn, A, B and A again, it is the A."""
    story = raced(*in_stream)
    story.state(in_stream[-1])
    verdict = judge(story.end())
    assert (verdict.verdict, verdict.anomalies) == ("valid", ())


def test_a_table_that_ends_otherwise_than_its_stream_is_the_platforms_doing():
    """The writers raced, and either might be the last; the stream says which was."""
    story = raced(ONE, TWO)
    story.state(ONE)
    wrong = only(story, "wrong_final_state")
    assert wrong.blame == "platform"
    assert wrong.why == "the last change of todo-1 in the stream is todo-1/2, and the item is todo-1/1"


def test_what_ended_before_the_other_began_is_not_the_final_state():
    """It was overwritten: then it may not come back, as the copy of an operation makes it (S-14)."""
    story = after_one_another()
    story.put(ONE, copy=1)
    applied(story, ONE, TWO, ONE)
    story.state(ONE)
    wrong = only(story, "wrong_final_state")
    assert wrong.summary == "item todo-1 ended as todo-1/1 instead of todo-1/2"
    assert wrong.blame == "writer"
    assert "took place late and overwrote todo-1/2 (S-14)" in wrong.why


def test_an_attempt_that_nobody_knows_of_may_come_last():
    """Its writer has not given up, or does not know: that is no proof."""
    story = Story(share=True)
    story.put(ONE, calls=(INFO,), outcome=INFO)
    story.put(TWO, process=OTHER)
    applied(story, ONE, TWO)
    story.state(ONE)
    assert judge(story.end()).anomalies == ()


def test_a_refused_change_is_not_the_final_one():
    """The other writer's is, although it began earlier."""
    story = after_one_another(calls=(FAIL,), outcome=FAIL)
    applied(story, ONE)
    story.state(ONE)
    assert judge(story.end()).verdict == "valid"


def test_a_view_that_takes_the_second_a_for_the_first():
    """A, B, A: the last record is of an intent that the function knows already, and the view stays at B."""
    story = raced(ONE, TWO, ONE)
    story.state(ONE)
    story.state(TWO, role="view")
    wrong = only(story, "wrong_final_state")
    assert wrong.blame == "function"
    assert "todo-1/1 was written again after todo-1/2, and function/3 ended ok" in wrong.why


def reference(story, owed, order):
    value = {"platform": "embedded", "verdict": "valid", "why": "", "owed": owed, "contents": {}, "source": {}}
    value |= {"views": {}, "left_out": [], "orders": {"todo-1": order}}
    story.add("harness", INFO, "reference", value)


@pytest.mark.parametrize(
    "owed, order, verdict",
    [
        ([ONE, "todo-2/1"], [ONE, TWO], "invalid"),
        ([ONE, "todo-2/1"], [TWO, ONE], "unknown"),
        ([ONE, TWO, "todo-2/1"], [TWO, ONE], "invalid"),
    ],
    ids=["in the same order", "in another order", "of a sink that takes all"],
)
def test_what_depends_on_the_order_is_not_judged_by_another_order(owed, order, verdict):
    """A function may look at the state before; the reference tells what it makes of one order alone."""
    story = raced(ONE, TWO)
    story._read.clear()
    story.put("todo-2/1")
    applied(story, "todo-2/1")
    story.effect(TWO, sink="Queue")
    for intent in (TWO, "todo-2/1"):
        story.state(intent)
    reference(story, {"Effects": owed, "Queue": [TWO]}, order)
    found = judge(story.end())
    assert found.verdict == verdict
    if verdict == "unknown":
        assert found.reasons == (
            "todo-1/1 landed at Effects without the faults, where the changes of todo-1 came in another order: "
            "whether that is meant cannot be judged",
        )
