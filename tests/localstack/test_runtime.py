"""The host runtime, for real: LocalStack, DynamoDB Local and functions as processes."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from pipeline import client, deploy, deployed, eventually, free_port, template

from harness.errors import UserError
from harness.localstack import Running
from harness.localstack.native import NativeLocalStack, is_alive, marked, state_folder

COPY = """
    import os, boto3
    sink = boto3.resource("dynamodb").Table(os.environ["SINK"])
    def handler(event, context):
        for record in event["Records"]:
            sink.put_item(Item={"id": record["dynamodb"]["Keys"]["id"]["S"], "by": context.aws_request_id})
"""
OBEY = """
    import json, os, signal, subprocess, tempfile, time
    from importlib.util import find_spec
    served = []
    def handler(event, context):
        if "Records" in event:
            return
        served.append(event)
        match event.get("do"):
            case "die": os.kill(os.getpid(), signal.SIGKILL)
            case "exit": os._exit(3)
            case "fail": raise ValueError("as asked")
            case "sleep": time.sleep(60)
            case "print": print("told by the function")
            case "spawn": subprocess.Popen(["sleep", "600"])
            case "keep": open(os.path.join(tempfile.gettempdir(), "kept"), "w").close()
        return {
            "process": os.getpid(), "served": len(served), "handler": os.environ["_HANDLER"],
            "remaining": context.get_remaining_time_in_millis(), "temporary": sorted(os.listdir(tempfile.gettempdir())),
            "modules": [name for name in ("localstack", "moto", "boto3") if find_spec(name)],
        }
"""


@pytest.fixture(scope="session")
def obedient(localstack: Running) -> Iterator[str]:
    """The name of a function with 2 s of time that does what its event says."""
    with deployed(localstack, "obedient", template(OBEY, timeout=2)) as outputs:
        yield outputs["Function"]


def invoke(localstack: Running, function: str, **event: Any) -> tuple[bool, Any, str]:
    """Was it an error, the payload, and the end of the log."""
    answer = client(localstack, "lambda").invoke(
        FunctionName=function, Payload=json.dumps(event), LogType="Tail", InvocationType="RequestResponse"
    )
    log = base64.b64decode(answer.get("LogResult", "")).decode()
    return "FunctionError" in answer, json.loads(answer["Payload"].read() or b"null"), log


def test_a_deployed_pipeline_carries_a_record_to_its_sink(localstack: Running) -> None:
    """Template, stream, mapping, function and sink work together."""
    with deployed(localstack, "carries", template(COPY)) as outputs:
        database = client(localstack, "dynamodb")
        for number in range(10):
            database.put_item(TableName=outputs["Source"], Item={"id": {"S": f"todo-{number}"}})
        landed = eventually(
            lambda: (found := database.scan(TableName=outputs["Sink"])["Items"]) and len(found) == 10 and found,
            "ten effects",
        )
        assert sorted(item["id"]["S"] for item in landed) == [f"todo-{number}" for number in range(10)]


def test_a_warm_process_serves_again(localstack: Running, obedient: str) -> None:
    """Two invocations in a row share a process, and its module's state."""
    _, first, _ = invoke(localstack, obedient)
    _, second, _ = invoke(localstack, obedient)
    assert second["process"] == first["process"]
    assert second["served"] == first["served"] + 1


@pytest.mark.parametrize(
    "do, message",
    [("die", "Runtime exited with error: signal: killed"), ("exit", "Runtime exited with error: exit status 3")],
)
def test_a_crash_is_told_at_once_and_followed_by_a_cold_start(
    localstack: Running, obedient: str, do: str, message: str
) -> None:
    """Runtime.ExitError well before the timeout; the next invocation meets a new process, not the dead one."""
    _, before, _ = invoke(localstack, obedient)
    began = time.monotonic()
    failed, error, _ = invoke(localstack, obedient, do=do)
    assert time.monotonic() - began < 2
    assert failed
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith(message)
    failed, after, _ = invoke(localstack, obedient)
    assert not failed
    assert after["process"] != before["process"]
    assert after["served"] == 1


def test_a_process_killed_while_idle_is_replaced(localstack: Running, obedient: str) -> None:
    """Nobody sees an error: the next invocation is a cold start."""
    _, before, _ = invoke(localstack, obedient)
    os.kill(before["process"], signal.SIGKILL)
    eventually(lambda: not Path(f"/proc/{before['process']}").exists(), "the killed process is gone")
    failed, after, _ = invoke(localstack, obedient)
    assert not failed
    assert after["served"] == 1


def test_the_timeout_ends_the_process(localstack: Running, obedient: str) -> None:
    """After the function's 2 seconds the invocation fails and its process is gone."""
    _, before, _ = invoke(localstack, obedient)
    assert 0 < before["remaining"] <= 2000
    began = time.monotonic()
    failed, error, _ = invoke(localstack, obedient, do="sleep")
    assert 2 <= time.monotonic() - began < 6
    assert failed
    assert error["errorMessage"].endswith("Task timed out after 2.00 seconds")
    assert not Path(f"/proc/{before['process']}").exists()
    assert invoke(localstack, obedient)[1]["served"] == 1


def test_a_raised_exception_keeps_the_process(localstack: Running, obedient: str) -> None:
    """A function error is not a crash: type and message come back, and the process stays warm."""
    _, before, _ = invoke(localstack, obedient)
    failed, error, log = invoke(localstack, obedient, do="fail")
    assert failed
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "as asked")
    assert "as asked" in log
    assert invoke(localstack, obedient)[1]["process"] == before["process"]


def test_logs_come_back_with_their_own_invocation_only(localstack: Running, obedient: str) -> None:
    """What a function prints is in that invocation's log, between START and REPORT, and in no later one."""
    _, _, log = invoke(localstack, obedient, do="print")
    assert log.index("START RequestId") < log.index("told by the function") < log.index("REPORT RequestId")
    assert "told by the function" not in invoke(localstack, obedient)[2]


def test_a_function_sees_what_lambda_offers_and_no_more(localstack: Running, obedient: str) -> None:
    """boto3 can be imported; LocalStack and the packages it brings can't. The handler's name is set."""
    _, answer, _ = invoke(localstack, obedient)
    assert answer["modules"] == ["boto3"]
    assert answer["handler"] == "index.handler"


def test_temporary_files_survive_a_reset_as_on_lambda(localstack: Running, obedient: str) -> None:
    """A crash resets the process, not the environment's folder for temporary files."""
    invoke(localstack, obedient, do="keep")
    invoke(localstack, obedient, do="die")
    assert "kept" in invoke(localstack, obedient)[1]["temporary"]


def test_what_a_function_starts_ends_with_it(localstack: Running, obedient: str) -> None:
    """A crash leaves no process that the function had started."""

    def sleepers() -> list[psutil.Process]:
        return [process for process in marked(state_folder(localstack.port)) if process.name() == "sleep"]

    invoke(localstack, obedient, do="spawn")
    assert sleepers()
    invoke(localstack, obedient, do="die")
    eventually(lambda: not sleepers(), "the function's own child is gone")


def test_a_batch_that_fails_for_ever_ends_with_its_stack(localstack: Running) -> None:
    """The mapping of a deleted stack is gone, whatever it was retrying (4.14 itself would keep it for ever)."""
    functions = client(localstack, "lambda")
    failing = """
        def handler(event, context):
            raise ValueError("always")
    """
    with deployed(localstack, "fails", template(failing)) as outputs:
        client(localstack, "dynamodb").put_item(TableName=outputs["Source"], Item={"id": {"S": "todo"}})
        logs = client(localstack, "logs")
        group = f"/aws/lambda/{outputs['Function']}"
        eventually(lambda: group in str(logs.describe_log_groups()), "the first attempt")
        [mapping] = functions.list_event_source_mappings(FunctionName=outputs["Function"])["EventSourceMappings"]
    eventually(
        lambda: mapping["UUID"] not in str(functions.list_event_source_mappings()["EventSourceMappings"]),
        "the mapping is gone",
    )


def test_a_handler_that_cannot_be_imported_is_told(localstack: Running) -> None:
    """The import error comes back as the function's error."""
    with deployed(localstack, "broken", template("import no_such_module")) as outputs:
        failed, error, _ = invoke(localstack, outputs["Function"])
    assert failed
    assert error["errorType"] == "Runtime.ImportModuleError"
    assert "no_such_module" in error["errorMessage"]


def test_every_server_listens_on_loopback_only(localstack: Running, obedient: str) -> None:
    """LocalStack, DynamoDB Local, Kinesis Mock and the functions' API accept connections from this machine only."""
    invoke(localstack, obedient)
    client(localstack, "kinesis").create_stream(StreamName="any", ShardCount=1)
    own = {f"pid={process.pid}," for process in marked(state_folder(localstack.port))}
    lines = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout.splitlines()
    listening = [line.split()[3] for line in lines if any(number in line for number in own)]
    assert len(listening) >= 5  # Kinesis Mock has two ports
    assert [place for place in listening if "127.0.0.1" not in place] == []


def test_objects_are_stored_below_the_state_folder(localstack: Running, obedient: str) -> None:
    """The bucket with the functions' code is there, and so goes with `down`; 4.14 alone would use a folder of /tmp."""
    assert list(state_folder(localstack.port).rglob("awslambda-*-tasks"))


def test_up_again_finds_what_runs(localstack: Running) -> None:
    """A second `up` on the port starts nothing, and `status` tells the same."""
    host = NativeLocalStack()
    before = host.processes(localstack.port)
    # Tests that kill LocalStack have started another one on the port.
    (running,) = [each for each in host.status() if each.port == localstack.port]
    assert host.up(localstack.port, print) == running
    assert running in host.status()
    assert host.processes(localstack.port)[0] == before[0]


def test_up_refuses_a_port_that_another_holds(
    localstack: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The message says who holds the port."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=rf"port {localstack.port} is taken by process \d+ .*did not start"):
        NativeLocalStack().up(localstack.port, print)


@pytest.mark.parametrize("end", ["down", "killed", "frozen"])
def test_down_leaves_nothing(end: str) -> None:
    """No process and no folder, also after LocalStack was killed or frozen; a function runs meanwhile."""
    host, port = NativeLocalStack(), free_port()
    folder = state_folder(port)
    try:
        running = host.up(port, print)
        functions = client(running, "lambda")
        function = deploy(running, "left", template(OBEY))["Function"]
        invoke(running, function)
        client(running, "kinesis").create_stream(StreamName="any", ShardCount=1)
        functions.invoke(FunctionName=function, InvocationType="Event", Payload=b'{"do": "sleep"}')
        processes = host.processes(port)
        assert len(processes) >= 4
        if end == "killed":
            processes[0].kill()
            eventually(lambda: not any(map(is_alive, processes)), "all end with LocalStack")
        if end == "frozen":
            processes[0].suspend()
    finally:
        host.down(port, print)
    assert not any(map(is_alive, processes))
    assert marked(folder) == []
    assert not folder.exists()


def test_down_ends_what_a_killed_harness_was_starting() -> None:
    """`up` is killed before LocalStack answers: `down` still finds its process and folder."""
    port = free_port()
    folder = state_folder(port)
    command = f"from harness.localstack.native import NativeLocalStack; NativeLocalStack().up({port}, print)"
    with subprocess.Popen([sys.executable, "-c", command], stdout=subprocess.DEVNULL) as harness:
        eventually(lambda: marked(folder), "LocalStack's process")
        harness.kill()
    left = marked(folder)
    assert left
    assert NativeLocalStack().down(port, print)
    assert not any(map(is_alive, left))
    assert not folder.exists()
