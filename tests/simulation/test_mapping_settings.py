"""The settings of the event source mapping, on whole runs of the embedded platform."""

from __future__ import annotations

from pathlib import Path

import pytest
from play import LEDGER, found, handler_file, operations, play

from harness.errors import NotImitated, UserError
from harness.history import INVOKE, OK

NAIVE = LEDGER / "naive.py"
ONE_BY_ONE = {"batch_size": 1}


def test_a_tumbling_window_is_refused(tmp_path: Path) -> None:
    """Before anything is delivered (S-85)."""
    with pytest.raises((NotImitated, UserError), match="tumbling_window_in_seconds"):
        play(tmp_path, NAIVE, mapping={"tumbling_window_in_seconds": 30})


def test_parallelization_runs_executions_at_once_and_keeps_the_order_of_each_item(tmp_path: Path) -> None:
    """ParallelizationFactor 4: executions overlap, and the effects of each item land in its order (S-81)."""
    settings = {"batch_size": 1, "parallelization_factor": 4}
    work = {"intents": 40, "items": 8, "writers": 4}
    outcome = play(tmp_path, LEDGER / "slow.py", mapping=settings, workload=work)
    running, most = 0, 0
    for op in operations(outcome, "execute"):
        running += 1 if op.type == INVOKE else -1
        most = max(most, running)
    assert 2 <= most <= 4
    assert len({op.value["environment"] for op in operations(outcome, "execute", INVOKE)}) == most
    assert outcome.verdict == "valid", outcome
    alone = play(tmp_path, LEDGER / "slow.py", mapping=ONE_BY_ONE, workload=work)
    assert alone.history.operations[-1].time > 1.5 * outcome.history.operations[-1].time


def test_filter_criteria_take_records_out_for_good(tmp_path: Path) -> None:
    """What matches no pattern is not delivered (S-84), and its loss is the mapping's."""
    pattern = {"dynamodb": {"NewImage": {"id": {"S": [{"prefix": "todo-1"}]}}}}
    outcome = play(tmp_path, NAIVE, mapping={"filter_criteria": [pattern]})
    assert {op.value["intent"] for op in operations(outcome, "effect")} == {"todo-1/1", "todo-1/2"}
    assert found(outcome) == {("lost", "mapping")}
    assert outcome.counts["lost"] == 8


def test_latest_misses_what_was_written_before_it_looked(tmp_path: Path) -> None:
    """A mapping that starts at LATEST takes its position after the writers began (S-87): what they wrote before is
    lost, and the mapping is to blame; TRIM_HORIZON misses nothing."""
    slow = {"delay": {"process": "writer", "call": "dynamodb.PutItem", "seconds": 1}}
    latest = play(tmp_path, NAIVE, [slow], mapping={"starting_position": "LATEST"}, workload={"intents": 20})
    assert found(latest) == {("lost", "mapping")}
    assert 0 < latest.counts["lost"] < 20
    assert all("LATEST" in anomaly.why for anomaly in latest.anomalies)
    horizon = play(tmp_path, NAIVE, [slow], workload={"intents": 20})
    assert horizon.verdict == "valid", horizon


@pytest.mark.parametrize("shards", [2, 4])
def test_each_item_stays_in_one_shard(shards: int, tmp_path: Path) -> None:
    """Several shards are read side by side; the records of one item are in one of them, in order (S-39, S-40)."""
    work = {"intents": 40, "items": 10, "writers": 2}
    outcome = play(tmp_path, NAIVE, pipeline={"shards": shards}, workload=work)
    places = {(op.value["item"], op.value["shard"]) for op in operations(outcome, "record")}
    assert len(places) == 10
    assert 2 <= len({shard for _, shard in places}) <= shards
    assert len({op.process for op in operations(outcome, "deliver")}) >= 2
    assert outcome.verdict == "valid", outcome


def test_one_stuck_shard_holds_up_no_other(tmp_path: Path) -> None:
    """A poison record blocks its own shard alone (S-66): the others are done while it is still retried."""
    work = {"intents": 20, "items": 20, "titles": {"todo-3": "poison"}}
    settings = {"batch_size": 1, "maximum_retry_attempts": 8}
    outcome = play(tmp_path, LEDGER / "poison.py", pipeline={"shards": 4}, mapping=settings, workload=work)
    stuck = next(op.value["shard"] for op in operations(outcome, "record") if op.value["intent"] == "todo-3/1")
    others = max(op.time for op in operations(outcome, "deliver", OK) if op.value["shard"] != stuck)
    given_up = operations(outcome, "discard")[0].time
    assert others < 5_000_000 < given_up
    assert found(outcome) == {("dead_lettered", "function")}


def test_a_batching_window_gathers_records(tmp_path: Path) -> None:
    """All that is written within the window comes as one batch (S-64)."""
    outcome = play(tmp_path, NAIVE, mapping={"batch_size": 100, "maximum_batching_window_in_seconds": 5})
    assert [len(op.value["sequence_numbers"]) for op in operations(outcome, "deliver", INVOKE)] == [10]
    assert operations(outcome, "deliver", INVOKE)[0].time > 5_000_000


def test_a_record_that_is_too_old_is_discarded_and_told(tmp_path: Path) -> None:
    """MaximumRecordAgeInSeconds 60 with a function that never succeeds: RecordAgeExceeded (S-69, S-82)."""
    work = {"intents": 2, "items": 2, "titles": {"todo-0": "poison", "todo-1": "poison"}}
    outcome = play(tmp_path, LEDGER / "poison.py", mapping={"maximum_record_age_in_seconds": 60}, workload=work)
    assert {op.value["condition"] for op in operations(outcome, "dead_letter")} == {"RecordAgeExceeded"}
    assert {op.value["reason"] for op in operations(outcome, "discard")} == {"RecordAgeExceeded"}
    assert outcome.counts["dead_lettered"] == 2


def test_a_disabled_retry_gives_one_delivery(tmp_path: Path) -> None:
    """MaximumRetryAttempts=0 gives one invocation; N gives N+1 (S-67)."""
    work = {"intents": 1, "items": 1, "writers": 1, "titles": {"todo-0": "poison"}}
    for retries in (0, 3):
        outcome = play(tmp_path, LEDGER / "poison.py", mapping={"maximum_retry_attempts": retries}, workload=work)
        assert len(operations(outcome, "deliver", INVOKE)) == retries + 1


FIFTH = """
import os
import boto3

table = boto3.resource("dynamodb").Table(os.environ["EFFECTS_TABLE"])
seen = {}

def handler(event, context):
    for record in event["Records"]:
        intent, number = record["dynamodb"]["NewImage"]["intent"]["S"], record["dynamodb"]["SequenceNumber"]
        seen[intent] = seen.get(intent, 0) + 1
        if intent == "todo-2/1" and seen[intent] < 5:
            return {"batchItemFailures": [{"itemIdentifier": number}]}
        table.put_item(Item={"effect": intent, "intent": intent, "item": intent.partition("/")[0]})
"""


@pytest.mark.parametrize("retries, deliveries, discarded", [(3, 5, 0), (2, 4, 1)])
def test_behind_a_partial_success_a_record_has_all_its_attempts(
    retries: int, deliveries: int, discarded: int, tmp_path: Path
) -> None:
    """Recorded on AWS (S-71): with three retries it is handed over once with the others, and four times alone."""
    settings = {
        **{"batch_size": 3, "maximum_batching_window_in_seconds": 1, "maximum_retry_attempts": retries},
        "report_batch_item_failures": True,
    }
    work = {"intents": 3, "items": 3, "writers": 1}
    outcome = play(tmp_path, handler_file(tmp_path / "src", FIFTH), mapping=settings, workload=work)
    handed = [op for op in operations(outcome, "deliver", INVOKE) if "todo-2/1" in op.value["intents"]]
    assert ([len(op.value["intents"]) for op in handed]) == [3] + [1] * (deliveries - 1)
    assert len(operations(outcome, "discard")) == discarded


@pytest.mark.parametrize("count", [5, 6, 11])
def test_a_mapping_has_at_most_five_filters(count: int, tmp_path: Path) -> None:
    """AWS takes no more unless it was asked for that (S-84): told before the run."""
    patterns = [{"eventName": [f"x{number}"]} for number in range(count - 1)] + [{"eventName": ["INSERT", "MODIFY"]}]
    if count <= 5:
        assert play(tmp_path, NAIVE, mapping={"filter_criteria": patterns}).verdict == "valid"
    else:
        with pytest.raises(UserError, match=f"got {count} filters; AWS takes at most 5"):
            play(tmp_path, NAIVE, mapping={"filter_criteria": patterns})
