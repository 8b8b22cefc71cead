"""Each sink answers for itself: what it is owed, the same run without faults says."""

from __future__ import annotations

from pathlib import Path

import pytest
from pipelines import measure

from harness import reference
from harness.api import RunOutcome
from harness.errors import UserError

CRASH = [{"crash": {"nth": 1}}]
TWO = {"Charges": "ledger", "Mails": "ledger"}
MAIL_IS_SKIPPED = """
    def handler(event, context):
        for row in rows(event):
            if refused(TableName=os.environ["Charges"], Item=row, ConditionExpression="attribute_not_exists(id)"):
                continue
            db.put_item(TableName=os.environ["Mails"], Item=row)
"""


def found(outcome: RunOutcome) -> list[tuple[str, str]]:
    return [(anomaly.kind, anomaly.blame) for anomaly in outcome.anomalies]


def test_an_effect_that_is_lost_at_one_of_two_ledgers_is_lost(tmp_path: Path) -> None:
    """The function dies between the two, and takes the first one for both."""
    outcome = measure(tmp_path, MAIL_IS_SKIPPED, TWO, faults=CRASH)
    assert found(outcome) == [("lost", "function")], str(outcome)
    assert outcome.anomalies[0].summary == "intent todo-0/1 was acknowledged and never applied at Mails"


@pytest.mark.parametrize("second", ["queue", "topic", "bucket"])
def test_the_second_sink_may_be_of_any_kind(second: str, tmp_path: Path) -> None:
    """A charge without its message, its notification or its object."""
    send = {
        "queue": 'sqs.send_message(QueueUrl=os.environ["Mails"], MessageBody=json.dumps({"intent": intent}))',
        "topic": 'sns.publish(TopicArn=os.environ["Mails"], Message=json.dumps({"intent": intent}))',
        "bucket": 's3.put_object(Bucket=os.environ["Mails"], Key=intent, Body=json.dumps({"intent": intent}))',
    }[second]
    body = f"""
        def handler(event, context):
            for row in rows(event):
                intent = row["intent"]["S"]
                if refused(TableName=os.environ["Charges"], Item=row, ConditionExpression="attribute_not_exists(id)"):
                    continue
                {send}
    """
    outcome = measure(tmp_path, body, {"Charges": "ledger", "Mails": f"{second} ledger"}, faults=CRASH)
    assert found(outcome) == [("lost", "function")], str(outcome)


def test_what_the_handler_routes_is_owed_at_its_own_sink_alone(tmp_path: Path) -> None:
    """Each change goes to one of the two sinks; a crash costs none."""
    body = """
        def handler(event, context):
            for row in rows(event):
                db.put_item(TableName=os.environ["Charges" if row["id"]["S"] < "todo-2" else "Mails"], Item=row)
    """
    outcome = measure(tmp_path, body, TWO, faults=CRASH)
    assert outcome.verdict == "valid", str(outcome)


def test_what_the_handler_leaves_out_at_a_sink_is_not_owed_there(tmp_path: Path) -> None:
    """Mail is sent for some charges only."""
    body = """
        def handler(event, context):
            for row in rows(event):
                db.put_item(TableName=os.environ["Charges"], Item=row)
                if row["id"]["S"] != "todo-1/1":
                    db.put_item(TableName=os.environ["Mails"], Item=row)
    """
    outcome = measure(tmp_path, body, TWO, faults=CRASH)
    assert outcome.verdict == "valid", str(outcome)


def test_an_effect_that_is_lost_beside_a_view_is_lost(tmp_path: Path) -> None:
    """All of the ledger's effects are gone, and the view has followed the source."""
    body = """
        def handler(event, context):
            for row in rows(event):
                item = {"id": row["item"], "intent": row["intent"]}
                condition = "attribute_not_exists(id) OR intent <> :new"
                values = {":new": row["intent"]}
                if refused(
                    TableName=os.environ["View"],
                    Item=item,
                    ConditionExpression=condition,
                    ExpressionAttributeValues=values,
                ):
                    continue
                db.put_item(TableName=os.environ["Charges"], Item=row)
    """
    sinks = {"Charges": "ledger", "View": "view"}
    outcome = measure(tmp_path, body, sinks, faults=CRASH, workload={"intents": 1, "writers": 1})
    assert found(outcome) == [("lost", "function")], str(outcome)


def test_a_stale_view_beside_a_fresh_one_is_wrong(tmp_path: Path) -> None:
    """It keeps the first change of each item."""
    body = """
        def handler(event, context):
            for row in rows(event):
                item = {"id": row["item"], "intent": row["intent"]}
                db.put_item(TableName=os.environ["Fresh"], Item=item)
                refused(TableName=os.environ["Stale"], Item=item, ConditionExpression="attribute_not_exists(id)")
    """
    outcome = measure(tmp_path, body, {"Fresh": "view", "Stale": "view"}, workload={"intents": 6, "items": 2})
    assert found(outcome) == [("wrong_final_state", "function")] * 2, str(outcome)
    assert "in the view Stale" in outcome.anomalies[0].summary


def test_a_view_that_a_crash_left_behind_is_wrong(tmp_path: Path) -> None:
    """It is empty in the end, and it is not without the crash."""
    body = """
        def handler(event, context):
            for row in rows(event):
                if refused(TableName=os.environ["Charges"], Item=row, ConditionExpression="attribute_not_exists(id)"):
                    continue
                db.put_item(TableName=os.environ["View"], Item={"id": row["item"], "intent": row["intent"]})
    """
    sinks = {"Charges": "ledger", "View": "view"}
    outcome = measure(tmp_path, body, sinks, faults=CRASH, workload={"intents": 1, "writers": 1})
    assert found(outcome) == [("wrong_final_state", "function")], str(outcome)


def test_an_effect_that_comes_twice_at_the_second_sink_is_duplicated_there(tmp_path: Path) -> None:
    """The first one is idempotent."""
    body = """
        def handler(event, context):
            for row in rows(event):
                db.put_item(TableName=os.environ["Charges"], Item=row)
                sqs.send_message(QueueUrl=os.environ["Mails"], MessageBody=json.dumps({"intent": row["intent"]["S"]}))
    """
    faults = [{"crash": {"call": "sqs.SendMessage", "when": "after", "nth": 1}}]
    outcome = measure(tmp_path, body, {"Charges": "ledger", "Mails": "queue ledger"}, faults=faults)
    assert found(outcome) == [("duplicated", "function")], str(outcome)
    assert outcome.anomalies[0].summary.endswith("applied twice at Mails")


TWICE = """
    def handler(event, context):
        for row in rows(event):
            for name in ("Charges", "Mails"):
                db.put_item(TableName=os.environ[name], Item={**row, "id": {"S": name + context.aws_request_id}})
            %s
"""


def test_an_effect_that_comes_twice_at_both_sinks_is_duplicated_at_both(tmp_path: Path) -> None:
    """One crash is one cause, and so one anomaly."""
    crash = {"crash": {"call": "acknowledge", "when": "before", "nth": 1}}
    outcome = measure(tmp_path, TWICE % "", TWO, faults=[crash], BatchSize=1)
    assert [anomaly.summary for anomaly in outcome.anomalies] == [
        "intent todo-0/1 was written once, applied twice at Charges and Mails"
    ]


def test_what_happened_otherwise_at_another_sink_is_another_anomaly(tmp_path: Path) -> None:
    """At one sink there are two rows by two executions, and at the other two by one as well."""
    more = 'db.put_item(TableName=os.environ["Mails"], Item={**row, "id": {"S": "again"}})'
    outcome = measure(tmp_path, TWICE % more, TWO, workload={"intents": 1, "writers": 1}, BatchSize=1)
    assert [anomaly.summary for anomaly in outcome.anomalies] == [
        "intent todo-0/1 was written once, applied twice at Mails"
    ]


def test_an_effect_that_is_missing_for_two_reasons_is_lost_twice(tmp_path: Path) -> None:
    """One sink's call was refused, the other's was never made."""
    body = """
        def handler(event, context):
            for row in rows(event):
                try:
                    db.put_item(TableName=os.environ["Charges"], Item=row)
                    db.put_item(TableName=os.environ["Mails"], Item=row)
                except Exception as error:
                    print("ignored", error)
    """
    refused = {"process": "function", "call": "effect", "code": "TransactionConflictException", "nth": 1}
    outcome = measure(tmp_path, body, TWO, faults=[{"refuse": refused}])
    assert [anomaly.summary for anomaly in outcome.anomalies] == [
        "intent todo-0/1 was acknowledged and never applied at Charges",
        "intent todo-0/1 was acknowledged and never applied at Mails",
    ]
    assert "although its dynamodb.PutItem had failed" in outcome.anomalies[0].why


@pytest.mark.parametrize("which", ["todo-", "todo-1"], ids=["all", "one of them"])
def test_a_function_may_take_its_items_out_of_the_source(which: str, tmp_path: Path) -> None:
    """As the relay of an outbox does: what it deletes has not been lost by the platform."""
    body = f"""
        def handler(event, context):
            for row in rows(event):
                db.put_item(TableName=os.environ["Charges"], Item=row)
                if row["item"]["S"].startswith("{which}"):
                    db.delete_item(TableName="harness-pipelines-Todos", Key={{"id": row["item"]}})
    """
    outcome = measure(tmp_path, body, {"Charges": "ledger"}, faults=CRASH)
    assert outcome.verdict == "valid", str(outcome)


def test_a_pipeline_that_fails_without_any_fault_says_so_first(tmp_path: Path) -> None:
    """The fault is not to blame for what happens without it."""
    body = """
        def handler(event, context):
            for row in list(rows(event))[:1]:
                db.put_item(TableName=os.environ["Charges"], Item=row)
    """
    outcome = measure(tmp_path, body, {"Charges": "ledger"}, faults=[{"delay": {"seconds": 1, "nth": 1}}])
    assert outcome.verdict == "invalid"
    assert str(outcome).splitlines()[1].startswith("  without its faults it is invalid already: lost: intent todo-")


def test_the_verdict_says_where_the_reference_was_played(tmp_path: Path) -> None:
    """And a run without faults has none: it is its own."""
    reference = measure(tmp_path, MAIL_IS_SKIPPED, TWO, faults=CRASH).result.to_dict()["reference"]
    assert reference == {"platform": "embedded", "verdict": "valid", "why": ""}
    assert measure(tmp_path, MAIL_IS_SKIPPED, TWO).result.to_dict()["reference"] is None


def test_a_reference_that_cannot_be_played_leaves_the_run_its_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform went away after the run: unknown, and why; what was lost for all that is not known."""
    monkeypatch.setattr(reference, "_played", fails)
    outcome = measure(tmp_path, MAIL_IS_SKIPPED, TWO, faults=CRASH)
    assert outcome.verdict == "unknown"
    assert outcome.reasons == ("without its faults it is unknown already (it could not be played: nobody answers)",)


def fails(*_: object) -> None:
    raise UserError("nobody answers")
