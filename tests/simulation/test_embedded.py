"""What the embedded platform does as AWS does, seen from handlers that look for it."""

from __future__ import annotations

import os
import random
import socket
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import botocore
import pytest
from play import LEDGER, attempts, found, handler_file, operations, play

from harness.api import RunOutcome
from harness.errors import NotImitated
from harness.history import FAIL, INFO, INVOKE, OK

NAIVE = LEDGER / "naive.py"
ONE_BY_ONE = {"batch_size": 1}
# With botocore 1.44 standard mode is boto3's default, and makes four attempts on DynamoDB, three before (S-08, S-09).
IS_NEWER = tuple(map(int, botocore.__version__.split(".")[:2])) >= (1, 44)
STANDARD_ATTEMPTS = 4 if IS_NEWER else 3
DEFAULT_ATTEMPTS = STANDARD_ATTEMPTS if IS_NEWER else 10

# A handler that puts an effect for each record, named by what `body` has seen.
LOOKING = """
import os, random, time, uuid
import boto3
from datetime import UTC, datetime

dynamodb = boto3.client("dynamodb")
executions = []

def handler(event, context):
    executions.append(context.aws_request_id)
    for record in event["Records"]:
        image = record["dynamodb"]["NewImage"]
        {body}
        row = {{"effect": {{"S": str(seen)}}, "intent": image["intent"], "item": image["id"]}}
        dynamodb.put_item(TableName=os.environ["EFFECTS_TABLE"], Item=row)
"""


def looking(folder: Path, body: str) -> Path:
    return handler_file(folder / "code", LOOKING.format(body=body))


def effects(outcome: RunOutcome) -> list[str]:
    return [op.value["intent"] for op in operations(outcome, "effect")]


@pytest.mark.parametrize(
    "body, words",
    [
        ("def handler(event, context):\n    {}['price']\n", "KeyError: 'price' at app.py:2"),
        ("import nothing_such\nhandler = print\n", "No module named 'nothing_such' at app.py:1"),
        ("pass\n", "Handler 'handler' missing on module 'app'"),
    ],
    ids=["raised", "not there", "no handler"],
)
def test_an_exception_is_shown_with_the_users_file_and_line(body: str, words: str, tmp_path: Path) -> None:
    """In the history, and in the finding that the function is blamed for, also where its module cannot be imported."""
    file = handler_file(tmp_path / "code", body)
    outcome = play(tmp_path, file, mapping={"maximum_retry_attempts": 0})
    errors = {op.error for op in operations(outcome, "execute", FAIL)}
    assert [error for error in errors if error and words in error]
    assert words in str(outcome)


# Executions and their environments.


def test_a_warm_execution_finds_the_memory_of_the_one_before(tmp_path: Path) -> None:
    """Module state survives as long as its environment (S-112): one cold start, and a handler that applies only what
    it has not seen in memory is right as long as nothing fails."""
    handler = looking(tmp_path, "seen = len(executions)")
    outcome = play(tmp_path, handler, mapping=ONE_BY_ONE)
    assert [op.value["cold"] for op in operations(outcome, "execute", INVOKE)] == [True] + [False] * 9
    assert outcome.counts["effects"] == 10  # ten names: the counter went on from 1 to 10


def test_a_crash_takes_the_memory_with_it(tmp_path: Path) -> None:
    """After a crash the counter in the module begins again, so that later effects overwrite earlier ones."""
    handler = looking(tmp_path, "seen = len(executions)")
    crash = {"crash": {"call": "acknowledge", "when": "after", "nth": 4}}
    outcome = play(tmp_path, handler, [crash], mapping=ONE_BY_ONE)
    assert [op.value["cold"] for op in operations(outcome, "execute", INVOKE)].count(True) == 2
    assert outcome.counts["effects"] == 6
    assert found(outcome) == {("lost", "function")}


def test_a_request_under_way_still_counts_when_its_sender_times_out(tmp_path: Path) -> None:
    """The handler sends its effect less than a millisecond before its end; the timeout comes first, and yet the effect
    is carried out (S-110). The next execution, three seconds later, does not wait."""
    pause = "time.sleep(context.get_remaining_time_in_millis() / 1000 - 0.0004 if time.monotonic() < 2 else 0)"
    handler = looking(tmp_path, f"seen = context.aws_request_id; {pause}")
    outcome = play(tmp_path, handler, workload={"intents": 1, "items": 1, "writers": 1})
    late = [op for op in operations(outcome, "dynamodb.PutItem", role="function") if op.process == "function/1"]
    assert [op.type for op in operations(outcome, "execute", INFO, OK)] == [INFO, OK]
    assert [op.type for op in late] == [INVOKE]
    assert effects(outcome) == ["todo-0/1", "todo-0/1"]


def test_the_context_is_the_one_of_lambda(tmp_path: Path) -> None:
    """Name, ARN, memory and the time that is left, by the names of Lambda, and nothing of the platform."""
    names = [
        *("aws_request_id", "client_context", "function_name", "function_version", "get_remaining_time_in_millis"),
        *("identity", "invoked_function_arn", "log", "log_group_name", "log_stream_name", "memory_limit_in_mb"),
    ]
    looks = (
        "seen = (context.function_name, context.function_version, context.memory_limit_in_mb, "
        "context.invoked_function_arn.split(':')[2], 2900 < context.get_remaining_time_in_millis() <= 3000)\n"
        "        assert seen == (os.environ['AWS_LAMBDA_FUNCTION_NAME'], '$LATEST', '128', 'lambda', True), seen\n"
        f"        assert [name for name in dir(context) if name[0] != '_'] == {names}, dir(context)\n"
        "        seen = image['intent']['S']"
    )
    outcome = play(tmp_path, looking(tmp_path, looks))
    assert outcome.verdict == "valid", outcome


def test_what_the_handler_raises_at_import_fails_every_delivery(tmp_path: Path) -> None:
    """An init that fails is a failed invocation, cold each time (S-113)."""
    handler = handler_file(tmp_path / "code", "import nowhere_at_all\n\ndef handler(event, context): ...\n")
    outcome = play(tmp_path, handler, mapping={"batch_size": 10, "maximum_retry_attempts": 1})
    failed = operations(outcome, "deliver", FAIL)
    assert all("nowhere_at_all" in op.error for op in failed)
    assert found(outcome) >= {("dead_lettered", "function")}


# Time and chance.


def test_time_and_chance_in_a_handler_belong_to_the_seed(tmp_path: Path) -> None:
    """`random`, `uuid4` and every clock give a handler the same for a seed, and something else for another."""
    looks = "raise ValueError(random.random(), uuid.uuid4(), time.time(), time.monotonic_ns(), str(datetime.now(UTC)))"
    handler = looking(tmp_path, looks)
    once = {"maximum_retry_attempts": 0}
    played = [play(tmp_path, handler, seed=seed, mapping=once) for seed in (5, 5, 6)]
    told = [[op.error for op in operations(outcome, "execute", FAIL)] for outcome in played]
    assert all("2030-01-01" in error for error in told[0])
    assert told[0] == told[1]
    assert not set(told[0]) & set(told[2])
    assert len(set(told[0])) == len(told[0])


def test_sleep_costs_no_real_time(tmp_path: Path) -> None:
    """A handler that sleeps two seconds for each of ten records takes twenty seconds of the run's time."""
    outcome = play(tmp_path, looking(tmp_path, "time.sleep(2); seen = image['intent']['S']"), mapping=ONE_BY_ONE)
    assert outcome.history.operations[-1].time > 20_000_000
    assert outcome.result.wall_seconds < 20
    assert outcome.verdict == "valid"


def test_a_run_leaves_the_process_as_it_was(tmp_path: Path) -> None:
    """Clocks, chance, the environment, the path and the modules of the function are given back."""

    def state() -> list[Any]:
        return [
            *(time.time, time.sleep, time.monotonic, random.random, os.urandom, socket.socket),
            *(dict(os.environ), list(sys.path), boto3.DEFAULT_SESSION, "effects" in sys.modules),
        ]

    before = state()
    play(tmp_path, NAIVE, [{"crash": {"nth": 1}}])
    assert state() == before


# Interleaving.


def test_writers_and_executions_interleave_at_their_calls(tmp_path: Path) -> None:
    """No actor runs from its beginning to its end: between the calls of one there are calls of the others."""
    slow = {"delay": {"process": "writer", "call": "dynamodb.PutItem", "seconds": 0.1}}
    outcome = play(tmp_path, NAIVE, [slow], workload={"writers": 3, "intents": 12, "items": 12})
    calls = [op.process for op in outcome.history if op.f == "dynamodb.PutItem"]
    for process in ("writer/0", "writer/1", "writer/2"):
        first, last = calls.index(process), len(calls) - calls[::-1].index(process)
        assert {"writer/0", "writer/1", "writer/2"} <= set(calls[first:last])
        assert any(other.startswith("function") for other in calls[first:last])


def test_no_two_operations_of_different_actors_need_the_same_moment(tmp_path: Path) -> None:
    """Time never goes back, and every operation has its index."""
    history = play(tmp_path, NAIVE).history
    assert [op.time for op in history] == sorted(op.time for op in history)
    assert [op.index for op in history] == list(range(len(history)))


# The SDK's own retries.


@pytest.mark.parametrize(
    "sdk, expected",
    [
        ({}, DEFAULT_ATTEMPTS),
        ({"retry_mode": "legacy"}, 10),
        ({"retry_mode": "standard"}, STANDARD_ATTEMPTS),
        ({"retry_mode": "adaptive"}, STANDARD_ATTEMPTS),
        ({"retry_mode": "legacy", "max_attempts": 3}, 3),
        ({"retry_mode": "standard", "max_attempts": 1}, 1),
    ],
)
def test_the_real_sdk_retries(sdk: dict[str, Any], expected: int, tmp_path: Path) -> None:
    """Real boto3 is at work: legacy mode makes ten attempts on DynamoDB (S-08), standard three or four (S-09), and
    each is in the history."""
    throttle = {"refuse": {"process": "writer", "call": "dynamodb.PutItem", "code": "ThrottlingException"}}
    outcome = play(tmp_path, NAIVE, [throttle], workload={"sdk": sdk, "intents": 1, "items": 1, "writers": 1})
    assert attempts(outcome, "dynamodb.PutItem") == list(range(1, expected + 1))


@pytest.mark.parametrize("code", ["TransactionConflictException", "RequestLimitExceeded"])
def test_what_legacy_mode_does_not_retry(code: str, tmp_path: Path) -> None:
    """One attempt (S-08, S-10)."""
    refuse = {"refuse": {"process": "writer", "call": "dynamodb.PutItem", "code": code}}
    one = {"intents": 1, "items": 1, "writers": 1, "sdk": {"retry_mode": "legacy"}}
    outcome = play(tmp_path, NAIVE, [refuse], workload=one)
    assert attempts(outcome, "dynamodb.PutItem") == [1]


def test_a_conditional_create_meets_its_own_write(tmp_path: Path) -> None:
    """The reply is lost, the SDK repeats, and AWS says that the condition failed (S-11): `create_once` sees its own
    item in the exception, `blind_create` takes it for somebody else's."""
    lost = {"lose_reply": {"process": "writer", "call": "dynamodb.PutItem", "intent": "todo-0/1", "nth": 1}}
    work = {"intents": 2, "items": 2, "writers": 1}
    right = play(tmp_path, NAIVE, [lost], workload={**work, "writer": "create_once"})
    calls = operations(right, "dynamodb.PutItem", OK, FAIL, INFO, role="writer")[:2]
    assert [(op.type, op.error) for op in calls] == [
        (INFO, "no reply arrived"),
        (FAIL, "ConditionalCheckFailedException"),
    ]
    assert right.verdict == "valid", right
    blind = play(tmp_path, NAIVE, [lost], workload={**work, "writer": "blind_create"})
    assert {blame for _, blame in found(blind)} == {"writer"}
    assert ("phantom", "writer") in found(blind)


# What is not imitated says so.


def test_a_call_that_is_not_imitated_raises_naming_it(tmp_path: Path) -> None:
    """A handler that publishes to a topic: nothing is guessed, the run ends with the name of the call."""
    body = """
import boto3
sns = boto3.client("sns")

def handler(event, context):
    try:
        sns.publish(TopicArn="arn:aws:sns:us-east-1:123456789012:t", Message="m")
    except Exception:
        pass
"""
    with pytest.raises(NotImitated, match=r"sns\.Publish"):
        play(tmp_path, handler_file(tmp_path / "code", body))


def test_an_operation_that_is_not_imitated_raises_naming_it(tmp_path: Path) -> None:
    """The service is imitated and the operation is not."""
    with pytest.raises(NotImitated, match=r"CreateBackup|create_backup"):
        play(tmp_path, looking(tmp_path, "dynamodb.create_backup(TableName='t', BackupName='backup')"))


def test_a_wait_longer_than_a_day_is_drained(tmp_path: Path) -> None:
    """The harness looks at the streams twice a day while it drains; what comes at last, after twenty hours in which
    nothing else happens, comes."""
    late = {"redeliver": {"seconds": 20 * 3600, "nth": 1}}
    outcome = play(tmp_path, NAIVE, [late])
    assert outcome.counts["duplicated"] == 2, outcome
    assert outcome.reasons == ()
