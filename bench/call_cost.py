"""What an AWS call costs on the embedded platform, against botocore answered by an empty stub."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest.mock import patch

from bench.rounds import by_turns
from bench.stub import ANSWERS, EMPTY, ITEM, KINDS, TEN, seconds_on_stub
from harness.faults.points import Seed
from harness.history import History
from harness.pipeline.package import folders
from harness.pipeline.stack import Stack
from harness.pipeline.template import read
from harness.platforms import clients
from harness.platforms.base import Plan, Reply, Request
from harness.platforms.embedded.platform import Embedded, provision
from harness.platforms.embedded.services.dynamodb import DynamoDB
from harness.platforms.target import EMBEDDED_TARGET

ROUNDS, CALLS = 15, 400
HANDLER = Path("lambda/ledger/naive.py")
HOUR = 3600.0
FUNCTION = """
import os
import boto3

client, table = boto3.client("dynamodb"), os.environ["EFFECTS_TABLE"]

def handler(event, context):
    for number in range(event["calls"]):
        client.put_item(TableName=table, Item={"effect": {"S": "todo-1"}, "note": {"S": str(number)}})
"""


def measure(rounds: int = ROUNDS, calls: int = CALLS) -> str:
    lines = []
    for words, call in KINDS.items():
        for answer in dict.fromkeys((EMPTY, ANSWERS.get(words, EMPTY))):
            engine: list[float] = []
            subject = partial(_seconds_embedded, calls, call, engine)
            pair = by_turns(subject, partial(seconds_on_stub, calls, call, answer), rounds)
            times = [seconds / calls * 1e6 for seconds in (pair.subject, pair.reference, statistics.median(engine))]
            told = "{:.0f} µs and {:.0f} µs; of it the engine {:.0f} µs".format(*times)
            of_what = "" if answer == EMPTY else "where the stub answers with the ten: "
            lines.append(f"{of_what or words + ' costs '}{pair.ratio:.2f}x ({told})")
    lines += _of_a_function(rounds, calls)
    goals = "goals: at most 1.15x one that an empty stub answers, 1.3x in a function"
    told = f"medians of {rounds} rounds of {calls} calls; {goals}"
    return "call cost  on the embedded platform " + "\n           ".join([*lines, f"({told})"])


def _of_a_function(rounds: int, calls: int) -> list[str]:
    """A call that a function makes from its own process, and a cold start: process, import of the handler, answer."""
    starts: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        handler = Path(folder, "app.py")
        handler.write_text(FUNCTION)
        pair = by_turns(partial(_seconds_in_function, calls, handler, starts), partial(seconds_on_stub, calls), rounds)
    times = f"{pair.subject / calls * 1e6:.0f} µs and {pair.reference / calls * 1e6:.0f} µs"
    start = statistics.median(starts) * 1000
    return [f"a PutItem of a function costs {pair.ratio:.2f}x ({times}); a cold start takes {start:.0f} ms"]


def _seconds_in_function(calls: int, handler: Path, starts: list[float]) -> float:
    """Of one execution that makes so many calls, less one that makes none. starts: takes the seconds of the first."""
    stack = read(HANDLER.with_name("template.yaml"), "bench", handler=handler)
    seconds: list[float] = []

    def invoke() -> None:
        client = clients.client("lambda")
        for number in (0, 0, calls):
            began = perf_counter()
            answer = client.invoke(FunctionName=stack.function.name, Payload=json.dumps({"calls": number}))
            assert "FunctionError" not in answer, answer["Payload"].read()
            seconds.append(perf_counter() - began)

    with Embedded(_plan(stack)) as platform:
        provision(platform.client, stack)
        platform.writers.start_writer(invoke)
        platform.rest(HOUR)
    starts.append(seconds[0] - seconds[1])
    return seconds[2] - seconds[1]


def _put_ten(client: Any) -> None:
    """Ten items of one partition, in the table from which they are queried."""
    keys = {"id": ("HASH", "S"), "number": ("RANGE", "N")}
    client.create_table(
        TableName=TEN,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": name, "KeyType": role} for name, (role, _) in keys.items()],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": type} for name, (_, type) in keys.items()],
    )
    for number in range(10):
        client.put_item(TableName=TEN, Item={**ITEM, "number": {"N": str(number)}})


def _seconds_embedded(calls: int, call: Callable[[Any, str, int], None], engine: list[float]) -> float:
    """Of one writer that calls a table with a stream; no mapping reads it, so nothing else takes time.

    engine: takes the seconds that DynamoDB's service itself takes.
    """
    handled = DynamoDB.handle
    in_service = [0.0]

    def timed(service: DynamoDB, request: Request) -> Reply:
        began = perf_counter()
        reply = handled(service, request)
        in_service[0] += perf_counter() - began
        return reply

    stack = read(HANDLER.with_name("template.yaml"), "bench", handler=HANDLER)
    spent = []

    def write() -> None:
        client = clients.client("dynamodb")
        client.put_item(TableName=stack.source.name, Item=ITEM)
        _put_ten(client)
        with patch.object(DynamoDB, "handle", timed):
            began = perf_counter()
            call(client, stack.source.name, calls)
            spent.append(perf_counter() - began)

    with Embedded(_plan(stack)) as platform:
        provision(platform.client, stack)
        platform.writers.start_writer(write)
        platform.rest(HOUR)
    engine += in_service
    return spent[0]


def _plan(stack: Stack) -> Plan:
    return Plan(
        stack=stack,
        folders=folders(stack.function),
        faults=(),
        seed=Seed(0),
        history=History(),
        shards=1,
        max_steps=1_000_000,
        spin_seconds=10,
        log=print,
        target=EMBEDDED_TARGET,
    )
