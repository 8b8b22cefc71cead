"""Nothing is judged that cannot be read: where no row names an intent, the verdict is unknown, and says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pipelines import measure

CRASH = [{"crash": {"nth": 1}}]
PLAIN_TEXT = """
    def handler(event, context):
        for row in rows(event):
            sns.publish(TopicArn=os.environ["Topic"], Message="a new member: " + row["intent"]["S"])
"""
ONE_OBJECT = """
    def handler(event, context):
        changes = [{"change": row["intent"]["S"]} for row in rows(event)]
        s3.put_object(Bucket=os.environ["Out"], Key=context.aws_request_id, Body=json.dumps({"records": changes}))
"""
GZIP = """
    import gzip

    def handler(event, context):
        for row in rows(event):
            body = gzip.compress(json.dumps({"intent": row["intent"]["S"]}).encode(), mtime=0)
            s3.put_object(Bucket=os.environ["Out"], Key=row["intent"]["S"], Body=body)
"""
OTHER_NAME = """
    def handler(event, context):
        for row in rows(event):
            item = {"id": row["id"], "change": row["intent"], "item": row["item"]}
            db.put_item(TableName=os.environ["Effects"], Item=item)
"""
DEEPER = """
    def handler(event, context):
        for row in rows(event):
            item = {"id": row["id"], "detail": {"M": {"what": {"L": [row["intent"]]}}}}
            db.put_item(TableName=os.environ["Effects"], Item=item)
"""


@pytest.mark.parametrize(
    "body, sink, words",
    [
        (PLAIN_TEXT, {"Topic": "topic ledger"}, '"a new member: todo-0/1"; they name their intents inside a text'),
        (ONE_OBJECT, {"Out": "bucket ledger"}, "a row names several intents, and an effect must name one"),
        (GZIP, {"Out": "bucket ledger"}, "matches none of its 4 rows, such as"),
        (OTHER_NAME, {"Effects": "ledger"}, "the path `intent` matches none of its 4 rows, such as {"),
        (OTHER_NAME, {"Effects": "ledger"}, "nearest: `change`"),
        (DEEPER, {"Effects": "ledger"}, "nearest: `detail.what[0]`"),
        (OTHER_NAME, {"Effects": "view"}, "no row of Effects names an intent"),
    ],
)
def test_a_sink_that_names_no_intent_is_not_judged(body: str, sink: dict[str, str], words: str, tmp_path: Path) -> None:
    """The reason gives the path, the sink, how a row looks, and where the intent is."""
    outcome = measure(tmp_path, body, sink)
    assert (outcome.verdict, outcome.anomalies) == ("unknown", ()), str(outcome)
    assert words in " ".join(outcome.reasons)


@pytest.mark.parametrize(
    "body, sink", [(PLAIN_TEXT, {"Topic": "topic ledger"}), (GZIP, {"Out": "bucket ledger"})], ids=["text", "gzip"]
)
def test_its_contents_are_compared_with_the_reference(body: str, sink: dict[str, str], tmp_path: Path) -> None:
    """A fault that changes nothing leaves the same, and one that repeats a message leaves more."""
    same = measure(tmp_path, body, sink, faults=[{"delay": {"seconds": 1, "nth": 1}}])
    assert "They are the same as without the faults" in " ".join(same.reasons)
    if "Topic" in sink:
        more = measure(tmp_path, body, sink, faults=[{"crash": {"call": "sns.Publish", "when": "after", "nth": 1}}])
        assert "Without the faults, 1 of them are not there, and 0 others are" in " ".join(more.reasons)


def test_what_a_readable_sink_lacks_is_lost_beside_an_unreadable_one(tmp_path: Path) -> None:
    """Invalid beats unknown, and both are told."""
    body = """
        def handler(event, context):
            for row in rows(event):
                other = {"id": row["id"], "change": row["intent"]}
                if refused(TableName=os.environ["Plain"], Item=other, ConditionExpression="attribute_not_exists(id)"):
                    continue
                db.put_item(TableName=os.environ["Effects"], Item=row)
    """
    outcome = measure(tmp_path, body, {"Effects": "ledger", "Plain": "ledger"}, faults=CRASH)
    assert [anomaly.kind for anomaly in outcome.anomalies] == ["lost"], str(outcome)
    assert "no row of Plain names an intent" in " ".join(outcome.reasons)


MARKS = """
    def handler(event, context):
        for record, row in zip(event["Records"], rows(event)):
            db.put_item(TableName=os.environ["Markers"], Item={"id": {"S": record["eventID"]}})
            db.put_item(TableName=os.environ["Effects"], Item=row)
"""
MARKED = {"Effects": "ledger", "Markers": "ledger"}


@pytest.mark.parametrize(
    "fault",
    [
        {"crash": {"call": "effect", "when": "after", "nth": 3}},
        {"lose_reply": {"process": "function", "call": "effect", "nth": 1}},
        {"redeliver": {"seconds": 5, "nth": 1}},
    ],
)
def test_markers_in_a_ledger_are_right_where_they_are_as_without_the_faults(fault: Any, tmp_path: Path) -> None:
    """They are put whatever is there, and name no intent. What the pipeline does without faults is what it must do."""
    outcome = measure(tmp_path, MARKS, MARKED, faults=[fault])
    assert outcome.verdict == "valid", str(outcome)


def test_other_markers_than_without_the_faults_are_not_judged(tmp_path: Path) -> None:
    """A change that is written twice has two markers: whether that is right depends on what they are for."""
    outcome = measure(tmp_path, MARKS, MARKED, faults=[{"duplicate_put": {"changed": True, "nth": 1}}])
    assert (outcome.verdict, outcome.anomalies) == ("unknown", ()), str(outcome)
    assert "Without the faults, 1 of them are not there, and 0 others are" in " ".join(outcome.reasons)


def test_what_only_a_marker_is_left_of_is_lost(tmp_path: Path) -> None:
    """The markers are as without the fault, and the effect is not."""
    seen = 'db.get_item(TableName=os.environ["Markers"], Key={"id": {"S": record["eventID"]}})'
    skips = MARKS.replace("event)):\n", f'event)):\n            if "Item" in {seen}: continue\n')
    outcome = measure(tmp_path, skips, MARKED, faults=[{"crash": {"call": "effect", "when": "after", "nth": 1}}])
    assert [(each.kind, each.blame) for each in outcome.anomalies] == [("lost", "function")], str(outcome)
    assert outcome.reasons == ()


@pytest.mark.parametrize("ending", ["alone", "another path", "another path, beside an effect"])
def test_rows_that_could_name_their_intents_are_no_markers(ending: str, tmp_path: Path) -> None:
    """Nor are those of the only sink: where nothing can be read, the reference says nothing either."""
    body = (
        OTHER_NAME
        if "path" in ending
        else MARKS.replace('db.put_item(TableName=os.environ["Effects"], Item=row)', "pass")
    )
    sinks = {"alone": {"Markers": "ledger"}, "another path": {"Effects": "ledger"}}.get(ending, MARKED)
    if ending.endswith("effect"):
        body += '            db.put_item(TableName=os.environ["Markers"], Item=row)\n'
    outcome = measure(tmp_path, body, sinks, faults=[{"delay": {"seconds": 1, "nth": 1}}])
    assert (outcome.verdict, outcome.anomalies) == ("unknown", ()), str(outcome)
    assert "They are the same as without the faults" in " ".join(outcome.reasons)


def test_the_source_is_not_judged_where_its_items_name_no_intent(tmp_path: Path) -> None:
    """Neither it nor its views."""
    body = """
        def handler(event, context):
            for row in rows(event):
                db.put_item(TableName=os.environ["Effects"], Item=row)
    """
    outcome = measure(tmp_path, body, {"Effects": "ledger"}, pipeline={"source": {"intent": "order_id"}})
    assert (outcome.verdict, outcome.anomalies) == ("unknown", ()), str(outcome)
    assert "no row of Todos names an intent: the path `order_id`" in " ".join(outcome.reasons)
    assert "nearest: `intent`" in " ".join(outcome.reasons)


@pytest.mark.parametrize("beside", [{}, {"One": "ledger"}], ids=["alone", "beside a ledger"])
def test_a_view_that_keeps_what_is_deleted_is_not_valid(beside: dict[str, str], tmp_path: Path) -> None:
    """Its rows name their intents where the path does not look, and the source is empty."""
    body = """
        def handler(event, context):
            for row in rows(event):
                db.put_item(TableName=os.environ["View"], Item={"id": row["item"], "change": row["intent"]})
                if "One" in os.environ:
                    db.put_item(TableName=os.environ["One"], Item=row)
    """
    outcome = measure(tmp_path, body, {"View": "view", **beside}, workload={"writer": "put_then_delete"})
    assert (outcome.verdict, outcome.anomalies) == ("unknown", ()), str(outcome)
    assert outcome.reasons[0].endswith("; nearest: `change`")


TITLES = """
    def handler(event, context):
        for record in event["Records"]:
            keys, image = record["dynamodb"]["Keys"], record["dynamodb"].get("NewImage")
            if image:
                db.put_item(TableName=os.environ["View"], Item={**keys, "title": image["title"]})
"""
TOMBSTONES = TITLES.replace('{**keys, "title": image["title"]})', "image)").replace(
    "            if image:",
    """
            if not image:
                db.put_item(TableName=os.environ["View"], Item=keys)
            else:""",
)


@pytest.mark.parametrize("body, right", [(TITLES, "unknown"), (TOMBSTONES, "valid")], ids=["stale", "tombstones"])
def test_rows_without_an_intent_are_tombstones_only_where_others_had_one(body: str, right: str, tmp_path: Path) -> None:
    """All items are gone. The rows of a view whose rows never name an intent may be what was never deleted."""
    outcome = measure(tmp_path, body, {"View": "view"}, workload={"writer": "put_then_delete"})
    assert (outcome.verdict, outcome.anomalies) == (right, ()), str(outcome)


SILENT = """
class Silent:
    OPERATION = "silent_put"

    def __init__(self, client, table):
        self.client, self.table = client, table

    def write(self, change, note):
        item = {"id": {"S": change.item}, "intent": {"S": change.intent}}
        self.client.put_item(TableName=self.table, Item=item)
        RETURN
"""


@pytest.mark.parametrize("ending", ["pass", "return None"])
def test_a_writer_that_acknowledges_nothing_measures_nothing(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the handler does: unknown, and what a writer must return. It needs no base class."""
    module = f"silent_{'pass' if ending == 'pass' else 'none'}"
    (tmp_path / f"{module}.py").write_text(SILENT.replace("RETURN", ending))
    monkeypatch.syspath_prepend(tmp_path)
    body = """
        def handler(event, context):
            for row in list(rows(event))[:1]:
                db.put_item(TableName=os.environ["Effects"], Item=row)
    """
    outcome = measure(tmp_path, body, {"Effects": "ledger"}, workload={"writer": f"{module}:Silent"})
    assert (outcome.verdict, outcome.anomalies) == ("unknown", ()), str(outcome)
    assert "`write` of a writer returns True" in " ".join(outcome.reasons)
