"""The checkers together: what is right is left alone, and an oracle counts the same."""

from importlib import import_module

from histories import ONE, TWO, Story, anomalies, right
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import Oracle
from source_tree import module_of, sources

from harness.checkers import CHECKERS, judge
from harness.checkers.base import Checker
from harness.history import FAIL, INFO, OK
from harness.verdict import ANOMALIES


def test_nothing_is_found_where_everything_went_right():
    """Intents that went the whole way once, and in order, are no anomaly."""
    assert anomalies(right(Story(), ONE, TWO, "todo-2/1")) == ()


def test_every_checker_is_in_the_table():
    """A class of the package without a word would never be asked; and each kind of anomaly has a checker."""
    for file in sources("harness/checkers"):
        import_module(f"harness.{module_of(file)}")
    assert {each for each in Checker.__subclasses__() if each.__module__.startswith("harness.")} == {*CHECKERS.values()}
    assert list(CHECKERS)[: len(ANOMALIES)] == list(ANOMALIES)


INTENTS = ["todo-1/1", "todo-1/2", "todo-2/1"]
OUTCOMES = st.sampled_from([OK, OK, OK, FAIL, INFO, None])


@st.composite
def stories(draw):
    story = Story()
    writes = draw(st.lists(st.tuples(st.sampled_from(INTENTS), OUTCOMES), max_size=4))
    for copy, (intent, outcome) in enumerate(writes):
        calls = draw(st.lists(st.sampled_from([OK, FAIL, INFO, None]), max_size=2))
        story.put(intent, calls, outcome, process=f"writer/{copy}", copy=copy)
    recorded = draw(st.lists(st.sampled_from(INTENTS), max_size=4))
    numbers = [(intent, story.record(intent, draw(st.sampled_from([None, "event"])))) for intent in recorded]
    for intent, number in draw(st.lists(st.sampled_from(numbers), max_size=4)) if numbers else []:
        outcome = draw(st.sampled_from([OK, FAIL, INFO]))
        story.handle(intent, numbers=[number], calls=draw(st.sampled_from([(), (OK,), (INFO, OK)])), outcome=outcome)
    if recorded and draw(st.booleans()):
        story.mark("discard", draw(st.sampled_from(recorded)), reason="expired", dead_lettered=False)
    for intent in draw(st.lists(st.sampled_from([*INTENTS, "todo-7/1"]), max_size=4)):
        order = draw(st.sampled_from([None, 0, 1, 2, 3]))
        story.effect(intent, draw(st.integers(0, 2)), order, draw(st.sampled_from(["Effects", "Queue"])))
    for intent in draw(st.lists(st.sampled_from(recorded), max_size=1)) if recorded else []:
        story.dead_letter(intent)
    for item in ("todo-1", "todo-2"):
        states = st.sampled_from([None, *[intent for intent in INTENTS if intent.startswith(item)]])
        story.state(draw(states), item=item)
        if draw(st.booleans()):
            story.state(draw(states), role="view", item=item)
    return story


@settings(max_examples=400, deadline=None)
@given(stories(), st.booleans())
def test_the_checkers_count_what_an_oracle_counts(story, quiet):
    """A brute-force count by other means finds the same anomalies in any small history."""
    operations = story.end(quiet=quiet)
    verdict = judge(operations)
    counts = verdict.counts
    assert not any("raised" in reason for reason in verdict.reasons)
    assert {kind: counts[kind] for kind in ANOMALIES} == Oracle(operations).counts()
