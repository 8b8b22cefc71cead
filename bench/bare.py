"""A bare boto3 script, with nothing of harness: deploy the ledger, write, wait for the effects, delete."""

from __future__ import annotations

import io
import threading
import time
import uuid
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

LEDGER = Path("lambda/ledger")
CODE = ("naive.py", "effects.py")
POLL_SECONDS, PATIENCE_SECONDS = 0.1, 60
KEY = "function.zip"


def seconds(endpoint: str, intents: int, items: int, writers: int) -> float:
    """From the first call to the last."""
    began = time.perf_counter()
    name = f"bare-{uuid.uuid4().hex[:6]}"
    s3, stacks = _client(endpoint, "s3"), _client(endpoint, "cloudformation")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key=KEY, Body=_zip())
    _deploy(stacks, name)
    try:
        ids = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in _resources(stacks, name)}
        mapping = ids["Mapping"]
        functions = _client(endpoint, "lambda")
        _until(lambda: functions.get_event_source_mapping(UUID=mapping)["State"] == "Enabled")
        _write(endpoint, ids["Todos"], intents, items, writers)
        _until(lambda: _landed(endpoint, ids, intents))
    finally:
        stacks.delete_stack(StackName=name)
        _until(lambda: _status(stacks, name) == "DELETE_COMPLETE")
        s3.delete_object(Bucket=name, Key=KEY)
        s3.delete_bucket(Bucket=name)
    return time.perf_counter() - began


def _deploy(stacks: Any, name: str) -> None:
    parameters = {"CodeBucket": name, "CodeKey": KEY, "Handler": "naive.handler"}
    stacks.create_stack(
        StackName=name,
        TemplateBody=(LEDGER / "template.yaml").read_text("utf-8"),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    _until(lambda: _status(stacks, name) == "CREATE_COMPLETE")


def _write(endpoint: str, table: str, intents: int, items: int, writers: int) -> None:
    """Each item belongs to one writer, as in the scenario."""

    def writer(number: int) -> None:
        client = _session().client("dynamodb", endpoint_url=endpoint)
        for index in range(intents):
            place, change = index % items, index // items + 1
            if place % writers == number:
                item = {"id": f"todo-{place}", "intent": f"todo-{place}/{change}", "title": "buy milk", "note": "first"}
                client.put_item(TableName=table, Item={key: {"S": value} for key, value in item.items()})

    threads = [threading.Thread(target=writer, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _landed(endpoint: str, ids: dict[str, str], intents: int) -> bool:
    """Whether every effect is there, and every record in the stream."""
    database = _client(endpoint, "dynamodb")
    effects = database.scan(TableName=ids["Effects"], ConsistentRead=True)["Items"]
    if len(effects) < intents:
        return False
    arn = database.describe_table(TableName=ids["Todos"])["Table"]["LatestStreamArn"]
    return _records(_client(endpoint, "dynamodbstreams"), arn) == intents


def _records(streams: Any, arn: str) -> int:
    found = 0
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        at = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        page = streams.get_records(ShardIterator=streams.get_shard_iterator(**at)["ShardIterator"])
        while page["Records"]:
            found += len(page["Records"])
            page = streams.get_records(ShardIterator=page["NextShardIterator"])
    return found


def _resources(stacks: Any, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stacks.describe_stack_resources(StackName=name)["StackResources"]
    return found


def _status(stacks: Any, name: str) -> str:
    try:
        status: str = stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    except stacks.exceptions.ClientError:
        return "DELETE_COMPLETE"
    return status


def _until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing happened for {PATIENCE_SECONDS} s")
        time.sleep(POLL_SECONDS)


def _zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in CODE:
            archive.write(LEDGER / name, name)
    return content.getvalue()


@cache
def _session() -> boto3.Session:
    return boto3.Session("test", "test", region_name="us-east-1")


@cache
def _client(endpoint: str, service: str) -> Any:
    return _session().client(service, endpoint_url=endpoint, config=Config(s3={"addressing_style": "path"}))
