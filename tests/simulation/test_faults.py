"""Each fault does its harm where it is aimed, and no other: read from the histories of small runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from play import LEDGER, ROOT, attempts, fired, found, handler_file, operations, play

from harness.api import RunOutcome
from harness.faults.points import ERRORS, answers
from harness.history import FAIL, INFO, INVOKE, OK

NAIVE = LEDGER / "naive.py"
ONE_BY_ONE = {"mapping": {"batch_size": 1}}
ONE_ITEM = {"workload": {"intents": 2, "items": 1, "writers": 1}}
FIRST = {"process": "writer", "call": "dynamodb.PutItem", "intent": "todo-0/1"}


def of_intent(outcome: RunOutcome, f: str, intent: str, *types: str) -> list[Any]:
    return [op for op in operations(outcome, f, *types) if intent in op.value.get("intents", [op.value.get("intent")])]


@pytest.mark.parametrize("code", [code for code in ERRORS if answers("dynamodb.PutItem", code)])
def test_a_refused_call_gets_the_error_of_aws_and_is_not_carried_out(code: str, tmp_path: Path) -> None:
    """The writer's SDK raises the exception of that name; the stream has no record. After a 5xx nobody knows (S-07)."""
    refuse = {"refuse": {**FIRST, "code": code}}
    outcome = play(tmp_path, NAIVE, [refuse], workload={"sdk": {"max_attempts": 1}})
    calls = of_intent(outcome, "dynamodb.PutItem", "todo-0/1")
    told = of_intent(outcome, "put", "todo-0/1")
    server = ERRORS[code][0] >= 500
    assert [op.type for op in calls] == [INVOKE, INFO if server else FAIL]
    assert calls[-1].error == code
    assert [op.type for op in told] == [INVOKE, INFO if server else FAIL]
    assert f"({code}) when calling the PutItem operation" in told[-1].error
    assert told[-1].error.endswith(ERRORS[code][1])
    assert of_intent(outcome, "record", "todo-0/1") == []
    assert outcome.verdict == "valid", outcome


def test_the_sdk_raises_the_class_that_the_service_model_has_for_the_code(tmp_path: Path) -> None:
    """Handlers that catch `client.exceptions.…` work: the envelope is the one that AWS sends."""
    refuse = {"refuse": {**FIRST, "code": "ProvisionedThroughputExceededException"}}
    outcome = play(tmp_path, NAIVE, [refuse], workload={"sdk": {"max_attempts": 1}})
    told = of_intent(outcome, "put", "todo-0/1")[-1]
    assert told.error.startswith("ProvisionedThroughputExceededException: An error occurred")


def test_after_a_lost_reply_the_sdk_repeats_what_was_carried_out(tmp_path: Path) -> None:
    """The first attempt is written and its reply lost (info); the second writes the same, which is no record (S-31)."""
    outcome = play(tmp_path, NAIVE, [{"lose_reply": {**FIRST, "nth": 1}}])
    calls = of_intent(outcome, "dynamodb.PutItem", "todo-0/1", INFO, OK)
    writers = [(op.type, op.value["attempt"]) for op in calls if op.role == "writer"]
    assert writers == [(INFO, 1), (OK, 2)]
    assert len({op.value["call"] for op in calls if op.role == "writer"}) == 1
    assert [len(of_intent(outcome, f, "todo-0/1")) for f in ("record", "effect")] == [1, 1]


def test_when_every_reply_is_lost_nobody_knows_and_the_effect_is_there(tmp_path: Path) -> None:
    """A write whose every reply is lost is `info`, and its one effect is neither lost nor a phantom."""
    outcome = play(tmp_path, NAIVE, [{"lose_reply": FIRST}])
    assert [op.type for op in of_intent(outcome, "put", "todo-0/1")] == [INVOKE, INFO]
    assert (outcome.counts["unknown"], outcome.counts["effects"], outcome.verdict) == (1, 10, "valid")


def test_a_lost_request_is_not_carried_out(tmp_path: Path) -> None:
    """When every request is lost the writer does not know, and there is no record."""
    outcome = play(tmp_path, NAIVE, [{"lose_request": FIRST}])
    assert [op.type for op in of_intent(outcome, "put", "todo-0/1")] == [INVOKE, INFO]
    assert of_intent(outcome, "record", "todo-0/1") == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_delay_takes_as_long_as_it_says(when: str, tmp_path: Path) -> None:
    """Before: the request is sent later. After: it is carried out, and its answer comes later."""
    outcome = play(tmp_path, NAIVE, [{"delay": {**FIRST, "seconds": 20, "when": when}}], workload={"writers": 1})
    begin, end = (op.time for op in of_intent(outcome, "dynamodb.PutItem", "todo-0/1") if op.role == "writer")
    execution = of_intent(outcome, "execute", "todo-0/1", INVOKE)[0].time
    assert 20_000_000 <= end - begin < 20_010_000
    assert (execution > begin + 20_000_000) == (when == "before")


IMPATIENT = """
import json, os
import boto3
from botocore.config import Config
queue = boto3.client("sqs", config=Config(read_timeout=1, connect_timeout=1, retries={"total_max_attempts": 2}))

def handler(event, context):
    for record in event["Records"]:
        image = record["dynamodb"]["NewImage"]
        body = json.dumps({"intent": image["intent"]["S"], "item": image["id"]["S"]})
        queue.send_message(QueueUrl=os.environ["QUEUE_URL"], MessageBody=body)
"""


@pytest.mark.parametrize(
    "when, seconds, findings",
    [
        ("after", 2, {("duplicated", "function")}),
        ("after", 0.9, set()),
        ("before", 2, set()),
    ],
)
def test_a_reply_later_than_the_read_timeout_sends_a_second_message(
    when: str, seconds: float, findings: set[tuple[str, str]], tmp_path: Path
) -> None:
    """The SDK that was told to wait for one second sends again; a connection that took too long carried nothing."""
    handler = handler_file(tmp_path / "src", IMPATIENT)
    delay = {"delay": {"process": "function", "call": "effect", "when": when, "seconds": seconds, "nth": 2}}
    outcome = play(tmp_path, handler, [delay], pipeline={"template": str(ROOT / "lambda/sinks/template.yaml")})
    assert found(outcome) == findings, outcome
    ends = [(op.type, op.error) for op in operations(outcome, "sqs.SendMessage", INFO)]
    parameter, late = ("read", "reply") if when == "after" else ("connect", "connection")
    assert ends == ([(INFO, f"no {late} within the 1 s of {parameter}_timeout")] if seconds > 1 else [])


@pytest.mark.parametrize("endpoint", ["webhook.py", "webhook_with_key.py"])
def test_a_post_gives_up_at_its_own_timeout(endpoint: str, tmp_path: Path) -> None:
    """Not when the late answer comes: the function, which has three seconds, goes on after two."""
    sinks = ROOT / "lambda" / "sinks"
    delay = {"delay": {"process": "function", "call": "http.POST", "when": "after", "seconds": 600, "nth": 1}}
    outcome = play(tmp_path, sinks / endpoint, [delay], pipeline={"template": str(sinks / "template.yaml")})
    (late,) = operations(outcome, "http.POST", INFO)
    assert late.error == "no reply within the 2 s of read_timeout"
    failed = operations(outcome, "execute", FAIL)
    assert [op.error.partition(" at ")[0] for op in failed] == ["TimeoutError: timed out"], failed


@pytest.mark.parametrize(
    "changed, concurrently, records", [(False, False, 1), (True, False, 2), (False, True, 1), (True, True, 2)]
)
def test_a_put_that_is_made_twice(changed: bool, concurrently: bool, records: int, tmp_path: Path) -> None:
    """The same put again leaves one record, a changed one leaves two (S-31); concurrently, another process makes it."""
    duplicate = {"duplicate_put": {"intent": "todo-0/1", "changed": changed, "concurrently": concurrently}}
    outcome = play(tmp_path, NAIVE, [duplicate], workload={"intents": 5})
    puts = of_intent(outcome, "put", "todo-0/1", OK)
    assert sorted(op.value["copy"] for op in puts) == [0, 1]
    assert len({op.process for op in puts}) == (2 if concurrently else 1)
    assert len(of_intent(outcome, "record", "todo-0/1")) == records
    assert found(outcome) == ({("duplicated", "writer")} if records == 2 else set())


def test_a_late_copy_of_a_put_overwrites_what_came_in_between(tmp_path: Path) -> None:
    """A, B, A (S-14): an identical copy that arrives after the next change is a third record; it undoes that change,
    and its effect is there twice. Both are the writer's doing."""
    faults = [
        {"duplicate_put": {"intent": "todo-0/1", "concurrently": True}},
        {"delay": {"process": "writer/1", "call": "dynamodb.PutItem", "seconds": 1}},
    ]
    outcome = play(tmp_path, NAIVE, faults, **ONE_ITEM)
    assert [op.value["intent"] for op in operations(outcome, "record")] == ["todo-0/1", "todo-0/2", "todo-0/1"]
    assert found(outcome) == {("wrong_final_state", "writer"), ("duplicated", "writer")}
    assert all("S-14" in anomaly.why for anomaly in outcome.anomalies)
    right = play(tmp_path, LEDGER / "idempotent.py", faults, **ONE_ITEM)
    assert found(right) == {("wrong_final_state", "writer")}


@pytest.mark.parametrize(
    "call, when, effects",
    [
        ("handle", "before", 1),
        ("effect", "before", 1),
        ("effect", "after", 2),
        ("acknowledge", "before", 2),
        ("acknowledge", "after", 1),
    ],
)
def test_a_crash_keeps_what_was_done_and_forgets_who_did_it(call: str, when: str, effects: int, tmp_path: Path) -> None:
    """An execution that was not acknowledged comes again; the next one is a cold start in another environment
    (S-80, S-111)."""
    crash = {"crash": {"call": call, "when": when, "intent": "todo-1/1", "nth": 1}}
    outcome = play(tmp_path, NAIVE, [crash], workload={"intents": 5}, **ONE_BY_ONE)
    executions = operations(outcome, "execute", INVOKE)
    place = next(i for i, op in enumerate(executions) if "todo-1/1" in op.value["intents"])
    died, following = executions[place], executions[place + 1]
    assert len(of_intent(outcome, "effect", "todo-1/1")) == effects
    assert following.value["cold"]
    assert following.value["environment"] == died.value["environment"] + 1
    acknowledged = (call, when) == ("acknowledge", "after")
    assert ("todo-1/1" in following.value["intents"]) == (not acknowledged)
    ends = [op.type for op in operations(outcome, "execute", OK, FAIL, INFO) if op.process == died.process]
    assert ends == [OK if acknowledged else INFO]


@pytest.mark.parametrize("call, effects", [("handle", 1), ("acknowledge", 2)])
def test_a_function_error_leaves_the_environment_warm(call: str, effects: int, tmp_path: Path) -> None:
    """The handler raises before it did anything, or after it did everything; its batch comes again, warm (S-79)."""
    error = {"function_error": {"call": call, "intent": "todo-1/1", "nth": 1, "message": "not today"}}
    outcome = play(tmp_path, NAIVE, [error], workload={"intents": 5}, **ONE_BY_ONE)
    first, second = of_intent(outcome, "execute", "todo-1/1", INVOKE)
    assert of_intent(outcome, "execute", "todo-1/1", FAIL)[0].error == "InjectedError: not today"
    assert first.value["environment"] == second.value["environment"]
    assert not second.value["cold"]
    assert len(of_intent(outcome, "effect", "todo-1/1")) == effects


@pytest.mark.parametrize("when, effects", [("before", 1), ("after", 2)])
def test_a_timeout_ends_the_execution_at_its_time(when: str, effects: int, tmp_path: Path) -> None:
    """To the microsecond, counted from when the handler was started; what was done stays, the batch comes again
    (S-80, S-110), in a new environment (S-111)."""
    timeout = {"timeout": {"when": when, "intent": "todo-1/1", "nth": 1}}
    outcome = play(
        tmp_path, NAIVE, [timeout], workload={"intents": 5}, pipeline={"function": {"timeout": 7}}, **ONE_BY_ONE
    )
    began, again = of_intent(outcome, "execute", "todo-1/1", INVOKE)
    ended = of_intent(outcome, "execute", "todo-1/1", INFO)[0]
    assert (ended.time - began.time, ended.error) == (7_000_000, "timed out after 7 s")
    assert (again.value["cold"], again.value["environment"]) == (True, began.value["environment"] + 1)
    assert len(of_intent(outcome, "effect", "todo-1/1")) == effects


def test_a_batch_that_is_redelivered_at_once_comes_before_anything_else(tmp_path: Path) -> None:
    """At-least-once delivery without any failure (S-60, S-61)."""
    outcome = play(tmp_path, NAIVE, [{"redeliver": {"nth": 2}}], **ONE_BY_ONE)
    batches = [op.value["sequence_numbers"] for op in operations(outcome, "deliver", INVOKE)]
    assert batches[1] == batches[2]
    assert sorted(batches[2:]) == sorted({tuple(batch): batch for batch in batches[2:]}.values())
    assert found(outcome) == {("duplicated", "function")}


def test_a_late_redelivery_lets_others_pass(tmp_path: Path) -> None:
    """The record comes again five seconds later, after newer ones: a projection that does not look takes the old
    state for the new one (P-01)."""
    late = {"redeliver": {"seconds": 5, "intent": "todo-0/1", "nth": 1}}
    outcome = play(tmp_path, LEDGER / "projection.py", [late], **ONE_ITEM, **ONE_BY_ONE)
    assert [op.value["intents"] for op in operations(outcome, "deliver", INVOKE)] == [
        ["todo-0/1"],
        ["todo-0/2"],
        ["todo-0/1"],
    ]
    assert found(outcome) == {("wrong_final_state", "function")}


def test_a_concurrent_redelivery_overlaps_the_first(tmp_path: Path) -> None:
    """Two executions have the record at the same time, in two environments (S-91)."""
    outcome = play(tmp_path, NAIVE, [{"redeliver": {"concurrently": True, "intent": "todo-0/1"}}], **ONE_BY_ONE)
    first, second = of_intent(outcome, "execute", "todo-0/1", INVOKE)[:2]
    end = next(op for op in operations(outcome, "execute", OK) if op.process == first.process)
    assert second.time < end.time
    assert first.value["environment"] != second.value["environment"]


@pytest.mark.parametrize("records, expected", [(1, 2), (2, 3), (None, 5)])
def test_a_roll_back_brings_records_again_in_order(records: int | None, expected: int, tmp_path: Path) -> None:
    """After the fourth delivery the checkpoint goes back: by so many records, or to the beginning of the shard."""
    fields = {"nth": 4} | ({"records": records} if records else {})
    outcome = play(tmp_path, NAIVE, [{"roll_back": fields}], workload={"items": 10}, **ONE_BY_ONE)
    batches = [op.value["intents"][0] for op in operations(outcome, "deliver", INVOKE)]
    again = batches[4 : 4 + expected - 1]
    assert again == batches[4 - (expected - 1) : 4]
    assert len(batches) == 10 + expected - 1


def test_a_partial_failure_brings_the_rest_of_the_batch_again(tmp_path: Path) -> None:
    """The function handled all of it and reported from the middle on as failed: those records come again (S-75)."""
    mapping = {"batch_size": 10, "maximum_batching_window_in_seconds": 1, "report_batch_item_failures": True}
    outcome = play(tmp_path, NAIVE, [{"partial_failure": {"position": 0.6, "nth": 1}}], mapping=mapping)
    first, second = operations(outcome, "deliver", INVOKE)
    assert second.value["sequence_numbers"] == first.value["sequence_numbers"][6:]
    assert found(outcome) == {("duplicated", "function")}


# Each aim, and the attempts of the first writer's calls that it hits; the noop fires where a fault would.
AIMS: list[tuple[dict[str, Any], set[str]]] = [
    ({"process": "writer/1"}, {"todo-1/1", "todo-3/1", "todo-5/1"}),
    ({"intent": "todo-2/*"}, {"todo-2/1"}),
    ({"item": "todo-[14]"}, {"todo-1/1", "todo-4/1"}),
    ({"process": "writer/0", "nth": 2}, {"todo-2/1"}),
    ({"process": "writer/0", "nth": [1, 3]}, {"todo-0/1", "todo-4/1"}),
    ({"process": "writer/0", "times": 2}, {"todo-0/1", "todo-2/1"}),
    ({"process": "writer/0", "between": [0, 1000]}, {"todo-0/1", "todo-2/1", "todo-4/1"}),
    ({"process": "writer/0", "between": [1000, 2000]}, set()),
    ({"process": "writer/0", "probability": 0}, set()),
]


@pytest.mark.parametrize("aim, hit", AIMS, ids=lambda value: str(value) if isinstance(value, dict) else "")
def test_a_fault_fires_where_it_is_aimed(aim: dict[str, Any], hit: set[str], tmp_path: Path) -> None:
    """By process, intent, item, nth time, at most so often, between times, with a probability."""
    noop = {"noop": {"process": "writer", "call": "operation", **aim}}
    outcome = play(tmp_path, NAIVE, [noop], workload={"intents": 6, "items": 6})
    assert {intent for op in operations(outcome, "noop") for intent in op.value["intents"]} == hit
    assert fired(outcome) == [len(operations(outcome, "noop"))]


def test_no_fault_fires_once_the_faults_are_healed(tmp_path: Path) -> None:
    """A fault on every effect stops when the writers are done: what is drained afterwards goes through."""
    outcome = play(tmp_path, LEDGER / "idempotent.py", [{"refuse": {"process": "function", "call": "effect"}}])
    heal = next(op.index for op in operations(outcome, "phase") if op.value["phase"] == "heal")
    assert fired(outcome)[0] > 0
    assert max(op.index for op in operations(outcome, "refuse")) < heal
    assert outcome.verdict == "valid", outcome


def test_attempts_are_counted_in_the_history(tmp_path: Path) -> None:
    """A refusal that the SDK retries shows as attempts of one call."""
    outcome = play(tmp_path, NAIVE, [{"refuse": {**FIRST, "nth": [1, 2]}}], **ONE_ITEM)
    assert attempts(outcome, "dynamodb.PutItem") == [1, 2, 3, 1]


@pytest.mark.parametrize(
    "code, kind, outcome",
    [
        ("ServiceException", INFO, "result_lost"),
        ("ServiceUnavailable", INFO, "result_lost"),
        ("TooManyRequestsException", FAIL, "not_started"),
        ("ThrottlingException", FAIL, "not_started"),
    ],
)
def test_an_error_of_invoke_means_the_same_at_the_wire_and_at_the_delivery(
    code: str, kind: str, outcome: str, tmp_path: Path
) -> None:
    """After a 5xx nobody knows whether the function ran (S-07, S-118), after a 4xx it surely did not (S-68). None of
    them uses a retry."""
    refuse = {"refuse": {"process": "dispatcher", "call": "lambda.Invoke", "code": code, "nth": 1}}
    played = play(tmp_path, LEDGER / "naive.py", [refuse], mapping={"maximum_retry_attempts": 0})
    call = next(op for op in operations(played, "lambda.Invoke") if op.type != INVOKE)
    delivery = next(op for op in operations(played, "deliver") if op.type != INVOKE)
    assert (call.type, call.error, delivery.type, delivery.value["outcome"]) == (kind, code, kind, outcome)
    assert (played.verdict, fired(played)) == ("valid", [1]), played


@pytest.mark.parametrize(
    "kept, points",
    [
        ({"delay": FIRST}, "1 point matched its aim; faults[0] had ended the call at writer/0 before"),
        ({"lose_reply": FIRST}, "0 points matched its aim; faults[0] had ended the call at writer/0 after"),
    ],
)
def test_a_fault_that_cannot_fire_because_another_ended_the_call_says_so(
    kept: dict[str, Any], points: str, tmp_path: Path
) -> None:
    """Instead of looking as if its aim were wrong."""
    outcome = play(tmp_path, NAIVE, [{"refuse": FIRST}, kept], workload={"writers": 1, "sdk": {"max_attempts": 1}})
    assert outcome.verdict == "unknown"
    (reason,) = outcome.reasons
    assert f"faults[1]: {next(iter(kept))} never fired; {points} dynamodb.PutItem todo-0/1 #1" in reason


@pytest.mark.parametrize(
    "everywhere",
    [
        {"lose_reply": {"process": "[df]*"}},
        {"delay": {"process": "[df]*", "seconds": 7200, "when": "after"}},
        {"lose_request": {"process": "dispatcher"}},
        {"refuse": {"process": "dispatcher", "code": "InternalServerError"}},
    ],
)
def test_a_fault_of_every_call_leaves_a_run_that_can_be_judged(everywhere: dict[str, Any], tmp_path: Path) -> None:
    """Of dispatcher and function: the dispatcher repeats its own calls until the faults heal; then it delivers."""
    outcome = play(tmp_path, LEDGER / "idempotent.py", [everywhere], workload={"intents": 3, "items": 3})
    assert (outcome.verdict, found(outcome)) == ("valid", set()), outcome
    assert outcome.counts["effects"] == outcome.counts["records"]


def test_a_run_in_which_no_call_has_a_reply_ends_by_itself(tmp_path: Path) -> None:
    """The writers' calls included: no write was acknowledged, and yet each was delivered."""
    outcome = play(tmp_path, LEDGER / "idempotent.py", ["lose_reply"], workload={"intents": 3, "items": 3})
    assert outcome.verdict == "unknown"
    assert outcome.reasons[0].startswith("no write was acknowledged")
    assert outcome.counts["effects"] == outcome.counts["records"] == 3
