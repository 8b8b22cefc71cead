"""What an AWS call costs on the embedded platform, against botocore answered by an empty stub."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from bench.rounds import by_turns
from bench.stub import ITEM, KINDS, seconds_on_stub
from harness.faults.points import Seed
from harness.history import History
from harness.pipeline.package import unpacked
from harness.pipeline.template import read
from harness.platforms import clients
from harness.platforms.base import Plan
from harness.platforms.embedded.platform import Embedded, provision
from harness.platforms.target import EMBEDDED_TARGET

ROUNDS, CALLS = 15, 400
HANDLER = Path("lambda/ledger/naive.py")
HOUR = 3600.0


def measure(rounds: int = ROUNDS, calls: int = CALLS) -> str:
    lines = []
    for words, call in KINDS.items():
        pair = by_turns(partial(_seconds_embedded, calls, call), partial(seconds_on_stub, calls, call), rounds)
        times = f"{pair.subject / calls * 1e6:.0f} µs and {pair.reference / calls * 1e6:.0f} µs"
        lines.append(f"{words} costs {pair.ratio:.2f}x ({times})")
    told = f"medians of {rounds} rounds of {calls} calls; goal: at most 1.15x one that an empty stub answers"
    return "call cost  on the embedded platform " + "\n           ".join([*lines, f"({told})"])


def _seconds_embedded(calls: int, call: Callable[[Any, str, int], None]) -> float:
    """Of one writer that calls a table with a stream; no mapping reads it, so nothing else takes time."""
    stack = read(HANDLER.with_name("template.yaml"), "bench", handler=HANDLER)
    spent = []

    def write() -> None:
        client = clients.client("dynamodb")
        client.put_item(TableName=stack.source.name, Item=ITEM)
        began = perf_counter()
        call(client, stack.source.name, calls)
        spent.append(perf_counter() - began)

    plan = Plan(
        stack=stack,
        code=unpacked(stack.function.root),
        faults=(),
        seed=Seed(0),
        history=History(),
        shards=1,
        max_steps=1_000_000,
        log=print,
        target=EMBEDDED_TARGET,
    )
    with Embedded(plan) as platform:
        provision(platform.client, stack)
        platform.writers.start_writer(write)
        platform.rest(HOUR)
    return spent[0]
