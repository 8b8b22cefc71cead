"""Judging a history: valid is earned, and whatever can't be told is unknown."""

import sys
from dataclasses import replace

import pytest
from histories import Story, right, valid
from hypothesis import given
from hypothesis import strategies as st
from own_checkers import Forgetful, HandledLate, Raising, Undecided

from harness.checkers import faults, judge
from harness.checkers.lost import Lost
from harness.history import FAIL, INFO, OK, Operation
from harness.verdict import ANOMALIES, INVALID, UNKNOWN, VALID

VALID_HISTORY = valid()


def renumbered(operations):
    return [replace(operation, index=index) for index, operation in enumerate(operations)]


def without(f=None, **value):
    """The valid history without some of its operations, and without a gap where they were."""
    return renumbered(
        op
        for op in VALID_HISTORY
        if not (op.f == f and all(op.value.get(key) == wanted for key, wanted in value.items()))
    )


def test_a_run_in_which_everything_went_right_is_valid():
    """Intents that each have one effect, faults that fired, a pipeline at rest and read: nothing to object to."""
    verdict = judge(VALID_HISTORY)
    assert (verdict.verdict, verdict.anomalies, verdict.reasons) == (VALID, (), ())


def written_back(story, intent):
    """The function writes the item back to the source, and applies the record of that as well."""
    process, end = story.execute(intent)
    story.call(process, intent, effect=False)
    end()
    story.handle(intent, numbers=[story.record(intent)])
    story.effect(intent)


def held_up(story, intent):
    """Its batch fails, and the batch behind it is too old by then."""
    behind = f"{intent}b"
    for each in (intent, behind):
        story.put(each)
        story.record(each)
    story.handle(intent, calls=(), outcome=FAIL, delivered=FAIL, word="failed")
    story.mark("discard", behind, reason="RecordAgeExceeded", dead_lettered=False)


def in_vain(story, intent):
    """Nothing is left of it, at a sink whose rows name no intent."""
    right(story, intent)
    row = {"sink": "Mails", "intent": None, "item": None, "count": 1, "order": None}
    story._read.append(("effect", row | {"content": f'{{"text": "sent {len(story._read)}"}}'}))


def superseded(story, intent):
    """Only the later of two changes in one batch landed, and without the faults the earlier one did."""
    later = f"{intent}b"
    for each in (intent, later):
        story.put(each)
        story.record(each)
    delivery = story.begin(intent, later)
    process, end = story.execute(intent, later)
    story.call(process, later)
    end()
    delivery()
    story.effect(later)
    earlier = [op.value["intent"] for op in story.history if op.f == "put" and op.value["intent"][-1] != "b"]
    facts = {"platform": "embedded", "verdict": VALID, "why": "", "contents": {}, "source": {}, "views": {}}
    story.add("harness", INFO, "reference", {**facts, "owed": {"Effects": earlier}})


@pytest.mark.parametrize(
    "bad",
    [
        lambda story, intent: story.put(intent),
        lambda story, intent: (right(story, intent), story.handle(intent), story.effect(intent)),
        lambda story, intent: (right(story, intent), written_back(story, intent)),
        held_up,
        in_vain,
        superseded,
    ],
    ids=["lost", "duplicated", "written back", "held up", "nameless", "superseded"],
)
def test_the_steps_of_judging_grow_with_the_history(bad):
    """Four times as many operations take about four times as many lines, however many of the intents went wrong."""

    def lines(size):
        story = Story()
        for number in range(size):
            bad(story, f"todo-{number}/1")
        operations, counted = story.end(), 0

        def count(frame, event, argument):
            nonlocal counted
            counted += 1  # at each round of a loop too
            return count

        before = sys.gettrace()
        sys.settrace(count)
        try:
            judge(operations)
        finally:
            sys.settrace(before)
        return counted

    lines(1)  # imports the checkers
    assert lines(240) < 4.5 * lines(60)


def test_the_counts_of_a_run():
    """What happened, in numbers."""
    assert judge(VALID_HISTORY).counts == {
        "intents": 3,
        "acknowledged": 3,
        "unknown": 0,
        "records": 3,
        "deliveries": 3,
        "executions": 3,
        "effects": 3,
        **dict.fromkeys(ANOMALIES, 0),
    }


def test_deliveries_that_nobody_saw_are_not_counted():
    """The platform's own mapping tells nobody what it delivers: no number is better than a wrong one."""
    counts = judge([operation for operation in VALID_HISTORY if operation.f != "deliver"]).counts
    assert "deliveries" not in counts
    assert counts["executions"] == 3


def test_counts_of_what_went_wrong():
    """Effects are counted with their repetitions, anomalies by kind, intents by how they ended."""
    story = right(Story(), "todo-2/1")
    story.put("todo-1/1", calls=(INFO,), outcome=INFO)
    story.effect("todo-1/1", count=3)
    counts = judge(story.end()).counts
    assert (counts["intents"], counts["acknowledged"], counts["unknown"]) == (2, 1, 1)
    assert (counts["effects"], counts["duplicated"], counts["lost"]) == (4, 1, 0)


@given(st.integers(0, len(VALID_HISTORY) - 1))
def test_a_history_that_was_cut_is_unknown(length):
    """A run that was killed anywhere leaves a prefix, and no prefix of a valid history is valid, or invalid."""
    assert judge(VALID_HISTORY[:length]).verdict == UNKNOWN


def test_a_history_with_a_hole_is_unknown():
    """An operation that is missing from the middle leaves a gap in the indices."""
    for hole in range(len(VALID_HISTORY)):
        verdict = judge(VALID_HISTORY[:hole] + VALID_HISTORY[hole + 1 :])
        assert verdict.verdict != VALID
    fired = next(op.index for op in VALID_HISTORY if op.process == "nemesis")
    reasons = judge([op for op in VALID_HISTORY if op.index != fired]).reasons
    assert f"operation #{fired} is missing from the history" in reasons


def test_no_history_at_all_is_unknown():
    """Nothing was checked, so nothing is known."""
    assert judge([]).verdict == UNKNOWN


@pytest.mark.parametrize(
    "operations, reason",
    [
        (without("phase", phase="heal"), "phase heal is missing or out of order"),
        (without("phase", quiet=True), "the history does not say whether the pipeline was quiet"),
        (without("phase", complete=True), "reading back did not end"),
        (without("record"), "no record was read from the stream"),
        (without("state"), "no item was read from the source"),
    ],
)
def test_a_run_that_is_not_complete_is_unknown(operations, reason):
    """Each phase is there, in order, and each reading took place."""
    verdict = judge(operations)
    assert verdict.verdict == UNKNOWN
    assert any(reason in text for text in verdict.reasons)


def test_phases_out_of_order_are_unknown():
    """Heal comes before drain."""
    phases = [op.index for op in VALID_HISTORY if op.value.get("phase") in ("heal", "drain")][:2]
    swapped = list(VALID_HISTORY)
    swapped[phases[0]], swapped[phases[1]] = swapped[phases[1]], swapped[phases[0]]
    assert judge(renumbered(swapped)).verdict == UNKNOWN


def test_rest_that_was_reached_only_while_reading_is_unknown():
    """Whatever was read before the pipeline became quiet may be old."""
    quiet = next(op for op in VALID_HISTORY if "quiet" in op.value)
    late = [op for op in VALID_HISTORY if op is not quiet]
    verdict = judge(renumbered([*late[:-1], quiet, late[-1]]))
    assert verdict.verdict == UNKNOWN


def test_a_pipeline_that_did_not_come_to_rest_is_unknown():
    """The drain hit its bound: an effect may still come."""
    verdict = judge(right(Story(), "todo-1/1").end(quiet=False, reason="3 records after 600 s"))
    assert verdict.verdict == UNKNOWN
    assert "the pipeline did not become quiet: 3 records after 600 s" in verdict.reasons


def test_a_run_without_intents_is_unknown():
    """No writer did anything."""
    verdict = judge(Story().end())
    assert verdict.verdict == UNKNOWN
    assert "no writer wrote anything: nothing was measured" in verdict.reasons


def test_a_run_without_effects_is_unknown():
    """No write is known to have happened, and no effect landed: nothing was lost, and nothing was shown."""
    story = Story()
    story.put("todo-1/1", calls=(INFO,), outcome=INFO)
    verdict = judge(story.end())
    assert verdict.verdict == UNKNOWN
    assert "no effect landed at any sink: nothing was measured" in verdict.reasons


@pytest.mark.parametrize("matched, reason", [([7], "7 points"), ([1], "1 point"), ([], "0 points")])
def test_a_fault_that_never_fired_is_unknown(matched, reason):
    """The scenario armed it, so without it the question was not asked."""
    verdict = judge(right(Story(["crash"], matched), "todo-1/1").end())
    assert verdict.verdict == UNKNOWN
    assert f"faults[0]: crash never fired; {reason} matched its aim" in verdict.reasons


def test_faults_are_told_apart_by_their_place_in_the_scenario():
    """Two faults of one name are two; `armed` is how many points matched, `fired` is counted in the history."""
    story = right(Story(["crash", "crash"], [4, 2]), "todo-1/1")
    for _ in range(3):
        story.fire("crash", "function before handle todo-1/1 #1", index=1)
    operations = story.end()
    assert faults(operations) == [
        {"fault": "crash", "armed": 4, "fired": 0},
        {"fault": "crash", "armed": 2, "fired": 3},
    ]
    assert judge(operations).verdict == UNKNOWN


def test_an_anomaly_beats_what_is_not_known():
    """A duplicate is one, even if a fault never fired and the drain hit its bound."""
    story = right(Story(["crash"]), "todo-1/1")
    story.effect("todo-1/1")
    verdict = judge(story.end(quiet=False))
    assert verdict.verdict == INVALID
    assert len(verdict.reasons) >= 2


def test_a_checker_that_raises_is_unknown(monkeypatch):
    """A mistake of the harness says nothing about the pipeline."""

    def broken(checker, index):
        raise RuntimeError("no")

    monkeypatch.setattr(Lost, "check", broken)
    verdict = judge(VALID_HISTORY)
    assert verdict.verdict == UNKNOWN
    assert verdict.reasons == ("checker lost raised RuntimeError: no",)


def test_a_checker_of_the_users_own_is_asked_too():
    """Its anomalies carry its word, make the run invalid, and are counted; where it finds none the count is 0."""
    own = {"own_checkers:HandledLate": HandledLate}
    verdict = judge(VALID_HISTORY, own=own)
    assert verdict.verdict == INVALID
    assert {anomaly.kind for anomaly in verdict.anomalies} == set(own)
    assert [anomaly.subject for anomaly in verdict.anomalies] == ["todo-2/1", "todo-2/2"]
    assert verdict.counts["own_checkers:HandledLate"] == 2
    assert judge(right(Story(), "todo-1/1").end(), own=own).counts["own_checkers:HandledLate"] == 0


@pytest.mark.parametrize(
    "checker, reason",
    [
        (Undecided, "nobody can say"),
        (Raising, "checker mine raised ZeroDivisionError: division by zero"),
        (Forgetful, "checker mine raised TypeError: check returned NoneType, not a Finding"),
    ],
)
def test_a_checker_of_the_users_own_without_a_finding_is_unknown(checker, reason):
    """Whether it says so, raises, or returns something else."""
    verdict = judge(VALID_HISTORY, own={"mine": checker})
    assert (verdict.verdict, verdict.reasons) == (UNKNOWN, (reason,))


@pytest.mark.parametrize(
    "operation, reason",
    [
        (Operation(0, 0, "stranger", OK, "put"), "KeyError: 'stranger'"),
        (
            Operation(0, 0, "writer/0", OK, "put", {"intent": "todo-1/1"}),
            "#0 closes put of writer/0, which is not open",
        ),
        (Operation(0, 0, "observer", OK, "effect", {}), "KeyError"),
    ],
)
def test_a_history_that_cannot_be_read_is_unknown(operation, reason):
    """Whatever does not follow the table of operations is not guessed at."""
    verdict = judge([operation])
    assert verdict.verdict == UNKNOWN
    assert reason in verdict.reasons[0]


def test_operations_that_are_open_at_once_are_closed_by_name():
    """A dispatcher has two deliveries open; the first to be opened may be the first to be closed."""
    story = right(Story(), "todo-1/1")
    first = story.begin("todo-1/1")
    story.begin("todo-1/1")(OK)
    first(OK)
    assert judge(story.end()).verdict == VALID


def test_a_read_has_no_intent():
    """Writers may also read; that is no intent that wants an effect."""
    story = right(Story(), "todo-1/1")
    for type in ("invoke", OK):
        story.add("writer/0", type, "get", {"item": "todo-1"})
    assert judge(story.end()).counts["intents"] == 1


def test_a_long_history_is_judged_in_one_pass():
    """Twice the operations take about twice the work: counted in operations read, not in seconds."""

    def reads(items):
        operations = right(Story(), *(f"todo-{number}/1" for number in range(items))).end()
        seen = [Counting(**{name: getattr(op, name) for name in Operation.__slots__}) for op in operations]
        Counting.reads = 0
        judge(seen)
        return Counting.reads

    assert reads(200) < 2.2 * reads(100)


class Counting(Operation):
    """Counts how often anything of an operation is read."""

    reads = 0

    def __getattribute__(self, name):
        Counting.reads += 1
        return super().__getattribute__(name)
