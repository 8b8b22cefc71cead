"""What is otherwise at a sink than without the faults, and may be meant so: the verdict is unknown, and says what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pipelines import measure

TWO = {"One": "ledger", "Two": "ledger"}
QUEUES = {"One": "queue ledger", "Two": "queue ledger"}
FAILS_OVER = """
    from botocore.config import Config
    once = boto3.client("sqs", config=Config(retries={"total_max_attempts": 1}))

    def handler(event, context):
        for row in rows(event):
            message = json.dumps({"intent": row["intent"]["S"]})
            try:
                once.send_message(QueueUrl=os.environ["One"], MessageBody=message)
            except Exception:
                sqs.send_message(QueueUrl=os.environ["Two"], MessageBody=message)
"""
LOGS_FAILURES = """
    def handler(event, context):
        for row in rows(event):
            try:
                db.put_item(TableName=os.environ["One"], Item=row)
            except Exception:
                db.put_item(TableName=os.environ["Two"], Item=row)
                raise
"""
IS_PENDING_FIRST = """
    def handler(event, context):
        for row in rows(event):
            if "Item" in db.get_item(TableName=os.environ["Two"], Key={"id": row["id"]}):
                continue
            db.put_item(TableName=os.environ["One"], Item=row)
            db.put_item(TableName=os.environ["Two"], Item=row)
            db.delete_item(TableName=os.environ["One"], Key={"id": row["id"]})
"""
KEEPS_THE_LAST_OF_A_BATCH = """
    def handler(event, context):
        last = {}
        for row in rows(event):
            db.put_item(TableName=os.environ["One"], Item=row)
            last[row["item"]["S"]] = row
        for row in last.values():
            db.put_item(TableName=os.environ["Two"], Item=row)
"""
COUNTS = """
    def handler(event, context):
        for row in rows(event):
            db.put_item(TableName=os.environ["One"], Item=row)
            one, values = {"TableName": os.environ["One"], "Key": {"id": {"S": "#total"}}}, {":one": {"N": "1"}}
            db.update_item(**one, UpdateExpression="ADD n :one", ExpressionAttributeValues=values)
"""
ADDS_UP = """
    def handler(event, context):
        for row in rows(event):
            values = {":i": row["intent"], ":one": {"N": "1"}, ":this": {"L": [row["intent"]]}, ":none": {"L": []}}
            db.update_item(
                TableName=os.environ["One"],
                Key={"id": row["item"]},
                UpdateExpression="SET intent = :i, past = list_append(if_not_exists(past, :none), :this) ADD n :one",
                ExpressionAttributeValues=values,
            )
"""
READS_AND_ADDS = """
    def handler(event, context):
        for row in rows(event):
            seen = db.get_item(TableName=os.environ["One"], Key={"id": row["item"]}).get("Item", {})
            n = int(seen.get("n", {"N": "0"})["N"]) + 1
            item = {"id": row["item"], "intent": row["intent"], "n": {"N": str(n)}}
            db.put_item(TableName=os.environ["One"], Item=item)
"""
COPIES = """
    def handler(event, context):
        import time
        for record in event["Records"]:
            image = {**record["dynamodb"]["NewImage"], "at": {"N": str(time.time())}}
            db.put_item(TableName=os.environ["One"], Item=image)
"""
CRASHED = {"crash": {"call": "effect", "nth": 1}}
SLOW = {"delay": {"call": "handle", "seconds": 5, "nth": 1}}
MANY = {"intents": 12, "items": 2}


@pytest.mark.parametrize(
    "body, sinks, fault, sink",
    [
        (FAILS_OVER, QUEUES, {"lose_reply": {"process": "function", "call": "effect", "nth": 1}}, "Two"),
        (LOGS_FAILURES, TWO, {"refuse": {"call": "effect", "code": "TransactionConflictException", "nth": 1}}, "Two"),
        (IS_PENDING_FIRST, TWO, {"crash": {"call": "dynamodb.PutItem", "when": "after", "nth": 2}}, "One"),
    ],
    ids=["charged by both", "logged", "left behind"],
)
def test_what_lands_only_with_the_fault_is_told(
    body: str, sinks: dict[str, str], fault: Any, sink: str, tmp_path: Path
) -> None:
    """One effect too many, or one that the fault calls for: that is not valid."""
    outcome = measure(tmp_path, body, sinks, faults=[fault])
    assert (outcome.verdict, outcome.anomalies) == ("unknown", ()), str(outcome)
    assert outcome.reasons == (
        f"todo-0/1 landed at {sink}, and not without the faults: whether that is meant cannot be judged",
    )


LOGS_AND_GOES_ON = LOGS_FAILURES.replace("                raise\n", "")
BOTH = LOGS_AND_GOES_ON.replace(
    'db.put_item(TableName=os.environ["Two"], Item=row)',
    "pass\n            " + 'db.put_item(TableName=os.environ["Two"], Item=row)',
)


def test_an_effect_that_the_handler_moved_is_not_lost(tmp_path: Path) -> None:
    """The first sink refused it, and the handler chose the other one for it, once: that may be meant."""
    refuse = {"refuse": {"call": "effect", "code": "TransactionConflictException", "nth": 1}}
    outcome = measure(tmp_path, LOGS_AND_GOES_ON, TWO, faults=[refuse])
    assert (outcome.verdict, outcome.anomalies) == ("unknown", ()), str(outcome)
    assert outcome.reasons == (
        "todo-0/1 landed at Two in place of One, which had refused the call: whether that is meant cannot be judged",
    )


def test_one_that_the_other_sink_has_anyway_is_lost_at_the_first(tmp_path: Path) -> None:
    """Two gets each change, so that having this one there is no failing over."""
    refuse = {"refuse": {"call": "effect", "code": "TransactionConflictException", "nth": 1}}
    outcome = measure(tmp_path, BOTH, TWO, faults=[refuse])
    assert [anomaly.summary for anomaly in outcome.anomalies] == [
        "intent todo-0/1 was acknowledged and never applied at One"
    ], str(outcome)


def test_what_a_later_change_of_its_batch_replaced_is_not_lost(tmp_path: Path) -> None:
    """Which changes are in one batch depends on how long the one before took."""
    outcome = measure(tmp_path, KEEPS_THE_LAST_OF_A_BATCH, TWO, faults=[SLOW], workload=MANY)
    assert (outcome.verdict, outcome.anomalies) == ("unknown", ()), str(outcome)
    assert outcome.reasons == (
        "todo-0/3 landed at Two without the faults, and now only todo-0/6 did, which was in one batch with it: "
        "whether that is meant cannot be judged",
    )


def test_the_last_change_of_a_batch_is_lost(tmp_path: Path) -> None:
    """Nothing replaces it: what the first sink has already is forgotten at the second."""
    new = 'ConditionExpression="attribute_not_exists(id)"'
    crash = {"crash": {"call": "effect", "when": "before", "nth": 15}}
    first = 'db.put_item(TableName=os.environ["One"], Item=row)'
    kept = f"if refused{first[11:-1]}, {new}):\n                continue"
    body = KEEPS_THE_LAST_OF_A_BATCH.replace(first, kept)
    outcome = measure(tmp_path, body, TWO, faults=[crash], workload=MANY)
    assert [anomaly.summary for anomaly in outcome.anomalies] == [
        "intent todo-0/6 was acknowledged and never applied at Two"
    ], str(outcome)


def test_a_row_that_names_no_intent_is_no_phantom(tmp_path: Path) -> None:
    """A counter beside the effects is compared with the reference's: another one may be meant, or not."""
    outcome = measure(tmp_path, COUNTS, {"One": "ledger"}, faults=[{"crash": {"call": "*.UpdateItem", "nth": 1}}])
    assert (outcome.verdict, outcome.anomalies) == ("unknown", ()), str(outcome)
    assert outcome.reasons[0] == (
        'a row of One names no intent, such as {"id": "#total", "n": 5}: whether it belongs there cannot be judged'
        ". Without the faults, 1 of them are not there, and 1 others are"
    )


@pytest.mark.parametrize("role", ["ledger", "view"])
def test_a_row_that_names_no_intent_is_right_where_it_is_as_without_the_faults(role: str, tmp_path: Path) -> None:
    """The batch is delivered twice, and counted once; a run without faults alone has nothing to compare it with."""
    body = """
        def handler(event, context):
            for row in rows(event):
                state = row if ROLE == "ledger" else {**row, "id": row["item"]}
                one, key = os.environ["One"], {"id": {"S": "#total"}}
                counted = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
                if "Attributes" not in db.put_item(TableName=one, Item=state, ReturnValues="ALL_OLD"):
                    db.update_item(TableName=one, Key=key, **counted)
    """.replace("ROLE", repr(role))
    crash = {"crash": {"call": "acknowledge", "when": "before", "nth": 1}}
    outcome = measure(tmp_path, body, {"One": role}, faults=[crash])
    assert (outcome.verdict, outcome.reasons) == ("valid", ()), str(outcome)
    forgets = {"crash": {"call": "dynamodb.PutItem", "nth": 1}}
    outcome = measure(tmp_path, body, {"One": role}, faults=[forgets])
    assert (outcome.verdict, outcome.anomalies) == ("unknown", ()), str(outcome)
    assert 'such as {"id": "#total", "n": 3}: whether it belongs there cannot be judged' in outcome.reasons[0]
    outcome = measure(tmp_path, body, {"One": role})
    assert (outcome.verdict, len(outcome.reasons)) == ("unknown", 1), str(outcome)


@pytest.mark.parametrize(
    "body, paths", [(ADDS_UP, ["length(past)", "n"]), (READS_AND_ADDS, ["n"])], ids=["by an update", "by a put"]
)
def test_a_view_that_adds_up_a_change_twice_is_not_valid(body: str, paths: list[str], tmp_path: Path) -> None:
    """Its rows name the right intents, and count more than without the faults."""
    outcome = measure(tmp_path, body, {"One": "view"}, faults=[CRASHED], workload=MANY)
    assert (outcome.verdict, outcome.anomalies) == ("unknown", ()), str(outcome)
    assert sorted(outcome.reasons) == [
        f"`{path}` of todo-0 in One is 7, and 6 without the faults: whether that is meant cannot be judged. "
        f"`count: {path}` of the sink says that it counts changes"
        for path in paths
    ]


@pytest.mark.parametrize("count", ["n", "length(past)"])
@pytest.mark.parametrize(
    "writer, fault, blame, why",
    [
        ("put", CRASHED, "function", "after its effect and before its acknowledgement"),
        ("stamped_put", {"duplicate_put": {"nth": 1}}, "writer", "the operation was made twice"),
    ],
)
def test_a_view_that_counts_as_the_scenario_says_is_judged(
    writer: str, fault: Any, blame: str, why: str, count: str, tmp_path: Path
) -> None:
    """`count` of a view says what counts the changes of an item."""
    sinks = {"One": {"role": "view", "count": count}}
    workload = {**MANY, "writer": writer}
    outcome = measure(tmp_path, ADDS_UP, {"One": "view"}, faults=[fault], workload=workload, pipeline={"sinks": sinks})
    (anomaly,) = outcome.anomalies
    assert (anomaly.kind, anomaly.blame) == ("wrong_final_state", blame), str(outcome)
    assert anomaly.summary == "item todo-0 counts 7 in the view One, and 6 without the faults"
    assert why in anomaly.why


@pytest.mark.parametrize("fault", [CRASHED, {"duplicate_put": {"nth": 1}}, {"redeliver": {"nth": 1}}])
def test_a_view_that_copies_is_valid(fault: Any, tmp_path: Path) -> None:
    """The numbers of the item itself, and times, are no counts: an update_add that is repeated changes the item."""
    outcome = measure(tmp_path, COPIES, {"One": "view"}, faults=[fault], workload={**MANY, "writer": "update_add"})
    assert not outcome.reasons, str(outcome)
    assert {anomaly.blame for anomaly in outcome.anomalies} <= {"writer"}, str(outcome)


@pytest.mark.parametrize("second", ["ledger", "state"])
def test_an_unanswered_write_that_the_stream_carries_is_owed_its_effect(second: str, tmp_path: Path) -> None:
    """Its writer does not know whether it happened, and the function does: the crash costs the effect."""
    body = """
        def handler(event, context):
            for row in rows(event):
                new = {"ConditionExpression": "attribute_not_exists(id)"}
                if not refused(TableName=os.environ["Two"], Item=row, **new):
                    db.put_item(TableName=os.environ["One"], Item=row)
    """
    faults = [
        {"lose_reply": {"process": "writer", "call": "dynamodb.PutItem", "nth": 1}},
        {"crash": {"call": "dynamodb.PutItem", "nth": 1}},
    ]
    workload = {"sdk": {"max_attempts": 1}, "intents": 3, "writers": 1}
    outcome = measure(tmp_path, body, {"One": "ledger", "Two": second}, faults=faults, workload=workload)
    assert [anomaly.summary for anomaly in outcome.anomalies] == [
        "intent todo-0/1 is in the stream and never applied at One"
    ], str(outcome)
