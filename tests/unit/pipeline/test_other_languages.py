"""On LocalStack and AWS a function that is not Python goes without the agent; what would take it is refused before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_template import after, write

from harness.agent.process import CONTROL, HANDLER
from harness.errors import UserError
from harness.faults import FAULTS
from harness.jobs import jobs_of
from harness.localstack.compose import Compose
from harness.localstack.native import NativeLocalStack
from harness.pipeline.resources import BY_HARNESS, Mapping
from harness.pipeline.stack import Stack
from harness.pipeline.template import read
from harness.platforms.deployed import run_stack
from harness.platforms.target import EMBEDDED_TARGET, Target, unsupported_without_agent

NODE = (
    ("Runtime: python3.13", "Runtime: nodejs22.x"),
    ("Handler: app.handler", "Handler: index.handler"),
    ("Role: !GetAtt Unread.Arn", "Role: arn:aws:iam::123456789012:role/x"),
    ("{S3Bucket: !Ref Bucket, S3Key: code.zip}", "code"),
    after("Resources:", "  Effects: {Type: AWS::SQS::Queue, Metadata: {harness: {role: ledger}}}"),
)
THERE = Target("localstack", "http://127.0.0.1:4566")


def template(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "index.js").write_text("exports.handler = async () => {};")
    return write(tmp_path, *NODE, *changes)


def node(tmp_path: Path) -> Stack:
    return read(template(tmp_path), "run", any_language=True)


def refused(tmp_path: Path, target: Target, *changes: tuple[str, str], **pipeline: Any) -> list[str]:
    scenario = {
        "scenario": "node",
        "question": "Does it run?",
        "pipeline": {"template": str(template(tmp_path, *changes)), "parameters": {"Bucket": "b"}, **pipeline},
        "workload": {"writer": "put", "intents": 1},
        "faults": [{"crash": {}}, {"lose_reply": {"process": "writer"}}],
        "expect": "valid",
    }
    with pytest.raises(UserError) as caught:
        jobs_of([scenario], target=target)
    return [str(problem).replace(str(tmp_path), "F") for problem in caught.value.problems]


def test_the_embedded_platform_refuses_it(tmp_path: Path) -> None:
    """It runs Python, and Node.js from version 18 on."""
    for runtime in ("ruby3.3", "nodejs16.x"):
        folder = tmp_path / runtime
        folder.mkdir()
        (problem,) = refused(folder, EMBEDDED_TARGET, ("nodejs22.x", runtime))
        expected = f"only Python and Node.js can be run: python3.12, nodejs22.x and the like, not '{runtime}'"
        assert problem.endswith(f"Runtime: {expected}")


def test_the_host_runtime_refuses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And every fault that acts inside the function; the one at the writer is no problem."""
    monkeypatch.setattr("harness.platforms.target.runtime_at", lambda endpoint: (NativeLocalStack(), 4566))
    found = refused(tmp_path, THERE, mapping={"by": "harness"})
    assert [problem.removeprefix("default: refused on localstack: ") for problem in found] == [
        "crash at function: a function in nodejs22.x goes without the agent, which would do it there",
        "nodejs22.x: `harness up --runtime host` runs functions in Python, and those with a runtime of their own "
        "(provided.al2023), only",
    ]


def test_elsewhere_the_dispatcher_must_tell_when_it_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker has the runtime; what the agent would tell, the harness's own mapping knows."""
    monkeypatch.setattr("harness.platforms.target.runtime_at", lambda endpoint: (Compose(), 4566))
    found = refused(tmp_path, THERE)
    assert len(found) == 2
    assert "nodejs22.x: the agent would tell when the platform's own mapping is done" in found[0]
    assert "`pipeline.mapping.by: harness` can" in found[0]


def test_faults_outside_the_function_need_no_agent(tmp_path: Path) -> None:
    """At writers, at deliveries and on the platform as a whole."""
    stack, mapping = node(tmp_path), Mapping(by=BY_HARNESS)
    outside = [
        FAULTS["lose_reply"](process="writer"),
        FAULTS["redeliver"](),
        FAULTS["duplicate_put"](),
        FAULTS["disable_mapping"](),
    ]
    assert unsupported_without_agent(stack.function, mapping, outside) == []
    inside = [FAULTS["timeout"](), FAULTS["lose_reply"](), FAULTS["kill_function"]()]
    assert [text.partition(" at ")[0] for text in unsupported_without_agent(stack.function, mapping, inside)] == [
        "timeout",
        "lose_reply",
        "kill_function",
    ]


def test_it_is_deployed_as_it_is(tmp_path: Path) -> None:
    """Its own handler is called, and no variable of the agent is there."""
    stack = node(tmp_path)
    assert stack.function.root == tmp_path / "code"
    function = run_stack.body(stack, "control", "bucket", {})["Resources"]["Handle"]["Properties"]
    assert (function["Handler"], function["Runtime"]) == ("index.handler", "nodejs22.x")
    assert not {CONTROL, HANDLER} & set(function["Environment"]["Variables"])
