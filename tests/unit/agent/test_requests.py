"""What a request is about, read from its content: the sink that it goes to, and the intents that it carries there."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from harness.agent.requests import Subject, of_request

MESSAGE = json.dumps({"intent": "todo-1/2", "item": "todo-1"})
OTHER = json.dumps({"intent": "todo-2/1", "item": "todo-2"})
SINKS = frozenset({"run-Queue", "run-bucket", "run-bucket.archive", "run-Topic", "http://127.0.0.1:80/HOOK"})
SQS, S3, SNS, HOOK = "https://sqs.aws/", "https://s3.aws/", "https://sns.aws/", "http://127.0.0.1:80/HOOK"
QUEUES = [
    "https://sqs.us-east-1.amazonaws.com/123456789012/run-Queue",
    "http://sqs.us-east-1.localhost.localstack.cloud:4566/000000000000/run-Queue",
]
BUCKETS = [
    "https://run-bucket.s3.us-east-1.amazonaws.com/todo-1/2",
    "https://s3.amazonaws.com/run-bucket/todo-1/2",
    "http://127.0.0.1:4566/run-bucket/todo-1/2",
    "http://run-bucket.localhost.localstack.cloud:4566/todo-1/2",
]


def effect(target: str) -> Subject:
    return Subject(target, ("todo-1",), ("todo-1/2",), True)


@pytest.mark.parametrize("url", QUEUES)
def test_a_queue_is_known_by_its_name(url: str) -> None:
    """Whatever the address that the platform gives it."""
    body = json.dumps({"QueueUrl": url, "MessageBody": MESSAGE}).encode()
    assert of_request("sqs", "SendMessage", SQS, body, SINKS) == effect("run-Queue")
    assert not of_request("sqs", "ReceiveMessage", SQS, body, SINKS).effect


@pytest.mark.parametrize("url", BUCKETS)
def test_a_bucket_is_known_by_host_or_path(url: str) -> None:
    """As the endpoint wants it."""
    assert of_request("s3", "PutObject", url, MESSAGE.encode(), SINKS) == effect("run-bucket")
    assert of_request("s3", "GetObject", url, b"", SINKS) == Subject("run-bucket")


def test_a_bucket_whose_name_begins_like_a_sinks_is_another_one() -> None:
    """The longest name counts; what is no sink is no effect."""
    archive = of_request("s3", "PutObject", f"{S3}run-bucket.archive/key", b"", SINKS)
    other = of_request("s3", "PutObject", f"{S3}run-bucketful/key", MESSAGE.encode(), SINKS)
    assert (archive.target, archive.effect) == ("run-bucket.archive", True)
    assert (other.target, other.effect) == ("run-bucketful", False)


def test_a_topic_is_known_by_its_name() -> None:
    """Its requests are forms; of a batch each entry counts."""
    arn = "arn:aws:sns:us-east-1:000000000000:run-Topic"
    one = urlencode({"Action": "Publish", "TopicArn": arn, "Message": MESSAGE}).encode()
    entry = "PublishBatchRequestEntries.member"
    two = {"TopicArn": arn, f"{entry}.1.Message": MESSAGE, f"{entry}.2.Message": OTHER}
    assert of_request("sns", "Publish", SNS, one, SINKS) == effect("run-Topic")
    batch = of_request("sns", "PublishBatch", SNS, urlencode(two).encode(), SINKS)
    assert batch == Subject("run-Topic", ("todo-1", "todo-2"), ("todo-1/2", "todo-2/1"), True)


def test_a_request_to_an_endpoint_is_an_effect_if_it_changes_anything() -> None:
    """A GET does not."""
    for url in (HOOK, f"{HOOK}/charges"):
        assert of_request("http", "POST", url, MESSAGE.encode(), SINKS) == effect(HOOK)
        assert not of_request("http", "GET", url, b"", SINKS).effect


@pytest.mark.parametrize("body", [b"\xff\x00", b"[1, 2]", b"", b'{"intent": 3}'])
@pytest.mark.parametrize("service, operation, url", [("s3", "PutObject", BUCKETS[0]), ("http", "POST", HOOK)])
def test_what_says_nothing_is_still_an_effect(service: str, operation: str, url: str, body: Any) -> None:
    """It names no intent."""
    subject = of_request(service, operation, url, body, SINKS)
    assert (subject.intents, subject.effect) == ((), True)
