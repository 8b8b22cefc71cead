"""Queues, topics and buckets as moto imitates them, with one correction, and only once a run needs moto.

A FIFO queue knows a deduplication id for five minutes, whether or not the message is still there (P-11). Importing moto
takes a third of a second. Most runs make a queue for failures and send nothing to it: until moto is needed, such a
queue is only announced, and is empty.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders

from harness.faults.points import Seed
from harness.history import MICROSECONDS
from harness.pipeline.resources import QUEUE, attribute
from harness.platforms.base import Reply, Request

_SIGNED = "AWS4-HMAC-SHA256 Credential=embedded/20300101/us-east-1/service/aws4_request"
_announced: dict[str, Callable[[], Reply]] = {}  # by the name of a queue: makes it. Of the process, as moto's state is


def forget() -> None:
    """Empties moto's services, and its list of all instances of its models, tables and items among them."""
    _announced.clear()
    if "moto.core.model_instances" in sys.modules:
        from moto.core.base_backend import BackendDict
        from moto.core.model_instances import reset_model_data

        BackendDict.reset()
        reset_model_data()


class Moto:
    """Serves the named operations of one service. moto keeps its state for the whole process: it is emptied first."""

    def __init__(self, service: str, operations: frozenset[str], seed: Seed) -> None:
        self._operations = operations
        self._first_draw = int(seed.draw("moto", service) * 2**32)
        forget()

    @cached_property
    def _stubber(self) -> Any:
        from moto.core.botocore_stubber import BotocoreStubber
        from moto.moto_api._internal import mock_random

        mock_random.seed(self._first_draw)
        return BotocoreStubber()

    def handle(self, request: Request) -> Reply:
        request.check_imitated(self._operations)
        while _announced:
            _announced.pop(next(iter(_announced)))()
        headers = HTTPHeaders()
        # Requests are not signed (harness.platforms.clients), and moto shows objects to signers only.
        headers["Authorization"] = _SIGNED
        for name, value in request.headers.items():
            headers[name] = value
        answer = self._stubber.process_request(
            AWSPreparedRequest(request.method, request.url, headers, request.body, stream_output=False)
        )
        assert answer is not None
        status, reply_headers, body = answer
        return Reply(status, body.encode() if isinstance(body, str) else body, dict(reply_headers))


DEDUPLICATION_MICROSECONDS = 300 * MICROSECONDS
_OPERATIONS = frozenset(
    {"CreateQueue", "GetQueueUrl", "SendMessage", "SendMessageBatch", "ReceiveMessage", "DeleteMessage"}
)
_SENDS_ONE = {"X-Amz-Target": "AmazonSQS.SendMessage"}
_NAME = re.compile(r"[A-Za-z0-9_-]{1,75}(\.fifo)?")
_KNOWN_ATTRIBUTES = {"FifoQueue", "ContentBasedDeduplication"}


class Queues:
    """`now` is in microseconds."""

    def __init__(self, now: Callable[[], int], seed: Seed) -> None:
        self._now = now
        self._moto = Moto("sqs", _OPERATIONS, seed)
        self._by_content: set[str] = set()
        self._made: set[str] = set()  # names of queues that were announced once
        self._accepted: dict[tuple[str, str], tuple[int, Reply]] = {}  # (queue, deduplication id) -> (time, reply)

    def handle(self, request: Request) -> Reply:
        content = json.loads(request.body or b"{}")
        if request.operation == "CreateQueue":
            if content.get("Attributes", {}).get("ContentBasedDeduplication") == "true":
                self._by_content.add(content["QueueName"])
            return self._announce(request, content)
        name = content.get("QueueName") or content.get("QueueUrl", "").rpartition("/")[2]
        if name in _announced and request.operation in ("GetQueueUrl", "ReceiveMessage"):
            return Reply.of({"QueueUrl": _url(name)} if request.operation == "GetQueueUrl" else {})
        if content.get("QueueUrl", "").endswith(".fifo"):
            if request.operation == "SendMessage":
                return self._send(request, content)
            if request.operation == "SendMessageBatch":
                return self._send_each(request, content)
        return self._moto.handle(request)

    def _announce(self, request: Request, content: dict[str, Any]) -> Reply:
        """Makes a queue when moto is needed; at once if that could be refused, or could be another call of a name."""
        name, attributes = content.get("QueueName", ""), content.get("Attributes") or {}
        match = _NAME.fullmatch(name)
        usual = (
            attributes.keys() <= _KNOWN_ATTRIBUTES and set(attributes.values()) <= {"true"} and "tags" not in content
        )
        is_fifo = match is not None and match[1] is not None
        fits = match and is_fifo == ("FifoQueue" in attributes) == bool(attributes)
        if not usual or not fits or name in self._made:
            return self._moto.handle(request)
        self._made.add(name)
        _announced[name] = lambda: self._moto.handle(request)
        return Reply.of({"QueueUrl": _url(name)})

    def _send(self, request: Request, message: dict[str, Any]) -> Reply:
        """A message whose deduplication id was accepted before is answered like the first one, and dropped."""
        queue = message["QueueUrl"].rpartition("/")[2]
        id = message.get("MessageDeduplicationId")
        if id is None and queue in self._by_content:
            id = hashlib.sha256(message["MessageBody"].encode()).hexdigest()
        if id is None:
            return self._moto.handle(request)
        accepted, answer = self._accepted.get((queue, id), (0, None))
        if answer and self._now() - accepted < DEDUPLICATION_MICROSECONDS:
            return answer
        reply = self._moto.handle(request)
        if reply.status == 200:
            self._accepted[queue, id] = (self._now(), reply)
        return reply

    def _send_each(self, request: Request, batch: dict[str, Any]) -> Reply:
        answer: dict[str, list[dict[str, Any]]] = {"Successful": [], "Failed": []}
        for entry in batch["Entries"]:
            message = {name: value for name, value in entry.items() if name != "Id"} | {"QueueUrl": batch["QueueUrl"]}
            body = json.dumps(message).encode()
            headers = {name: value for name, value in request.headers.items() if name != "Content-Length"} | _SENDS_ONE
            one = replace(request, operation="SendMessage", headers=headers, body=body)
            reply = self._send(one, message)
            result = json.loads(reply.body)
            if reply.status == 200:
                answer["Successful"].append({"Id": entry["Id"], **result})
            else:
                code = str(result.get("__type", "")).rpartition("#")[2]
                failure = {"Id": entry["Id"], "SenderFault": True, "Code": code, "Message": result.get("message", "")}
                answer["Failed"].append(failure)
        return Reply.of({name: entries for name, entries in answer.items() if entries or name == "Successful"})


def _url(name: str) -> str:
    return attribute(QUEUE, name, "QueueUrl")
