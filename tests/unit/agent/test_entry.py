"""The handler in place of the user's: how a process ends is told, also where it ends before any execution."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from harness.agent.process import CONTROL, HANDLER, FunctionPlan

# Lambda's runtime in a few lines: it catches no more than Exception. The control table is moto's, one for each child.
RUNTIME = """
import json, os, sys
import boto3
import moto.dynamodb
from moto import mock_aws

from harness.agent.control import Control

RECORD = {"dynamodb": {"SequenceNumber": "7", "NewImage": {"intent": {"S": "a/1"}}}}


class Context:
    aws_request_id = "1"
    get_remaining_time_in_millis = staticmethod(lambda: 3000)


def environment():
    status, control = None, Control(boto3.client("dynamodb"), os.environ["HARNESS_CONTROL"])
    control.create([])
    control.put("plan", json.loads(sys.argv[1]))
    try:
        from harness.agent.entry import handler

        handler({"Records": [RECORD]}, Context)
    except SystemExit as exit:
        status = exit.code
    print(json.dumps([status, list(control.history().values())]), flush=True)


with mock_aws():
    boto3.client("dynamodb").list_tables()  # what the children need is loaded
    for folder in sys.argv[2:]:
        if not (child := os.fork()):
            os.environ["LAMBDA_TASK_ROOT"] = folder
            sys.path.insert(0, folder)
            environment()
            sys.exit()
        os.waitpid(child, 0)
"""
HANDLES = "\ndef handler(event, context): pass\n"
ENDINGS: dict[str, tuple[int | None, str | None]] = {
    "import os; os._exit(4)": (4, "crashed: exit status 4"),
    f"import os\ntry: os._exit(4)\nexcept BaseException: pass{HANDLES}": (4, "crashed: exit status 4"),
    "import sys; sys.exit(3)": (3, "crashed: exit status 3"),
    f"import os\nif not (child := os.fork()): os._exit(5)\nos.waitpid(child, 0){HANDLES}": (None, None),
    HANDLES: (None, None),
}


def test_a_process_that_ends_while_it_imports_has_an_execution(tmp_path: Path) -> None:
    """It has a beginning, with the intents that it got, and an end; then the process ends. A child ends as it likes."""
    folders = [tmp_path / str(number) for number in range(len(ENDINGS))]
    for folder, code in zip(folders, ENDINGS, strict=True):
        folder.mkdir()
        (folder / "app.py").write_text(code)
    account = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    environment = {**os.environ, **account, CONTROL: "control", HANDLER: "app.handler"}
    environment |= {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("AWS_ENDPOINT_URL", None)
    command = [sys.executable, "-c", RUNTIME, json.dumps(FunctionPlan((), 0, 0, 3, frozenset()).to_json())]
    said = subprocess.run([*command, *map(str, folders)], env=environment, capture_output=True, text=True)
    told = [json.loads(line) for line in said.stdout.splitlines()]
    assert [summary(status, *history) for status, history in told] == [
        (status, ["a/1"], "info" if error else "ok", error) for status, error in ENDINGS.values()
    ], said.stderr


def summary(status: int | None, begun: dict[str, Any], end: dict[str, Any]) -> tuple[Any, ...]:
    assert (begun["f"], begun["type"], end["f"]) == ("execute", "invoke", "execute")
    return status, begun["value"]["intents"], end["type"], end["error"]
