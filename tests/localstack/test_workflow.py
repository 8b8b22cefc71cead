"""The user's own stack on the real LocalStack: each command of the workflow, as a user types it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.httpsession import URLLib3Session
from pipeline import client, eventually

from harness.delivery.shards import StreamReader
from harness.delivery.sources import SOURCES
from harness.localstack import Running
from harness.pipeline.resources import Table
from harness.workflow.stack import load, read_items

ROOT = Path(__file__).parents[2]
STACK = "ledger"
ACCOUNT = "000000000000"
TAG = {"Key": "harness", "Value": "deploy"}


ONCE = """
scenario: once
question: Is one change handled once?
pipeline: {handler: lambda/ledger/idempotent.py, mapping: {by: harness, maximum_retry_attempts: 0}}
workload: {writer: put, intents: 1}
expect: valid
"""
RAISES = """def handler(event, context):
    for record in event["Records"]:
        record["price"]
    return "new"
"""


class Project:
    """A copy of what is shipped, in a folder of its own, and what became of it at LocalStack."""

    def __init__(self, folder: Path, localstack: Running) -> None:
        self.folder = folder
        self.localstack = localstack
        self.data = folder / "data" / "todos.yaml"
        self.ledger = folder / "lambda" / "ledger"
        shutil.copytree(ROOT / "lambda" / "ledger", self.ledger)
        shutil.copytree(ROOT / "data", self.data.parent)

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return subprocess.Popen(
            [sys.executable, "-m", "harness", *words],
            cwd=self.folder,
            env={**own, "PYTHONPATH": str(ROOT), "AWS_ENDPOINT_URL": self.localstack.endpoint, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def says(self, *words: str, code: int = 0, answer: str = "", **environment: str) -> str:
        """What a command prints."""
        started = self.start(*words, **environment)
        out, err = started.communicate(answer, timeout=120)
        assert started.returncode == code, out + err
        assert "Traceback" not in err
        return out + err

    def client(self, service: str) -> Any:
        return client(self.localstack, service)

    def stack(self) -> dict[str, Any] | None:
        try:
            stack: dict[str, Any] = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        except ClientError:
            return None
        return stack

    def change_sets(self) -> list[Any]:
        found: list[Any] = self.client("cloudformation").list_change_sets(StackName=STACK)["Summaries"]
        return found

    def physical(self, logical_id: str) -> str:
        resources = self.client("cloudformation").describe_stack_resources(StackName=STACK)["StackResources"]
        return next(each["PhysicalResourceId"] for each in resources if each["LogicalResourceId"] == logical_id)

    def records(self) -> int:
        """How many there are in the stream, from its beginning."""
        return len(StreamReader(self.client, SOURCES["dynamodb"], self.physical("Todos")).new_records())

    def effects(self) -> set[str]:
        rows = self.client("dynamodb").scan(TableName=self.physical("Effects"))["Items"]
        return {row["intent"]["S"] for row in rows}

    def answer(self) -> Any:
        """What the function says when it is asked."""
        invoked = self.client("lambda").invoke(FunctionName=self.physical("Function"), Payload=b'{"Records": []}')
        return json.loads(invoked["Payload"].read())


@pytest.fixture
def project(tmp_path: Path, localstack: Running) -> Iterator[Project]:
    made = Project(tmp_path, localstack)
    yield made
    if made.stack():
        made.says("destroy", "--yes")


def losing_replies() -> Callable[..., None]:
    """Carries out each item's first request, and loses its reply: the SDK, which cannot know, sends it again."""
    seen = set()

    def lose(request: Any, **_: Any) -> None:
        key = json.loads(request.body)["Item"]["id"]["S"]
        if key not in seen:
            seen.add(key)
            URLLib3Session().send(request)
            raise ConnectionClosedError(endpoint_url=request.url)

    return lose


@contextmanager
def foreign_stack(project: Project) -> Iterator[None]:
    """One of the same name that somebody else has made."""
    queue = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}
    stacks = project.client("cloudformation")
    stacks.create_stack(StackName=STACK, TemplateBody=json.dumps(queue))
    stacks.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 0.1})
    try:
        yield
    finally:
        stacks.delete_stack(StackName=STACK)
        stacks.get_waiter("stack_delete_complete").wait(StackName=STACK, WaiterConfig={"Delay": 0.1})


def test_a_stack_is_compared_deployed_loaded_and_removed(project: Project) -> None:
    """As the template says, and no more: no agent, only the code that the handler imports, and nothing left over."""
    synthesized = yaml.safe_load(project.says("synth"))
    assert "+ Todos AWS::DynamoDB::Table" in project.says("diff")
    assert project.stack() is None

    said = project.says("deploy")
    assert "8 changes" in said
    stack = project.stack()
    assert stack
    assert TAG in stack["Tags"]
    assert project.client("cloudformation").get_template(StackName=STACK)["TemplateBody"] == synthesized
    function = project.client("lambda").get_function(FunctionName=project.physical("Function"))["Configuration"]
    assert function["Handler"] == "idempotent.handler"
    assert "HARNESS_CONTROL" not in function["Environment"]["Variables"]
    assert "no changes" in project.says("deploy")
    assert "no changes" in project.says("diff", "--fail")

    said = project.says("diff", "--fail", "--parameter", "Handler=naive.handler", code=1)
    assert "~ Function AWS::Lambda::Function: Code" in said
    assert project.change_sets() == []
    assert f"kept stack {STACK}" in project.says("down", "--stacks")

    bucket = f"harness-packages-{ACCOUNT}-us-east-1"
    assert len(project.client("s3").list_objects_v2(Bucket=bucket)["Contents"]) == 1
    assert "nothing was removed" in project.says("destroy", answer="n\n", code=1)
    todos = project.physical("Todos")
    assert todos in project.says("destroy", answer="y\n")
    assert project.stack() is None
    assert todos not in project.client("dynamodb").list_tables()["TableNames"]
    assert bucket not in [each["Name"] for each in project.client("s3").list_buckets()["Buckets"]]


def test_loading_twice_leaves_the_stream_as_it_is(project: Project) -> None:
    """Each item leaves a record and has its effect once, an edited one another, also where replies are lost (S-11)."""
    assert "no stack ledger is deployed" in project.says("load", "data/todos.yaml", code=254)
    project.says("deploy")
    assert "5 new, 0 changed, 0 unchanged" in project.says("load", "data/todos.yaml")
    assert project.records() == 5
    assert "0 new, 0 changed, 5 unchanged" in project.says("load", "data/todos.yaml")
    assert project.records() == 5

    original = project.data.read_text()
    project.data.write_text(original.replace("buy milk", "buy bread"))
    said = project.says("load", "data/todos.yaml")
    assert "changed todo-1" in said
    assert "0 new, 1 changed, 4 unchanged" in said
    assert project.records() == 6
    project.data.write_text(original)  # back again is a change too
    assert "0 new, 1 changed, 4 unchanged" in project.says("load", "data/todos.yaml")
    assert project.records() == 7

    dynamodb, todos = project.client("dynamodb"), Table("Todos", project.physical("Todos"), "id", None, {"id": "S"})
    project.data.write_text("[{id: todo-1, title: sell milk}, {id: todo-6, title: new}, {id: todo-2, title: late}]")
    dynamodb.meta.events.register("before-send.dynamodb.PutItem", losing_replies())
    found = load(dynamodb, todos.name, read_items(project.data, todos))
    assert [outcome for _, outcome in found] == ["changed", "new", "changed"]
    assert project.records() == 10
    intents = {f"todo-{number}/1" for number in range(1, 7)} | {"todo-1/2", "todo-1/3", "todo-1/4", "todo-2/2"}
    eventually(lambda: project.effects() == intents, "an effect for each change")


def test_what_is_edited_is_deployed_again(project: Project) -> None:
    """The new code answers, a scenario is run again, and what raises is named with its line; Ctrl-C ends it."""
    handler = project.ledger / "idempotent.py"
    (project.folder / "once.yaml").write_text(ONCE)
    watching = project.start("watch", "--scenario", "once.yaml")
    assert watching.stdout
    said = []

    def until_said(words: str) -> None:
        for line in watching.stdout:  # type: ignore[union-attr]  # it is piped
            said.append(line)
            if words in line:
                return
        raise AssertionError(f"ended without '{words}': {''.join(said)}")

    try:
        until_said("watching; Ctrl-C ends it")
        assert project.answer() is None
        assert [line.split()[-2:] for line in said if line.startswith("default")] == [["valid", "yes"]]
        handler.write_text(RAISES)
        until_said("KeyError: 'price' at idempotent.py:3")
        until_said("watching; Ctrl-C ends it")
        eventually(lambda: project.answer() == "new", "the new code's answer")
        (project.ledger / "batched.py").write_text("# nothing imports it\n")
        until_said("changed: lambda/ledger/batched.py")
        before = len(said)
        until_said("watching; Ctrl-C ends it")
        assert "Function" not in "".join(said[before:])
        handler.write_text("def handler(:\n")
        until_said("changed: lambda/ledger/idempotent.py")
        until_said("watching; Ctrl-C ends it")
    finally:
        watching.send_signal(signal.SIGINT)
        out, err = watching.communicate(timeout=60)
    assert watching.returncode == 0, err
    assert f"no longer watching; {STACK} stays" in out
    assert "lambda/ledger/idempotent.py:1:" in err
    assert "SyntaxError" in err
    assert project.stack()


def test_a_stack_of_somebody_else_is_left_alone(project: Project) -> None:
    """No command touches it, and the sentence says why."""
    with foreign_stack(project):
        for command in (("deploy",), ("diff",), ("destroy", "--yes"), ("load", "data/todos.yaml")):
            assert "that `harness deploy` did not make" in project.says(*command, code=254)
        assert project.physical("Queue")


def test_aws_has_to_be_named_with_its_account(project: Project) -> None:
    """The same guard as for a run: another account is refused, the right one is deployed to."""
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
    aws = ("deploy", "--platform", "aws", "--region", "us-east-1")
    assert "needs --account" in project.says(*aws, code=254, **credentials)
    assert f"of account {ACCOUNT}" in project.says(*aws, "--account", "123456789012", code=254, **credentials)
    assert project.stack() is None
    said = project.says(*aws, "--account", ACCOUNT, **credentials)
    assert f"aws account {ACCOUNT} in us-east-1" in said
    assert project.stack()


def test_what_cannot_be_created_is_told_and_cleared_away(project: Project) -> None:
    """CloudFormation's reason, and neither a stack nor code is left of it."""
    template = project.ledger / "template.yaml"
    broken = "  Broken:\n    Type: AWS::SNS::Subscription\n    Properties: {Protocol: sqs, TopicArn: nowhere}\n"
    template.write_text(f"{template.read_text()}\n{broken}")
    said = project.says("deploy", code=254)
    assert "lambda/ledger/template.yaml: the stack ledger ended as" in said
    assert "Broken: " in said
    assert project.stack() is None
