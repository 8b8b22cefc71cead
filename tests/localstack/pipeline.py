"""A small pipeline for the tests of a runtime: table, stream, mapping, function, sink, as a CloudFormation stack."""

from __future__ import annotations

import json
import socket
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, TypeVar

import boto3

from harness.localstack import Running

T = TypeVar("T")
WAIT_SECONDS = 60
POLL_SECONDS = 0.05
WAITING = {"Delay": 0.1, "MaxAttempts": 600}
STREAM = {"StreamViewType": "NEW_AND_OLD_IMAGES"}


def client(running: Running, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=running.endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def template(code: str, *, timeout: int = 20) -> str:
    """Tables `source` and `sink` (key `id`), and a function from inline code that is given the sink's name."""
    return json.dumps(
        {
            "Resources": {
                "Source": {
                    "Type": "AWS::DynamoDB::Table",
                    "Properties": {**_keyed_by_id(), "StreamSpecification": STREAM},
                },
                "Sink": {"Type": "AWS::DynamoDB::Table", "Properties": _keyed_by_id()},
                "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": _trust()}},
                "Function": {
                    "Type": "AWS::Lambda::Function",
                    "Properties": {
                        "Runtime": "python3.13",
                        "Handler": "index.handler",
                        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                        "Timeout": timeout,
                        "Code": {"ZipFile": textwrap.dedent(code)},
                        "Environment": {"Variables": {"SINK": {"Ref": "Sink"}}},
                    },
                },
                "Mapping": {
                    "Type": "AWS::Lambda::EventSourceMapping",
                    "Properties": {
                        "FunctionName": {"Ref": "Function"},
                        "EventSourceArn": {"Fn::GetAtt": ["Source", "StreamArn"]},
                        "StartingPosition": "TRIM_HORIZON",
                    },
                },
            },
            "Outputs": {name: {"Value": {"Ref": name}} for name in ("Source", "Sink", "Function")},
        }
    )


@contextmanager
def deployed(running: Running, name: str, body: str) -> Iterator[dict[str, str]]:
    """The stack's outputs; it is deleted with the block."""
    try:
        yield deploy(running, name, body)
    finally:
        stacks = client(running, "cloudformation")
        stacks.delete_stack(StackName=name)
        stacks.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=WAITING)


def deploy(running: Running, name: str, body: str) -> dict[str, str]:
    """The outputs of a new stack."""
    stacks = client(running, "cloudformation")
    stacks.create_stack(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=WAITING)
    [stack] = stacks.describe_stacks(StackName=name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def eventually(ask: Callable[[], T | None], what: str) -> T:
    """What `ask` returns once that is something; fails after WAIT_SECONDS."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        if found := ask():
            return found
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"{what}: not seen in {WAIT_SECONDS} s")


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _keyed_by_id() -> dict[str, Any]:
    return {
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }


def _trust() -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}
