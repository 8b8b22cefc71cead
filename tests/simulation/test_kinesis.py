"""Whole runs with a Kinesis stream as the source: what repeats there, what keeps its order, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from play import ROOT, attempts, document, fired, found, operations, play

from harness.api import RunOutcome, run
from harness.errors import UserError
from harness.history import INVOKE, OK

SOURCES = ROOT / "lambda" / "sources"
NAIVE, EVENT_ID, BUSINESS_KEY = (SOURCES / f"{name}.py" for name in ("naive", "event_id", "business_key"))
TABLE, STREAM = {"template": str(SOURCES / "table.yaml")}, {"template": str(SOURCES / "stream.yaml")}
LOST = {"lose_reply": {"process": "writer", "call": "*.Put*", "intent": "todo-1/1", "nth": 1}}
SURVIVE = (EVENT_ID, BUSINESS_KEY)


def on_stream(tmp_path: Path, handler: Path, faults: Any = (), **more: Any) -> RunOutcome:
    return play(tmp_path, handler, faults, pipeline={**STREAM, **more.pop("pipeline", {})}, **more)


def numbers_of(outcome: RunOutcome, intent: str) -> list[str]:
    """The sequence numbers of an intent's records, as the observer saw them."""
    return [op.value["sequence_number"] for op in operations(outcome, "record") if op.value["intent"] == intent]


def test_the_sdks_own_repetition_is_a_second_record(tmp_path: Path) -> None:
    """The same request twice, after one lost reply: two records, two eventIDs; in a table's stream one (S-31, S-55)."""
    table, stream = play(tmp_path, NAIVE, [LOST], pipeline=TABLE), on_stream(tmp_path, NAIVE, [LOST])
    for outcome, call, records in ((table, "dynamodb.PutItem", 10), (stream, "kinesis.PutRecord", 11)):
        assert fired(outcome) == [1]
        assert sorted(attempts(outcome, call))[-2:] == [1, 2]
        assert len(operations(outcome, "record")) == records
        assert outcome.counts["intents"] == 10
    assert len(set(numbers_of(stream, "todo-1/1"))) == 2
    ids = {op.value["event_id"] for op in operations(stream, "record") if op.value["intent"] == "todo-1/1"}
    assert ids == {f"shardId-000000000000:{number}" for number in numbers_of(stream, "todo-1/1")}
    assert table.verdict == "valid"
    assert found(stream) == {("duplicated", "writer")}
    [anomaly] = stream.anomalies
    assert anomaly.why.startswith("the SDK sent kinesis.PutRecord again, attempt 2 (lose_reply, #")
    assert anomaly.why.endswith("a Kinesis stream takes each call for a record of its own: it got 2 (S-55)")


def test_the_applications_own_repetition_is_one_too(tmp_path: Path) -> None:
    """With the same content; to a table it would have changed nothing."""
    twice = [{"duplicate_put": {"intent": "todo-1/1"}}]
    assert play(tmp_path, NAIVE, twice, pipeline=TABLE).verdict == "valid"
    outcome = on_stream(tmp_path, NAIVE, twice)
    assert found(outcome) == {("duplicated", "writer")}
    assert "the operation was made twice (duplicate_put, #" in outcome.anomalies[0].why


@pytest.mark.parametrize(
    "harm",
    [{"lose_request": {}}, {"refuse": {"code": "ProvisionedThroughputExceededException"}}],
    ids=lambda harm: next(iter(harm)),
)
def test_a_request_that_was_not_carried_out_is_repeated_without_harm(tmp_path: Path, harm: Any) -> None:
    """What counts is whether the first one took place, and the writer cannot know (S-07)."""
    ((word, fields),) = harm.items()
    fault = {word: {"process": "writer", "call": "kinesis.PutRecord", "nth": 1, **fields}}
    outcome = on_stream(tmp_path, NAIVE, [fault])
    assert (fired(outcome), outcome.verdict, len(operations(outcome, "record"))) == ([1], "valid", 10)
    assert max(attempts(outcome, "kinesis.PutRecord")) == 2


@pytest.mark.parametrize("fault", [LOST, {"duplicate_put": {"nth": 1, "changed": True}}])
@pytest.mark.parametrize("handler, verdict", [(EVENT_ID, "invalid"), (BUSINESS_KEY, "valid")])
def test_an_event_id_does_not_tell_a_repetition_and_a_business_key_does(
    tmp_path: Path, fault: Any, handler: Path, verdict: str
) -> None:
    """Two records of one change are two records (P-09)."""
    assert on_stream(tmp_path, handler, [fault]).verdict == verdict


@pytest.mark.parametrize("handler", SURVIVE)
@pytest.mark.parametrize(
    "fault",
    [
        {"redeliver": {"nth": 1}},
        {"redeliver": {"nth": 1, "concurrently": True}},
        {"roll_back": {"nth": 3}},
        {"crash": {"call": "effect", "when": "after", "nth": 3}},
        {"timeout": {"call": "effect", "when": "after", "nth": 3}},
        {"lose_reply": {"process": "function", "call": "effect", "nth": 2}},
        {"lose_reply": {"process": "dispatcher", "call": "lambda.Invoke", "nth": 1}},
        {"kill_function": {"nth": 1}},
        {"recreate_mapping": {"nth": 3}},
        {"disable_mapping": {"nth": 3, "seconds": 5}},
    ],
    ids=lambda fault: next(iter(fault)),
)
def test_one_record_keeps_its_event_id_however_often_it_is_delivered(tmp_path: Path, handler: Path, fault: Any) -> None:
    """Faults of the mapping and of the function act as on a table's stream: the naive handler repeats, these do not."""
    outcome = on_stream(tmp_path, handler, [fault])
    assert (fired(outcome), outcome.verdict) == ([1], "valid")


def test_a_batch_that_comes_again_is_the_same(tmp_path: Path) -> None:
    """Same numbers, same intents; the naive handler applies it twice, and is to blame (S-79)."""
    outcome = on_stream(tmp_path, NAIVE, [{"redeliver": {"nth": 1}}])
    first, second = [op.value for op in operations(outcome, "deliver", INVOKE)][:2]
    assert (first["sequence_numbers"], first["intents"]) == (second["sequence_numbers"], second["intents"])
    assert found(outcome) == {("duplicated", "function")}


def test_each_shard_keeps_the_order_of_its_items(tmp_path: Path) -> None:
    """Two shards are read side by side; the records of one item are in one of them, in order (S-59)."""
    template = tmp_path / "two.yaml"
    template.write_text((SOURCES / "stream.yaml").read_text().replace("{ShardCount: 1}", "{ShardCount: 2}"))
    more: dict[str, Any] = {"pipeline": {"template": str(template)}, "workload": {"intents": 30, "items": 6}}
    outcome = on_stream(tmp_path, BUSINESS_KEY, mapping={"batch_size": 3}, **more)
    assert outcome.verdict == "valid"
    records = [op.value for op in operations(outcome, "record")]
    shard_of = {record["item"]: record["shard"] for record in records}
    assert {record["shard"] for record in records} == {"shardId-000000000000", "shardId-000000000001"}
    for item, shard in shard_of.items():
        own = [record for record in records if record["item"] == item]
        assert {record["shard"] for record in own} == {shard}
        assert [record["intent"] for record in own] == [f"{item}/{number}" for number in range(1, 6)]
    assert {op.process for op in operations(outcome, "deliver", OK)} == {"dispatcher/0", "dispatcher/1"}


FAILS = """
import base64, json
from change import changes, put_if_absent

def handler(event, context):
    for record, todo in changes(event):
        if todo["intent"] == "todo-1/1":
            raise ValueError("poison")
        put_if_absent(todo["intent"], todo)
"""


def test_the_mapping_gives_up_as_on_a_tables_stream(tmp_path: Path) -> None:
    """Halves the batch, tries again, and tells the queue under Kinesis's own word (S-70, S-82)."""
    folder = tmp_path / "poison"
    folder.mkdir()
    (folder / "app.py").write_text(FAILS)
    (folder / "change.py").write_text((SOURCES / "change.py").read_text())
    queue = """
  Failed: {Type: AWS::SQS::Queue, Metadata: {harness: {role: on_failure}}}
"""
    text = (SOURCES / "stream.yaml").read_text().replace("Resources:\n", f"Resources:{queue}", 1)
    (folder / "template.yaml").write_text(
        text + "      DestinationConfig: {OnFailure: {Destination: !GetAtt Failed.Arn}}\n"
    )
    settings = {"batch_size": 10, "maximum_retry_attempts": 1, "bisect_batch_on_function_error": True}
    more: dict[str, Any] = {"pipeline": {"template": str(folder / "template.yaml")}}
    outcome = on_stream(tmp_path, folder / "app.py", mapping=settings, **more)
    assert found(outcome) == {("dead_lettered", "function")}
    [letter] = operations(outcome, "dead_letter")
    assert [letter.value["start"]] == numbers_of(outcome, "todo-1/1") == [letter.value["end"]]


def test_a_filter_sees_the_data(tmp_path: Path) -> None:
    """As JSON: what matches is delivered, the rest is gone for this mapping (S-84)."""
    pattern = {"data": {"id": [{"prefix": "todo-1"}]}}
    outcome = on_stream(tmp_path, BUSINESS_KEY, mapping={"filter_criteria": [pattern]})
    assert {op.value["item"] for op in operations(outcome, "effect")} == {"todo-1"}
    assert found(outcome) == {("lost", "mapping")}


def test_a_writers_own_data_are_written_as_they_are(tmp_path: Path) -> None:
    """An item is named by its `id`, which is the partition key; one without gets one."""
    (tmp_path / "orders.yaml").write_text("- {id: a, total: 3, paid: true}\n- {id: b, lines: [x, y]}\n- {total: 1}\n")
    handler = tmp_path / "app.py"
    handler.write_text(
        "import base64, boto3, os\n"
        "def handler(event, context):\n"
        "    for record in event['Records']:\n"
        "        print(base64.b64decode(record['kinesis']['data']).decode())\n"
    )
    more: dict[str, Any] = {"writer": "put", "data": str(tmp_path / "orders.yaml"), "intents": 3, "items": 3}
    outcome = on_stream(tmp_path, handler, workload=more)
    printed = (outcome.result.run_folder / "function.log").read_text()
    shown = [json.loads(line[line.index("{") :]) for line in printed.splitlines()]
    assert sorted(shown, key=lambda item: str(item["id"])) == [
        {"id": "a", "total": 3, "paid": True, "intent": "a/1"},
        {"id": "b", "lines": ["x", "y"], "intent": "b/1"},
        {"id": "item-2", "total": 1, "intent": "item-2/1"},
    ]


@pytest.mark.parametrize(
    "more, told",
    [
        (
            {"workload": {"writer": "stamped_put"}},
            "workload.writer: 'stamped_put' is not a writer into a Kinesis stream. Known: put",
        ),
        (
            {"pipeline": {"shards": 2}},
            "pipeline.shards: a Kinesis stream has as many shards as its ShardCount in the template says",
        ),
    ],
)
def test_what_does_not_fit_a_stream_is_refused(tmp_path: Path, more: dict[str, Any], told: str) -> None:
    """Before the run, with the words that do."""
    pipeline = {**STREAM, **more.get("pipeline", {})}
    with pytest.raises(UserError) as refused:
        run(document(NAIVE, pipeline=pipeline, workload=more.get("workload")), tmp_path)
    assert told in str(refused.value)


SERVERLESS = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Orders: {Type: AWS::Kinesis::Stream, Properties: {ShardCount: 1}}
  Effects:
    Type: AWS::Serverless::SimpleTable
    Properties: {PrimaryKey: {Name: effect, Type: String}}
  Biller:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.12
      Handler: naive.handler
      Environment: {Variables: {EFFECTS_TABLE: !Ref Effects}}
      Events:
        Ordered:
          Type: Kinesis
          Properties: {Stream: !GetAtt Orders.Arn, StartingPosition: TRIM_HORIZON, BatchSize: 5}
"""


def test_a_serverless_template_works_too(tmp_path: Path) -> None:
    """With a Kinesis event, and sinks that the scenario names."""
    for file in SOURCES.glob("*.py"):
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "template.yaml").write_text(SERVERLESS)
    values = document(pipeline={"sinks": {"Effects": {"role": "ledger"}}}, faults=[LOST])
    del values["pipeline"]["handler"]
    values["pipeline"]["template"] = str(tmp_path / "template.yaml")
    outcome = run(values, tmp_path / "runs")
    assert found(outcome) == {("duplicated", "writer")}


def test_the_function_is_invoked_as_its_own_role(tmp_path: Path) -> None:
    """Each record of the event names the role that the template gives the function (S-92)."""
    role = "arn:aws:iam::123456789012:role/harness-small-Role"
    checking = f"""
import naive

def handler(event, context):
    assert {{record["invokeIdentityArn"] for record in event["Records"]}} == {{"{role}"}}, event
    return naive.handler(event, context)
"""
    for file in SOURCES.glob("*.py"):
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "checking.py").write_text(checking)
    outcome = on_stream(tmp_path, tmp_path / "checking.py", mapping={"maximum_retry_attempts": 0})
    assert outcome.verdict == "valid", outcome
