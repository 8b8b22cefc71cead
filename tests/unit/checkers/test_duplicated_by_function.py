"""Duplicated: one record, and a function that applied it more than once."""

import pytest
from histories import ONE, THREE, TWO, Story, anomalies, only, right, twice, written

from harness.history import FAIL, INFO, INVOKE, OK

CRASH = "function after dynamodb.PutItem todo-1/1 #1"


@pytest.mark.parametrize(
    "outcome, fault, error, why",
    [
        (INFO, "crash", None, "function/1 broke off (crash, #13) after its effect"),
        (INFO, "timeout", None, "function/1 broke off (timeout, #13) after its effect"),
        (FAIL, "function_error", None, "function/1 raised (function_error, #13) after its effect"),
        (FAIL, None, "KeyError: 'x'", "function/1 raised (KeyError: 'x') after its effect"),
        (FAIL, "refuse", "KeyError: 'x'", "function/1 raised (KeyError: 'x') (refuse, #13) after its effect"),
        (INFO, "crash", "killed", "function/1 broke off (crash, #13) after its effect"),
        (INFO, None, "killed", "function/1 broke off (killed) after its effect"),
    ],
)
def test_an_execution_that_failed_after_its_effect(outcome, fault, error, why):
    """The batch comes again, and the function applies it again (S-60, P-03)."""
    story = written(ONE)
    delivery = story.begin(ONE)
    process, end = story.execute(ONE)
    story.call(process, ONE)
    story.add("dispatcher/0", INFO, "filter", {"shard": "shard-1", "sequence_numbers": [], "intents": []})
    story.fire("delay", "dispatcher/0 before deliver todo-1/1 #1")
    story.fire("noop", "function before handle todo-1/2 #1")
    if fault:
        story.fire(fault, CRASH)
    end(outcome, error)
    delivery(FAIL, "raised")
    story.handle(ONE)
    duplicated = twice(story)
    assert duplicated.blame == "function"
    assert why in duplicated.why
    assert "and function/2 applied it again" in duplicated.why


def test_a_batch_that_did_not_count_as_done():
    """The function applied and answered; a report of failure, or a lost answer, brought the batch back (S-118)."""
    story = written(ONE)
    story.handle(ONE, delivered=FAIL, word="result_lost")
    story.handle(ONE)
    duplicated = twice(story)
    assert duplicated.blame == "function"
    assert "its batch was not acknowledged (result_lost)" in duplicated.why


def test_an_execution_is_told_with_its_own_fault():
    """Two executions of each intent broke off, each by a fault of its own; the first one is the cause."""
    story = written(ONE, TWO, THREE)
    fired = []
    for intent in (ONE, TWO, THREE):
        first = story.begin(intent)
        process, end = story.execute(intent)
        story.call(process, intent)
        story.fire("noop", f"function before dynamodb.PutItem {intent} #1")
        fired.append(story.fire("crash", f"function after dynamodb.PutItem {intent} #1"))
        end(INFO)
        first(FAIL, "raised")
        second = story.begin(intent)
        process, end = story.execute(intent)
        story.call(process, intent)
        story.fire("timeout", f"function after dynamodb.PutItem {intent} #2")
        end(INFO)
        second(FAIL, "raised")
        story.effect(intent, count=2)
    for anomaly, fault in zip(anomalies(story), fired, strict=True):
        assert f"broke off (crash, #{fault.index})" in anomaly.why


def test_the_fault_that_broke_an_execution_may_have_aimed_at_another_intent():
    """The whole batch comes again after a crash at one of its records."""
    story = written(ONE)
    delivery = story.begin(ONE)
    process, end = story.execute(ONE)
    story.call(process, ONE)
    fired = story.fire("crash", "function before dynamodb.PutItem todo-9/9 #1")
    end(INFO)
    delivery(FAIL, "raised")
    story.handle(ONE)
    duplicated = twice(story)
    assert f"(crash, #{fired.index})" in duplicated.why
    assert fired.index in duplicated.operations


def test_a_report_of_failure_that_a_fault_made():
    """The function had applied everything when the fault reported a part as failed."""
    story = written(ONE)
    delivery = story.begin(ONE)
    process, end = story.execute(ONE)
    story.call(process, ONE)
    fired = story.fire("partial_failure", "function before acknowledge todo-1/1 #1")
    end()
    delivery(FAIL, "partly_succeeded")
    story.handle(ONE)
    assert f"was not acknowledged (partly_succeeded) (partial_failure, #{fired.index})" in twice(story).why


def test_an_anomaly_of_many_retries_stays_readable():
    """Of a thousand executions the first and the last are named."""
    story = written(ONE)
    for _ in range(1000):
        story.handle(ONE, calls=(), outcome=FAIL, delivered=FAIL, word="raised")
    lost = only(story, "lost")
    assert "executed 1000 times" in lost.why
    assert len(lost.operations) < 60


def test_an_execution_that_never_ended_is_told_with_its_fault():
    """The process was killed, and nobody wrote down that it ended."""
    story = written(ONE)
    story.begin(ONE)
    story.execute(ONE)
    fired = story.fire("crash", "function before handle todo-1/1 #1")
    assert f"broke off (crash, #{fired.index})" in only(story, "lost").why


def test_a_batch_of_which_a_part_did_not_count_as_done():
    """The last delivery before the effect is the one that did not count."""
    story = written(ONE)
    story.handle(ONE, calls=(), delivered=FAIL, word="raised")
    story.handle(ONE, delivered=FAIL, word="partly_succeeded")
    story.handle(ONE)
    duplicated = twice(story)
    assert "function/2 applied it, and its batch was not acknowledged (partly_succeeded)" in duplicated.why
    failed = [op for op in story.history if op.f == "deliver" and op.value.get("outcome") == "partly_succeeded"]
    assert failed[0].index in duplicated.operations


def test_a_roll_back_explains_more_than_a_partial_failure():
    """The batch failed in part, another part of it; what brought the record back is the fault."""
    story = written(ONE)
    story.handle(ONE, delivered=FAIL, word="partly_succeeded")
    story.fire("roll_back", "dispatcher after deliver todo-9/9 #1")
    last = story.fire("roll_back", "dispatcher after deliver todo-9/9 #2")
    story.handle(ONE)
    assert f"(roll_back, #{last.index})" in twice(story).why


def test_a_redelivery_by_a_mapping_that_nobody_sees():
    """The platform's own mapping gives no deliveries: only its executions are known."""
    story = written(ONE)
    for _ in range(2):
        process, end = story.execute(ONE)
        story.call(process, ONE)
        end()
    assert "its record was delivered again" in twice(story).why


@pytest.mark.parametrize("fault, subject", [("redeliver", ONE), ("roll_back", "todo-9/9"), (None, None)])
def test_a_batch_that_came_again_although_it_was_acknowledged(fault, subject):
    """At-least-once delivery allows it (S-60, S-61); a roll back may have fired at another batch."""
    story = written(ONE)
    story.handle(ONE)
    fired = story.fire(fault, f"dispatcher after deliver {subject} #1") if fault else None
    story.handle(ONE)
    duplicated = twice(story)
    assert duplicated.blame == "function"
    assert "acknowledged it, its record was delivered again" in duplicated.why
    assert not fired or f"({fault}, #{fired.index})" in duplicated.why
    assert not fired or fired.index in duplicated.operations


def test_a_redelivery_of_another_batch_explains_nothing():
    """Only a fault that concerns the intent is named."""
    story = written(ONE)
    story.handle(ONE)
    story.fire("redeliver", "dispatcher after deliver todo-9/9 #1")
    story.fire("delay", "dispatcher before deliver todo-1/1 #2")
    story.handle(ONE)
    why = twice(story).why
    assert "redeliver," not in why
    assert "delay," not in why


def test_two_deliveries_at_once():
    """The second execution began while the first still ran, so neither saw the other's marker (P-03)."""
    story = written(ONE)
    story.fire("delay", "dispatcher before deliver todo-1/1 #1")
    fired = story.fire("redeliver", "dispatcher before deliver todo-1/1 #1")
    first, second = story.begin(ONE), story.begin(ONE)
    (one, end_one), (two, end_two) = story.execute(ONE), story.execute(ONE)
    story.call(one, ONE)
    story.call(two, ONE)
    end_one()
    end_two()
    first()
    second()
    why = twice(story).why
    assert why == f"function/2 got the record while function/1 still ran (redeliver, #{fired.index})"


def test_a_call_to_the_sink_that_the_sdk_repeated():
    """One execution, one call, two attempts that both added (S-13)."""
    story = written(ONE)
    story.fire("delay", "writer/0 before dynamodb.PutItem todo-1/1 #1")
    delivery = story.begin(ONE)
    process, end = story.execute(ONE)
    story.call(process, ONE, (INFO,))
    story.fire("lose_reply", "function after dynamodb.PutItem todo-9/9 #1")
    fired = story.fire("lose_reply", CRASH)
    value = story.history.operations[-4].value
    story.add(process, "invoke", "dynamodb.PutItem", value | {"attempt": 2})
    story.add(process, OK, "dynamodb.PutItem", value | {"attempt": 2})
    end()
    delivery()
    story.effect(ONE, count=2)
    duplicated = only(story, "duplicated")
    assert duplicated.blame == "function"
    assert f"dynamodb.PutItem of function/1, attempt 2 (lose_reply, #{fired.index})" in duplicated.why


@pytest.mark.parametrize(
    "calls, why", [(2, "made its effect call twice in one execution"), (0, "one execution and one call")]
)
def test_one_execution_that_applied_twice_by_itself(calls, why):
    """Without a second record, delivery or attempt only the function is left."""
    story = written(ONE)
    delivery = story.begin(ONE)
    process, end = story.execute(ONE)
    for _ in range(calls):
        story.call(process, ONE)
    end()
    delivery()
    duplicated = twice(story)
    assert duplicated.blame == "function"
    assert why in duplicated.why


def test_an_execution_that_died_before_its_effect_did_not_apply():
    """Three executions, of which the first died in its call: the two that surely applied are named."""
    story = written(ONE)
    story.handle(ONE, calls=(None,), outcome=INFO, delivered=FAIL, word="raised")
    story.handle(ONE)
    story.handle(ONE)
    assert "function/2 applied and acknowledged it" in twice(story).why


def test_effects_are_counted_at_each_sink():
    """One effect at each of two sinks is what was wanted; two at one of them are not."""
    story = right(Story(), ONE)
    story.effect(ONE, sink="Queue")
    assert anomalies(story) == ()
    story = right(Story(), ONE)
    story.effect(ONE, sink="Queue", count=2)
    only(story, "duplicated")


def test_what_nobody_saw_is_not_stated_as_a_fact():
    """Without deliveries, an execution may have been killed before it told anything, or its end (LocalStack, AWS)."""
    story = written(ONE)
    process, end = story.execute(ONE)
    story.call(process, ONE)
    end(OK)
    story.effect(ONE, count=2)
    either = "either that call applied it more than once, or an execution was killed before it had told what it did"
    assert either in only(story, "duplicated").why
    story = written(ONE)
    for _ in range(2):
        process, _ = story.execute(ONE)
        story.call(process, ONE)
    assert "function/1 has not told its end, being still at work or killed, and function/2" in twice(story).why


@pytest.mark.parametrize("late", [False, True])
def test_a_mapping_that_begins_anew_when_it_is_enabled_again(late):
    """S-88, G-13. It may deliver before the platform has said that it is enabled."""
    story = written(ONE)
    process, end = story.execute(ONE)
    story.call(process, ONE)
    end(OK)
    story.add("platform", INVOKE, "disable_mapping", {"seconds": 1, "setting": None})
    if not late:
        story.add("platform", OK, "disable_mapping", {"seconds": 1, "setting": None})
    process, end = story.execute(ONE)
    if late:
        story.add("platform", OK, "disable_mapping", {"seconds": 1, "setting": None})
    story.call(process, ONE)
    end(OK)
    duplicated = twice(story)
    assert duplicated.blame == "platform"
    assert "enabled again, the mapping began anew" in duplicated.why
