"""A Kinesis stream as the source on LocalStack, beside `scenarios/lost_reply.yaml`: who delivers, and what fails."""

from __future__ import annotations

import uuid
from base64 import b64decode
from pathlib import Path
from typing import Any

import boto3
import pytest

from harness.delivery.shards import reader_of
from harness.jobs import jobs_of
from harness.localstack import Running
from harness.pipeline.resources import REGION, DataStream
from harness.platforms.target import EMBEDDED_TARGET, Target
from harness.runner import run

SOURCES = Path(__file__).parents[2] / "lambda" / "sources"
OWN = {"by": "platform"}
OURS = {"by": "harness"}
FILTER = {"data": {"id": [{"prefix": "todo-1"}]}}
CASES: dict[str, dict[str, Any]] = {
    "lost reply, our dispatcher": {
        "mapping": OURS,
        "faults": [{"lose_reply": {"process": "writer", "call": "kinesis.PutRecord", "nth": 1}}],
    },
    "redelivered, our dispatcher": {"mapping": OURS, "faults": [{"redeliver": {"nth": 1}}]},
    "a crash": {"mapping": OWN, "faults": [{"crash": {"call": "effect", "when": "after", "nth": 3}}]},
    "a filter, our dispatcher": {
        "mapping": {**OURS, "filter_criteria": [FILTER]},
        "faults": [],
    },
    "several shards": {"mapping": {**OWN, "batch_size": 2}, "faults": [], "shards": 3},
}


def story(case: dict[str, Any], target: Target, folder: Path) -> tuple[str, dict[str, int], set[tuple[str, str]]]:
    template = folder / "template.yaml"
    text = (SOURCES / "stream.yaml").read_text()
    template.write_text(text.replace("ShardCount: 1", f"ShardCount: {case.get('shards', 1)}"))
    scenario = {
        "scenario": "kinesis",
        "question": "Does the stream do there as here?",
        "pipeline": {
            "handler": str(SOURCES / "naive.py"),
            "template": str(template),
            "mapping": {"batch_size": 3, **case["mapping"]},
        },
        "workload": {"writer": "put", "intents": 8},
        "faults": case["faults"],
        "expect": "valid",
    }
    (job,) = jobs_of([scenario], target=target)
    result = run(job, folder)
    assert all(fault["fired"] for fault in result.faults)
    counts = {kind: result.verdict.counts[kind] for kind in ("intents", "records")}
    return result.verdict.verdict, counts, {(each.kind, each.blame) for each in result.verdict.anomalies}


@pytest.mark.parametrize("name", CASES)
def test_it_ends_as_on_the_embedded_platform(name: str, localstack: Running, tmp_path: Path) -> None:
    """The verdict, the records, the kinds of anomaly and who is to blame."""
    real = story(CASES[name], Target("localstack", localstack.endpoint), tmp_path)
    assert real == story(CASES[name], EMBEDDED_TARGET, tmp_path)


def test_a_reader_finds_the_shards_that_a_split_makes(localstack: Running) -> None:
    """Each record once, in whichever shard it is, though shards are asked for only when one has ended (S-94)."""
    session = boto3.Session("test", "test", region_name=REGION)

    def client(service: str) -> Any:
        return session.client(service, endpoint_url=localstack.endpoint)

    kinesis, name = client("kinesis"), f"split-{uuid.uuid4().hex[:8]}"
    kinesis.create_stream(StreamName=name, ShardCount=1)
    try:
        kinesis.get_waiter("stream_exists").wait(StreamName=name)
        reader, told = reader_of(client, DataStream("Orders", name)), []
        for number in range(8):
            if number == 4:
                (shard,) = kinesis.list_shards(StreamName=name)["Shards"]
                kinesis.split_shard(StreamName=name, ShardToSplit=shard["ShardId"], NewStartingHashKey=str(2**127))
                kinesis.get_waiter("stream_exists").wait(StreamName=name)
            kinesis.put_record(StreamName=name, Data=str(number).encode(), PartitionKey=str(number))
            told += [b64decode(record.event["kinesis"]["data"]).decode() for _, record in reader.new_records()]
        assert told == [str(number) for number in range(8)]
        assert len({shard for shard, _ in reader.records}) == 3
    finally:
        kinesis.delete_stream(StreamName=name)
