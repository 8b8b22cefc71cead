"""Blame follows from what the history recorded: which operation wrote a record, which execution got it, and which call
landed it. Each row is one kind of anomaly with one source of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pipelines import measure
from play import LEDGER, play

ONE = {"Effects": "ledger"}
FEW = {"intents": 3, "writers": 1}
# It reads the item, and so it is as right with any kind of stream.
READS_BACK = """
    def handler(event, context):
        for record in event["Records"]:
            item = db.get_item(TableName="harness-pipelines-Todos", Key=record["dynamodb"]["Keys"])["Item"]
            fresh = {"S": context.aws_request_id + record["eventID"]}
            row = {"id": fresh, "intent": item["intent"], "item": item["id"]}
            try:
                db.put_item(TableName=os.environ["Effects"], Item=row)
            except Exception as error:
                print("ignored", error)
"""
WRITES_BACK = """
    def handler(event, context):
        for row in rows(event):
            row = {**row, "id": {"S": context.aws_request_id + row["intent"]["S"]}}
            db.put_item(TableName=os.environ["Effects"], Item=row)
            db.update_item(
                TableName="harness-pipelines-Todos",
                Key={"id": row["item"]},
                UpdateExpression="SET handled = :one",
                ExpressionAttributeValues={":one": {"N": "1"}},
            )
"""
TAKES_REMOVALS = """
    def handler(event, context):
        for record in event["Records"]:
            image = record["dynamodb"].get("NewImage") or record["dynamodb"]["OldImage"]
            row = {"id": {"S": record["eventID"]}, "intent": image["intent"], "item": image["id"]}
            db.put_item(TableName=os.environ["Effects"], Item=row)
"""
ONE_CALL = """
    def handler(event, context):
        entries = [
            {"Id": str(number), "MessageBody": json.dumps({"intent": row["intent"]["S"], "number": number})}
            for number, row in enumerate(rows(event))
        ]
        sqs.send_message_batch(QueueUrl=os.environ["Effects"], Entries=entries)
"""
ONE_TRY = """
    def handler(event, context):
        try:
            for record in event["Records"]:
                new = {"ConditionExpression": "attribute_not_exists(id)"}
                db.put_item(TableName=os.environ["Markers"], Item={"id": {"S": record["eventID"]}}, **new)
                for row in rows({"Records": [record]}):
                    db.put_item(TableName=os.environ["Effects"], Item=row)
        except db.exceptions.ConditionalCheckFailedException:
            print("already handled")
"""
MARKER_FIRST = """
    def handler(event, context):
        for record in event["Records"]:
            marker = {"id": {"S": record["eventID"]}}
            if refused(TableName=os.environ["Markers"], Item=marker, ConditionExpression="attribute_not_exists(id)"):
                continue
            for row in rows({"Records": [record]}):
                db.put_item(TableName=os.environ["Effects"], Item=row)
"""
REPORTS_IN_VAIN = """
    def handler(event, context):
        failed = []
        for record in event["Records"]:
            for row in rows({"Records": [record]}):
                if row["item"]["S"] == "todo-1":
                    failed.append({"itemIdentifier": record["dynamodb"]["SequenceNumber"]})
                else:
                    db.put_item(TableName=os.environ["Effects"], Item=row)
        return {"batchItemFailures": failed}
"""
PLAIN = """
    def handler(event, context):
        for row in rows(event):
            db.put_item(TableName=os.environ["Effects"], Item=row)
"""
REPORTS_THE_EVENT = """
    def handler(event, context):
        for record in event["Records"]:
            for row in rows({"Records": [record]}):
                row["id"] = {"S": context.aws_request_id + row["item"]["S"]}
                db.put_item(TableName=os.environ["Effects"], Item=row)
        return {"batchItemFailures": [{"itemIdentifier": record["eventID"]}]}
"""
KEEPS_ON = """
    def handler(event, context):
        failed = []
        for record in event["Records"]:
            for row in rows({"Records": [record]}):
                try:
                    db.put_item(TableName=os.environ["Effects"], Item=row)
                except Exception:
                    failed.append({"itemIdentifier": record["dynamodb"]["SequenceNumber"]})
        return {"batchItemFailures": failed}
"""
BACKWARDS = """
    def handler(event, context):
        for row in reversed(list(rows(event))):
            db.put_item(TableName=os.environ["Effects"], Item=row)
"""
ARCHIVES = """
    def handler(event, context):
        for record in event["Records"]:
            if record["eventName"] == "REMOVE":
                image = record["dynamodb"]["OldImage"]
                fresh = {"S": context.aws_request_id + record["eventID"]}
                row = {"id": fresh, "intent": image["intent"], "item": image["id"]}
                db.put_item(TableName=os.environ["Effects"], Item=row)
"""
PUTS_THE_IMAGE_BACK = """
    def handler(event, context):
        for record in event["Records"]:
            image = record["dynamodb"]["NewImage"]
            for row in rows({"Records": [record]}) if "handled" not in image else ():
                db.put_item(TableName=os.environ["Effects"], Item=row)
                db.put_item(TableName="harness-pipelines-Todos", Item={**image, "handled": {"N": "1"}})
"""
SENDS = """
    def handler(event, context):
        for row in rows(event):
            try:
                message = json.dumps({"intent": row["intent"]["S"]})
                sqs.send_message(QueueUrl=os.environ["Effects"], MessageBody=message)
            except Exception as error:
                print("ignored", error)
"""
SENDS_BY_ITEM = """
    def handler(event, context):
        for row in rows(event):
            ids = {"MessageGroupId": "all", "MessageDeduplicationId": row["item"]["S"]}
            message = json.dumps({"intent": row["intent"]["S"]})
            sqs.send_message(QueueUrl=os.environ["Effects"], MessageBody=message, **ids)
"""
UPDATES_BY_ITEM = """
    def handler(event, context):
        for row in rows(event):
            values = {":i": row["intent"], ":t": row["item"]}
            db.update_item(
                TableName=os.environ["Effects"],
                Key={"id": row["item"]},
                UpdateExpression="SET intent = :i, #t = :t",
                ExpressionAttributeNames={"#t": "item"},
                ExpressionAttributeValues=values,
            )
"""
POISON = """
    def handler(event, context):
        for row in rows(event):
            if row["item"]["S"] == "todo-0":
                raise ValueError("poison")
            db.put_item(TableName=os.environ["Effects"], Item=row)
"""
AFTER = {"crash": {"call": "dynamodb.PutItem", "when": "after", "nth": 2}}
MARKED = {"Effects": "ledger", "Markers": "state"}


@dataclass(frozen=True)
class Row:
    name: str
    body: str
    kind: str
    blame: str
    words: str
    sinks: dict[str, str] = field(default_factory=lambda: ONE)
    faults: tuple[Any, ...] = ()
    workload: dict[str, Any] = field(default_factory=dict)
    template: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)


REFUSED = {"refuse": {"process": "function", "call": "effect", "code": "TransactionConflictException", "nth": 2}}
REPORTS = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
ONCE = {"process": "function", "call": "effect", "code": "TransactionConflictException", "times": 1}
TWICE = {"duplicate_put": {"nth": 2, "changed": True}}
# Where the template says so, the mapping has begun before the first write.
AT_LATEST = {"pipeline": {"mapping": {"starting_position": "LATEST"}}}
VIEW_TYPES = ("NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY")
ROWS = [
    *(
        Row(f"{name} {view}", READS_BACK, kind, blame, words, faults=(fault,), template={"view_type": view})
        for view in VIEW_TYPES
        for name, kind, blame, words, fault in (
            ("swallowed", "lost", "function", "ended ok, although its dynamodb.PutItem had failed", REFUSED),
            ("crashed", "duplicated", "function", "after its effect and before its acknowledgement", AFTER),
            ("put twice", "duplicated", "writer", "the operation was made twice", TWICE),
        )
    ),
    Row("written back", WRITES_BACK, "duplicated", "function", "wrote the item back to the source"),
    Row("removed", TAKES_REMOVALS, "duplicated", "function", "(REMOVE, #", workload={"writer": "put_then_delete"}),
    Row("expired", TAKES_REMOVALS, "duplicated", "function", "(REMOVE, #", workload={"writer": "expiring_put"}),
    Row("one call", ONE_CALL, "duplicated", "writer", "made twice", {"Effects": "queue ledger"}, (TWICE,)),
    Row("one try", ONE_TRY, "lost", "function", "after its dynamodb.PutItem had failed", MARKED, (AFTER,)),
    Row(
        "marker first",
        MARKER_FIRST,
        "lost",
        "function",
        "as code does that writes its marker before the effect",
        MARKED,
        ({"crash": {"call": "dynamodb.PutItem", "when": "after", "nth": 1}},),
    ),
    Row("reported in vain", REPORTS_IN_VAIN, "lost", "function", "which the mapping does not ask for"),
    Row("latest", PLAIN, "lost", "mapping", "starts at LATEST", template=AT_LATEST),
    Row(
        "latest and disabled",
        PLAIN,
        "lost",
        "mapping",
        "starts at LATEST",
        faults=({"disable_mapping": {"nth": 4, "seconds": 60}},),
        template=AT_LATEST,
    ),
    Row(
        "behind a poison record",
        POISON,
        "lost",
        "mapping",
        "it waited behind the batch of todo-0/1",
        workload={"intents": 20, "items": 20, "writers": 1},
        template={"BatchSize": 1},
    ),
    Row(
        "reported by a wrong identifier",
        REPORTS_THE_EVENT,
        "duplicated",
        "function",
        "which is no record of the batch: the whole batch failed (S-74)",
        template={**REPORTS, "MaximumRetryAttempts": 1},
    ),
    Row(
        "reported, and what is behind it applied",
        KEEPS_ON.replace("Item=row", "Item={**row, 'id': {'S': context.aws_request_id + row['intent']['S']}}"),
        "duplicated",
        "function",
        "its batchItemFailures named it or a record before it",
        faults=({"refuse": {**ONCE, "intent": "todo-1/1"}},),
        template=REPORTS,
    ),
    Row(
        "reported in vain after an error",
        KEEPS_ON,
        "lost",
        "function",
        "which the mapping does not ask for",
        faults=({"refuse": {**ONCE, "intent": "todo-1/1"}},),
    ),
    Row(
        "applied without the one before",
        KEEPS_ON,
        "reordered",
        "function",
        "applied todo-0/3 without todo-0/2, whose dynamodb.PutItem had failed; function/2 applied that later",
        {"Effects": "streamed ledger"},
        faults=({"refuse": {**ONCE, "intent": "todo-0/2"}},),
        workload={"intents": 4, "items": 1},
        template=REPORTS,
    ),
    Row(
        "backwards",
        BACKWARDS,
        "reordered",
        "function",
        "function/1 had both in one batch, in order, and applied them the other way round",
        {"Effects": "streamed ledger"},
        workload={"intents": 4, "items": 1},
    ),
    Row(
        "the removal twice",
        ARCHIVES,
        "duplicated",
        "function",
        "after its effect and before its acknowledgement",
        faults=(AFTER,),
        workload={"writer": "put_then_delete"},
    ),
    Row(
        "an old image put back",
        PUTS_THE_IMAGE_BACK,
        "wrong_final_state",
        "function",
        "wrote the item back to the source (dynamodb.PutItem, #",
        faults=({"redeliver": {"nth": 1, "seconds": 600}},),
        workload={"intents": 3, "items": 1},
        template={"BatchSize": 1},
    ),
    Row(
        "a 5xx swallowed",
        SENDS,
        "lost",
        "function",
        "although its sqs.SendMessage had ended with an error (ServiceUnavailable)",
        {"Effects": "queue ledger"},
        ({"refuse": {"call": "sqs.SendMessage", "code": "ServiceUnavailable", "intent": "todo-1/1"}},),
    ),
    Row(
        "taken for a repetition",
        SENDS_BY_ITEM,
        "lost",
        "function",
        "a FIFO queue drops one whose deduplication ID",
        {"Effects": "fifo ledger"},
        workload={"intents": 3, "items": 1},
    ),
    Row(
        "an update that names its intent by an alias",
        UPDATES_BY_ITEM,
        "lost",
        "function",
        "ended ok, and Effects no longer holds the effect",
        workload={"intents": 3, "items": 1},
    ),
    Row(
        "disabled for longer than the stream keeps its records",
        PLAIN,
        "lost",
        "mapping",
        "after it had been disabled (disable_mapping, #",
        faults=({"disable_mapping": {"nth": 1, "seconds": "25h"}},),
        limits={"drive": "30h"},
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_cause_is_what_happened(row: Row, tmp_path: Path) -> None:
    """Anomaly, blame and sentence."""
    workload = {**FEW, **row.workload}
    faults, limits = list(row.faults), row.limits
    outcome = measure(tmp_path, row.body, row.sinks, workload=workload, faults=faults, limits=limits, **row.template)
    causes = [(each.kind, each.blame, row.words in each.why) for each in outcome.anomalies]
    assert (row.kind, row.blame, True) in causes, str(outcome)
    if row.name != "behind a poison record":
        assert {cause[:2] for cause in causes} == {(row.kind, row.blame)}, str(outcome)


def test_a_marker_is_not_claimed_where_none_was_written(tmp_path: Path) -> None:
    """One try around the loop loses the records behind the one that was handled before."""
    outcome = measure(tmp_path, ONE_TRY, MARKED, workload=FEW, faults=[AFTER])
    assert not any("marker" in anomaly.why for anomaly in outcome.anomalies), str(outcome)


@pytest.mark.parametrize("intent", ["A+B", "A B", "A #1", "+", "A+C", "ü/ö", '"quoted"', "a,b"])
def test_an_intent_may_have_any_characters(intent: str, tmp_path: Path) -> None:
    """The fault that doubled it is named, and that of another one is not."""
    (tmp_path / "items.yaml").write_text(f"- {{id: a, order: {intent!r}}}\n- {{id: b, order: C}}\n")
    body = """
        def handler(event, context):
            for record in event["Records"]:
                image = record["dynamodb"]["NewImage"]
                row = {"id": {"S": record["eventID"]}, "intent": image["order"], "item": image["id"]}
                db.put_item(TableName=os.environ["Effects"], Item=row)
    """
    outcome = measure(
        tmp_path,
        body,
        ONE,
        workload={"writer": "stamped_put", "data": str(tmp_path / "items.yaml"), "intents": 2},
        pipeline={"source": {"intent": "order"}},
        faults=[{"duplicate_put": {"nth": 1}}],
    )
    (anomaly,) = outcome.anomalies
    assert (anomaly.kind, anomaly.blame) == ("duplicated", "writer"), str(outcome)
    assert "(duplicate_put, #" in anomaly.why


@pytest.mark.parametrize(("seconds", "told"), [(7200, True), (30, False)])
def test_a_marker_that_had_expired_is_named(seconds: int, told: bool, tmp_path: Path) -> None:
    """With the table, the call that wrote it first, and how long after that the record came again (P-08)."""
    faults = [{"redeliver": {"nth": 1, "seconds": seconds}}]
    outcome = play(tmp_path, LEDGER / "expiring_marker.py", faults)
    assert (outcome.verdict == "invalid") is told, str(outcome)
    if told:
        why, intent = outcome.anomalies[0].why, outcome.anomalies[0].subject
        writes = (op for op in outcome.history if op.f == "dynamodb.TransactWriteItems")
        marked = next(op for op in writes if op.value["intents"] == [intent])
        marker = f"its marker in Markers (#{marked.index})"
        assert why.endswith(f"7,200 s later: it wrote {marker} anew, which had expired or is not looked at (P-08)")
