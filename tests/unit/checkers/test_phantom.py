"""Phantom: effects that nobody is known to have wanted."""

import pytest
from histories import ONE, Story, anomalies, only, right

from harness.checkers import judge
from harness.history import FAIL, INFO, OK


@pytest.mark.parametrize("recorded, blame", [(False, "function"), (True, "stream")])
def test_an_effect_that_nobody_wanted(recorded, blame):
    """The function made it up, unless the stream did."""
    story = right(Story(), ONE)
    if recorded:
        story.record("todo-2/1")
    story.effect("todo-2/1")
    phantom = only(story, "phantom")
    assert (phantom.subject, phantom.blame) == ("todo-2/1", blame)


def test_an_effect_without_an_intent():
    """What cannot be read is not judged: neither valid nor a phantom."""
    story = right(Story(), ONE)
    story.effect(None)
    verdict = judge(story.end())
    assert (verdict.verdict, verdict.anomalies) == ("unknown", ())
    assert verdict.reasons == (
        "a row of Effects names no intent, such as null: whether it belongs there cannot be judged",
    )


@pytest.mark.parametrize(
    "calls, why",
    [
        ((INFO, FAIL), "attempt 1, took place, its reply was lost, and the SDK's retry failed on that very write"),
        ((OK,), "attempt 1, had taken place when the writer gave up"),
        ((FAIL,), "none of its calls can have taken place"),
    ],
)
def test_an_effect_of_what_is_said_to_have_failed(calls, why):
    """The writer says that it did not happen, and it did: own-write ambiguity (S-11)."""
    story = right(Story(), "todo-2/1")
    story.put(ONE, calls=calls, outcome=FAIL)
    story.record(ONE)
    story.handle(ONE)
    story.effect(ONE)
    phantom = only(story, "phantom")
    assert phantom.blame == "writer"
    assert why in phantom.why


def test_an_effect_of_what_nobody_knows_is_no_phantom():
    """An intent whose writer got no answer may have an effect, or none."""
    story = right(Story(), "todo-2/1")
    story.put(ONE, calls=(INFO,), outcome=INFO)
    story.record(ONE)
    story.handle(ONE)
    story.effect(ONE)
    story.state(ONE)
    assert anomalies(story) == ()
