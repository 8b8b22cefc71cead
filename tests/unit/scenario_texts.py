"""Scenarios for tests: one that is full, one that is as short as can be, and the folder that both need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.errors import UserError
from harness.scenario.load import Loaded, load

# Every field there is, each key in a line of its own.
FULL = """\
scenario: full
question: Does it read every field?
pipeline:
  handler: handlers/naive.py
  template: handlers/template.yaml
  parameters:
    Currency: CHF
  mapping:
    by: harness
    batch_size: 10
    maximum_batching_window_in_seconds: 5
    starting_position: LATEST
    maximum_retry_attempts: 3
    maximum_record_age_in_seconds: 10m
    bisect_batch_on_function_error: true
    report_batch_item_failures: true
    parallelization_factor: 2
    tumbling_window_in_seconds: 0
    filter_criteria: [{eventName: [INSERT]}]
  function:
    name: Function
    timeout: 3s
    environment:
      LEVEL: 3
  source:
    intent: intent
    item: id
  sinks:
    Effects:
      role: ledger
      intent: intent
      item: todo.id
      count: count
  leaves_out: true
  shards: 2
workload:
  writer: put
  data: handlers/todos.yaml
  intents: 20
  items: 10
  writers: 2
  share: true
  titles:
    todo-1: milk
  sdk:
    retry_mode: standard
    max_attempts: 4
faults:
  - crash:
      process: function
      call: dynamodb.PutItem
      intent: todo-1/*
      item: todo-1
      nth: [1, 3]
      times: 2
      probability: 0.5
      between: [500ms, 1h]
      when: before
  - delay:
      seconds: 1500ms
  - disable_mapping:
      seconds: 2s
  - duplicate_put:
      changed: true
      concurrently: false
  - function_error:
      message: no
  - kill_function:
      once: started
  - kill_platform:
  - leave_unprocessed:
      position: 1
  - lose_reply:
  - lose_request:
  - noop:
  - partial_failure:
      position: 0
  - pause_platform:
      seconds: 1
  - recreate_mapping:
      seconds: 0
  - redeliver:
      seconds: 2h
  - refuse:
      code: TransactionCanceledException
      reason: throttle
      operation: 1
  - restart_platform:
  - roll_back:
      records: 5
  - slow_platform:
      share: 0.5
  - throttle_function:
      seconds: 3
  - timeout:
      times: 1
checkers: [own_checkers:HandledLate]
matrix:
  workload.writer: [put, stamped_put]
  faults[0].crash.when: [before, after]
expect:
  put/*: valid
  stamped_put/*:
    invalid:
      lost: 0
      duplicated: ">= 1"
      phantom: 0
      reordered: "< 3"
      wrong_final_state: "!= 1"
      dead_lettered: 0
      own_checkers:HandledLate: ">= 1"
      blame: writer
differs:
  localstack:
    put/*:
      expect: refused
      why: it cannot
  embedded:
    stamped_put/*:
      expect:
        invalid:
          lost: 1
      why: it is otherwise
  aws:
    put/*:
      expect: unknown
      why: it is slower
seeds: 0..3
limits:
  drive: 1h
  drain: 26h
  steps: 5000
  spin: 20
"""
SHORT = """\
scenario: short
question: Is this enough?
pipeline: {handler: handlers/naive.py}
workload: {writer: put, intents: 3}
expect: valid
"""


def folder(path: Path) -> Path:
    """With two handlers and their template beside them."""
    (path / "handlers").mkdir()
    for name in ("naive.py", "idempotent.py", "template.yaml"):
        (path / "handlers" / name).touch()
    (path / "handlers" / "todos.yaml").write_text(json.dumps([{"id": f"todo-{number}"} for number in range(10)]))
    (path / "scenarios").mkdir()
    return path


def load_text(project: Path, text: str, **overrides: str) -> Loaded:
    file = project / "scenarios" / "x.yaml"
    file.write_text(text)
    return load(file, {name.replace("__", "."): value for name, value in overrides.items()})


def short(**changes: Any) -> str:
    """The short scenario with some of its outermost keys set: `workload={"intents": 4}` adds to what is there."""
    scenario = yaml.safe_load(SHORT)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(scenario.get(key), dict)
        scenario[key] = scenario[key] | value if both else value
    return yaml.safe_dump(scenario, sort_keys=False)


def problems(project: Path, text: str, **overrides: str) -> list[str]:
    """What is wrong with the text, the folder left out."""
    with pytest.raises(UserError) as caught:
        load_text(project, text, **overrides)
    return [str(problem).removeprefix(f"{project}/scenarios/") for problem in caught.value.problems]
