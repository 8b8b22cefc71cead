"""AWS carries out a part of a batch call and says so in a success (S-23): who forgets the rest has lost it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from play import ROOT, fired, found, handler_file, operations, play

from harness.history import OK

SINKS = ROOT / "lambda" / "sinks" / "template.yaml"
LEAVE = {"leave_unprocessed": {"process": "function", "nth": 1}}
WINDOW = {"batch_size": 10, "maximum_batching_window_in_seconds": 5}
MAPPING = {"mapping": WINDOW, "workload": {"intents": 6, "items": 6, "writers": 1}}

QUEUE = """
def send(entries):
    queue = boto3.client("sqs")
    batch = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(entries)]
    answer = queue.send_message_batch(QueueUrl=os.environ["QUEUE_URL"], Entries=batch)
    return [entries[int(failure["Id"])] for failure in answer.get("Failed", [])]
"""
TOPIC = """
def send(entries):
    topic = boto3.client("sns")
    batch = [{"Id": str(n), "Message": body} for n, body in enumerate(entries)]
    answer = topic.publish_batch(TopicArn=os.environ["TOPIC_ARN"], PublishBatchRequestEntries=batch)
    return [entries[int(failure["Id"])] for failure in answer["Failed"]]
"""
RIGHT = """
import json, os
import boto3

def handler(event, context):
    images = [record["dynamodb"]["NewImage"] for record in event["Records"]]
    left = [json.dumps({"intent": image["intent"]["S"], "item": image["id"]["S"]}) for image in images]
    while left:
        left = send(left)
"""
FORGETS = RIGHT.replace("        left = send(left)", "        send(left)\n        left = []")
CALLS = {"sqs.SendMessageBatch": QUEUE, "sns.PublishBatch": TOPIC}


def handled(tmp_path: Path, body: str, position: float) -> Any:
    handler = handler_file(tmp_path / "src", body)
    leave = {"leave_unprocessed": {**LEAVE["leave_unprocessed"], "position": position}}
    return play(tmp_path, handler, [leave], pipeline={"template": str(SINKS)}, **MAPPING)


@pytest.mark.parametrize("position, lost", [(0, 6), (0.5, 3), (1, 1)])
@pytest.mark.parametrize("call", CALLS)
def test_a_handler_that_ignores_failed_entries_loses_them(
    call: str, position: float, lost: int, tmp_path: Path
) -> None:
    """The call succeeded: nothing but its answer told of them."""
    outcome = handled(tmp_path, FORGETS + CALLS[call], position)
    assert (outcome.verdict, found(outcome)) == ("invalid", {("lost", "function")}), outcome
    assert len(outcome.anomalies) == lost
    assert all(f"its {call} had left the effect unprocessed" in anomaly.why for anomaly in outcome.anomalies)


@pytest.mark.parametrize("position", [0, 0.5, 1])
@pytest.mark.parametrize("call", CALLS)
def test_a_handler_that_sends_failed_entries_again_loses_nothing(call: str, position: float, tmp_path: Path) -> None:
    """Its second call has the entries alone that the first had left."""
    outcome = handled(tmp_path, RIGHT + CALLS[call], position)
    assert (outcome.verdict, fired(outcome)) == ("valid", [1]), outcome
    first, second = operations(outcome, call, OK)
    assert (
        second.value["intents"] == first.value["unprocessed"] == first.value["intents"][-len(second.value["intents"]) :]
    )


def test_an_intent_under_the_users_own_name_is_known_among_what_was_left(tmp_path: Path) -> None:
    """The explanation does not depend on the attribute being called `intent`."""
    body = FORGETS.replace('"intent":', '"change":').replace('"item":', '"thing":') + QUEUE
    handler = handler_file(tmp_path / "src", body)
    sinks = {"Queue": {"role": "ledger", "intent": "change", "item": "thing"}}
    outcome = play(tmp_path, handler, [LEAVE], pipeline={"template": str(SINKS), "sinks": sinks}, **MAPPING)
    assert found(outcome) == {("lost", "function")}, outcome
    assert all("unprocessed (S-23)" in anomaly.why for anomaly in outcome.anomalies)


WRITERS = """
from harness.history import NOTHING
from harness.workload.base import Writer, item_of
import json

class Forgets(Writer):
    OPERATION, BATCH_SIZE, LEAVES = "put", 4, NOTHING

    def write_batch(self, changes, note):
        self.send(changes)
        return [True] * len(changes)

    def send(self, changes):
        data = [json.dumps({"id": c.item, "intent": c.intent, "note": "first"}).encode() for c in changes]
        records = [{"Data": each, "PartitionKey": c.item} for each, c in zip(data, changes)]
        answer = self._client.put_records(StreamName=self._table, Records=records)
        assert answer["FailedRecordCount"] == sum("ErrorCode" in each for each in answer["Records"])
        return [c for c, each in zip(changes, answer["Records"]) if "ErrorCode" in each]

class SendsAgain(Forgets):
    def write_batch(self, changes, note):
        left = changes
        while left:
            left = self.send(left)
        return [True] * len(changes)
"""


@pytest.mark.parametrize("writer, findings", [("Forgets", {("lost", "writer")}), ("SendsAgain", set())])
def test_a_writer_that_ignores_failed_records_of_a_stream_loses_them(
    writer: str, findings: set[tuple[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PutRecords answers each record with its sequence number or with an ErrorCode."""
    (tmp_path / f"partial_{writer.lower()}.py").write_text(WRITERS)
    monkeypatch.syspath_prepend(tmp_path)
    sources = ROOT / "lambda" / "sources"
    outcome = play(
        tmp_path / "runs",
        sources / "business_key.py",
        [{"leave_unprocessed": {"process": "writer", "nth": 1}}],
        pipeline={"template": str(sources / "stream.yaml")},
        workload={"writer": f"partial_{writer.lower()}:{writer}", "intents": 8, "items": 8, "writers": 1},
    )
    assert (found(outcome), fired(outcome)) == (findings, [1]), outcome
