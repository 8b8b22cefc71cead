"""The stack that a run makes on a remote platform: the user's template with the settings of the run."""

from __future__ import annotations

from pathlib import Path

from small_template import after, write

from harness.pipeline.template import read
from harness.platforms.deployed import run_stack


def test_a_default_overrides_what_the_template_writes(tmp_path: Path) -> None:
    """A scenario may set a setting back to AWS's default; what neither of the two names is left to AWS."""
    template = write(tmp_path, after("      StartingPosition: LATEST", "      MaximumRetryAttempts: 3"))
    stack = read(template, "run", mapping={"maximum_retry_attempts": -1})
    properties = run_stack.body(stack, "control", "bucket", {})["Resources"]["Trigger"]["Properties"]
    assert properties["MaximumRetryAttempts"] == -1
    assert set(properties) == {
        "BatchSize",
        "EventSourceArn",
        "FunctionName",
        "MaximumRetryAttempts",
        "StartingPosition",
    }
