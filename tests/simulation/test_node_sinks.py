"""What handlers in Node send: to queues, topics, buckets and endpoints, by the SDK, by fetch and by node:http."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from play import ROOT, found, operations, play

from harness.api import RunOutcome
from harness.errors import NotImitated

SINKS = ROOT / "lambda" / "sinks" / "template.yaml"
# `send` is what each test writes: it sends the message of a record.
HANDLER = """
import assert from 'node:assert';
import http from 'node:http';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { SQSClient, SendMessageCommand } from '@aws-sdk/client-sqs';

const { BUCKET: Bucket, FIFO_QUEUE_URL, QUEUE_URL, TOPIC_ARN: TopicArn, WEBHOOK_URL } = process.env;
const [kinesis, lambda, s3, sns, sqs] = [KinesisClient, LambdaClient, S3Client, SNSClient, SQSClient].map(
  (Client) => new Client({}),
);

async function send(text, intent) {
  BODY
}

export const handler = async (event) => {
  for (const { dynamodb: { NewImage: { intent, id } } } of event.Records) {
    await send(JSON.stringify({ intent: intent.S, item: id.S }), intent.S);
  }
};
"""
SENDS = {
    "Queue": "await sqs.send(new SendMessageCommand({ QueueUrl: QUEUE_URL, MessageBody: text }));",
    "FifoQueue": """const own = { MessageGroupId: 'all', MessageDeduplicationId: intent.replace('/', '-') };
        await sqs.send(new SendMessageCommand({ QueueUrl: FIFO_QUEUE_URL, MessageBody: text, ...own }));""",
    "Topic": "await sns.send(new PublishCommand({ TopicArn, Message: text }));",
    "Bucket": """const Key = `all/${intent}.json`;
        await s3.send(new PutObjectCommand({ Bucket, Key, Body: text }));
        const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
        assert.equal(await Body.transformToString(), text);
        assert.equal((await s3.send(new HeadObjectCommand({ Bucket, Key }))).ContentLength, text.length);""",
    "WEBHOOK_URL by fetch": """const answer = await fetch(WEBHOOK_URL, { method: 'POST', body: text });
        assert.deepEqual([answer.status, await answer.json()], [200, { message: 'done' }]);""",
    "WEBHOOK_URL by node:http": """await new Promise((resolve, reject) => {
          const request = http.request(WEBHOOK_URL, { method: 'POST' }, (answer) => answer.on('end', resolve).resume());
          request.on('error', reject);
          request.write(text.slice(0, 9)); // in chunks
          request.end(text.slice(9));
        });""",
}
OTHERS = {
    "await lambda.send(new InvokeCommand({ FunctionName: 'x', InvocationType: 'Event' }));": (
        r"lambda\.Invoke is imitated"
    ),
    # This client speaks HTTP/2.
    "await kinesis.send(new PutRecordCommand({ StreamName: 'x', PartitionKey: 'x', Data: Buffer.from(text) }));": (
        r"kinesis\.PutRecord is not imitated"
    ),
}


def sending(folder: Path, body: str, faults: Any = ()) -> RunOutcome:
    (folder / "code").mkdir()
    file = folder / "code" / "app.mjs"
    file.write_text(HANDLER.replace("BODY", body))
    more: dict[str, Any] = {"pipeline": {"template": str(SINKS)}, "workload": {"intents": 4, "items": 2}}
    return play(folder / "runs", file, faults, mapping={"maximum_retry_attempts": 1}, **more)


@pytest.mark.parametrize("name", SENDS)
def test_what_is_sent_lands_once(name: str, tmp_path: Path) -> None:
    """Each effect at its sink, with intent and item; and each call that makes one is marked as an effect."""
    outcome = sending(tmp_path, SENDS[name])
    assert outcome.verdict == "valid", outcome
    effects = [op.value for op in operations(outcome, "effect")]
    assert {each["sink"] for each in effects} == {name.split()[0]}
    assert [each["item"] for each in effects] == [each["intent"].partition("/")[0] for each in effects]
    assert sum(op.value["effect"] for op in outcome.history if op.role == "function" and "." in op.f) == 2 * 4


def test_an_sdk_that_gets_no_reply_sends_again(tmp_path: Path) -> None:
    """And a client that does not, tells its handler."""
    lost = {"lose_reply": {"process": "function", "call": "effect", "nth": 2}}
    for name, folder in (("Queue", tmp_path / "one"), ("WEBHOOK_URL by node:http", tmp_path / "other")):
        folder.mkdir()
        outcome = sending(folder, SENDS[name], [lost])
        assert found(outcome) == {("duplicated", "function")}, outcome
        errors = {op.error for op in operations(outcome, "execute") if op.error}
        assert errors == (set() if name == "Queue" else {"Error: read ETIMEDOUT"})


@pytest.mark.parametrize("body", OTHERS)
def test_what_is_not_imitated_is_named(body: str, tmp_path: Path) -> None:
    """The call in the names of AWS, and the line."""
    with pytest.raises(NotImitated, match=OTHERS[body] + r".*\(at app\.mjs:16\)"):
        sending(tmp_path, body)
