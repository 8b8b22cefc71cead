"""What `down --stacks` removes: what has the tag of a run that has ended, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner
from moto import mock_aws

from harness.agent.control import Control
from harness.cli import localstack as command
from harness.platforms import AWS, LOCALSTACK, clients
from harness.platforms.deployed import cloudformation
from harness.platforms.deployed.cloudformation import (
    DEPLOY_TAG,
    MAX_RUN_SECONDS,
    PROCESS_TAG,
    RUN_TAG,
    goes_on,
    run_tags,
    upload_packages,
)
from harness.platforms.target import Target

RUN = "harness-crash-0a1b2c"


class Refused(ClientError):
    def __init__(self) -> None:
        super().__init__({"Error": {"Code": "ResourceNotFoundException", "Message": "gone"}}, "Call")


class Paged:
    """A client whose one listing has one page."""

    class exceptions:
        ResourceNotFoundException = Refused

    def __init__(self, listing: str, entries: list[dict[str, Any]]) -> None:
        self._page = {listing: entries}
        self.entries = entries

    def get_paginator(self, name: str) -> Any:
        return self

    def paginate(self) -> Any:
        return Pages([self._page])


class Pages(list[Any]):
    def build_full_result(self) -> Any:
        return self[0]


class Stacks(Paged):
    """CloudFormation with these stacks, by name: the tags of each."""

    def __init__(self, stacks: dict[str, list[dict[str, str]]]) -> None:
        entries = [{"StackName": name, "StackStatus": "CREATE_COMPLETE", "Tags": tags} for name, tags in stacks.items()]
        super().__init__("Stacks", entries)

    def describe_stacks(self, StackName: str) -> Any:
        stacks = [each for each in self.entries if each["StackName"] == StackName]
        return {"Stacks": stacks or [{"StackStatus": "DELETE_COMPLETE"}]}

    def describe_stack_resources(self, StackName: str) -> Any:
        return {"StackResources": []}

    def delete_stack(self, StackName: str) -> None:
        self.entries[:] = [each for each in self.entries if each["StackName"] != StackName]


class Lambda(Paged):
    """Lambda with these functions, by name: the tags of each, None for one that is gone. Each has a mapping."""

    def __init__(self, functions: dict[str, dict[str, str] | None]) -> None:
        source = "arn:aws:dynamodb:us-east-1:000000000000:table/{}-Todos/stream/1"
        self._functions = functions
        entries = [
            {
                "UUID": name,
                "FunctionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}",
                "EventSourceArn": source.format(name),
                "State": "Enabled",
            }
            for name in functions
        ]
        super().__init__("EventSourceMappings", entries)

    def get_function(self, FunctionName: str) -> Any:
        tags = self._functions[FunctionName.rpartition(":")[2]]
        if tags is None:
            raise Refused
        return {"Tags": tags}

    def get_event_source_mapping(self, UUID: str) -> Any:
        return next(each for each in self.entries if each["UUID"] == UUID)

    def delete_event_source_mapping(self, UUID: str) -> None:
        self.entries[:] = [each for each in self.entries if each["UUID"] != UUID]


class Account:
    def __init__(self) -> None:
        self.clients: dict[str, Any] = {
            "cloudformation": Stacks({}),
            "lambda": Lambda({}),
            **{name: clients.client(name) for name in ("dynamodb", "s3")},
        }

    def has(self) -> set[str]:
        tables = self.clients["dynamodb"].list_tables()["TableNames"]
        buckets = [bucket["Name"] for bucket in self.clients["s3"].list_buckets()["Buckets"]]
        stacks = [each["StackName"] for each in self.clients["cloudformation"].entries]
        return {*tables, *buckets, *stacks, *(each["UUID"] for each in self.clients["lambda"].entries)}

    def make_run(self, name: str, tags: list[dict[str, str]]) -> None:
        Control(self.clients["dynamodb"], f"{name}-control").create(tags)
        upload_packages(self.clients["s3"], {}, f"{name}-code", tags)
        stacks = {each["StackName"]: each["Tags"] for each in self.clients["cloudformation"].entries}
        self.clients["cloudformation"] = Stacks({**stacks, name: tags})


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        made = Account()
        monkeypatch.setattr(Target, "client", lambda target, service: made.clients[service])
        yield made


def ended() -> list[dict[str, str]]:
    """The tags of a run whose process has ended."""
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    host = run_tags()[1]["Value"].split("/")[0]
    return [RUN_TAG, {"Key": PROCESS_TAG, "Value": f"{host}/{process.pid}/{int(time.time())}"}]


def down(*words: str, input: str = "") -> str:
    result = CliRunner().invoke(command.down, ["--stacks", *words], input=input, standalone_mode=False)
    assert result.exception is None, result.exception
    return result.output


@pytest.fixture(autouse=True)
def _somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def chosen(platform: str | None, **options: str | None) -> Target:
        return Target(platform or LOCALSTACK, "http://127.0.0.1:9", options["account"])

    monkeypatch.setattr(command, "choose_target", chosen)


def test_what_has_no_tag_of_a_run_is_left_alone(account: Account) -> None:
    """Whatever it is called: tables, buckets with objects, stacks and mappings of functions of somebody else."""
    dynamodb, s3 = account.clients["dynamodb"], account.clients["s3"]
    mine = [{"Key": "owner", "Value": "finance"}]
    for name in ("harness-billing-control", f"{RUN}-control"):
        Control(dynamodb, name).create(mine)
    for name in ("harness-team-code", f"{RUN}-code"):
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="precious", Body=b"1")
    account.clients["cloudformation"] = Stacks({"harness-billing": mine, RUN: [], "shop": [DEPLOY_TAG]})
    Control(dynamodb, f"{RUN}-G-Todos").create(mine)
    account.clients["lambda"] = Lambda({"harness-billing-f": None, f"{RUN}-F": {"owner": "finance"}, f"{RUN}-G": None})
    before = account.has()
    said = down()
    assert account.has() == before
    assert "no run left anything" in said
    assert "kept stack shop" in said


def test_what_a_killed_run_left_is_removed(account: Account) -> None:
    """Its stack, control table, bucket and mapping; also a mapping that has lost function, source and stack."""
    account.make_run(RUN, ended())
    account.clients["lambda"] = Lambda({f"{RUN}-F": {"harness": "run"}, "harness-sinks-aaaaaa-F": None})
    said = down()
    assert account.has() == set()
    for line in (f"stack {RUN}", f"table {RUN}-control", f"bucket {RUN}-code", "mapping of harness-sinks-aaaaaa-F"):
        assert f"removed {line}" in said


def test_a_run_that_goes_on_is_left_alone(account: Account) -> None:
    """Its process exists: what it made is kept and named, and what others left is removed."""
    account.make_run(RUN, run_tags())
    account.make_run("harness-other-ffffff", ended())
    account.clients["lambda"] = Lambda({f"{RUN}-F": {"harness": "run"}})
    said = down()
    assert account.has() == {RUN, f"{RUN}-control", f"{RUN}-code", f"{RUN}-F"}
    assert f"kept stack {RUN}: its run goes on" in said


@pytest.mark.parametrize("answer", ["n\n", "", "y\n"])
def test_on_aws_it_lists_and_asks(account: Account, answer: str) -> None:
    """Nothing is removed before the user has seen what it is, and said yes."""
    account.make_run(RUN, ended())
    words = ["--stacks", "--platform", AWS, "--account", "123456789012"]
    said = CliRunner().invoke(command.down, words, input=answer).output
    assert f"stack {RUN}" in said.partition("Remove")[0]
    assert (account.has() == set()) == (answer == "y\n")


HOST = "here"


@pytest.mark.parametrize(
    ("process", "began", "expected"),
    [
        ("here/7/1000", 900.0, True),
        ("here/7/1000", None, False),  # it has ended
        ("here/7/1000", 1500.0, False),  # a later process got its number
        ("here/7/1000", 1000.9, True),  # the tag has whole seconds
        ("there/7/1000", None, True),
        (f"there/7/{1000 - MAX_RUN_SECONDS}", None, False),
        ("", 900.0, False),
        ("nonsense", 900.0, False),
    ],
)
def test_whether_a_run_goes_on(process: str, began: float | None, expected: bool) -> None:
    """Its process exists and is older than the tag; a run on another machine is believed for two hours."""
    assert goes_on(process, HOST, 1000.0, lambda number: began) is expected


def test_this_process_goes_on() -> None:
    """The tag of a run names the process that plays it, in letters that AWS allows."""
    process = run_tags()[1]["Value"]
    assert f"/{os.getpid()}/" in process
    assert goes_on(process, cloudformation._host(), time.time(), cloudformation._began)
