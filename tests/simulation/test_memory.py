"""Nothing of a run stays in the process after it: thousands of runs follow each other in one."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from play import LEDGER, ROOT, document, handler_file

from harness.jobs import Job, jobs_of
from harness.runner import run_unkept

WARM_UP, RUNS = 3, 6
MAX_OBJECTS = 60  # that a run may leave: botocore fills caches of bounded size

CLEANS_UP = """
import os
import boto3

dynamodb = boto3.client("dynamodb")

def handler(event, context):
    for record in event["Records"]:
        image = record["dynamodb"]["NewImage"]
        put = lambda name: dynamodb.put_item(
            TableName=os.environ["EFFECTS_TABLE"],
            Item={"effect": {"S": name}, "intent": image["intent"], "item": image["id"]},
        )
        try:
            put(image["intent"]["S"])
        finally:
            put("cleaned up " + image["intent"]["S"])
            put("once more " + image["intent"]["S"])
"""
CRASH: tuple[Any, ...] = ({"crash": {"call": "dynamodb.PutItem", "nth": 1}},)


def objects_left_by_a_run(job: Job) -> float:
    """How many objects the garbage collector sees more after each run, once everything is imported."""
    for seed in range(WARM_UP):
        run_unkept(replace(job, seed=seed))
    gc.collect()
    before = len(gc.get_objects())
    for seed in range(WARM_UP, WARM_UP + RUNS):
        run_unkept(replace(job, seed=seed))
    gc.collect()
    return (len(gc.get_objects()) - before) / RUNS


@pytest.mark.parametrize("scenario", ["crash", "sinks", "lost_reply"])
def test_a_run_leaves_nothing_in_memory(scenario: str) -> None:
    """Tables, streams, queues, buckets, topics and what is in them: gone with the run."""
    assert objects_left_by_a_run(jobs_of([ROOT / "scenarios" / f"{scenario}.yaml"])[-1]) < MAX_OBJECTS


def test_a_crash_in_a_handler_that_cleans_up_leaves_nothing_in_memory(tmp_path: Path) -> None:
    """Its clean-up calls AWS, where a dead process would wait for ever: the task ends with the run, not with Python."""
    (job,) = jobs_of([document(handler_file(tmp_path, CLEANS_UP), CRASH)])
    assert run_unkept(job)[0].verdict.counts["effects"]
    assert objects_left_by_a_run(job) < MAX_OBJECTS


def test_a_run_that_ends_early_leaves_nothing_in_memory() -> None:
    """Tasks that still wait at the bound of the run end with it."""
    limits = {"drive": "1s", "drain": "1s"}
    slow = [{"delay": {"process": "function", "seconds": "10m"}}]
    (job,) = jobs_of([document(LEDGER / "idempotent.py", slow, limits=limits)])
    assert objects_left_by_a_run(job) < MAX_OBJECTS
