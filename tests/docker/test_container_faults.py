"""The platform itself dies or stands still in the middle of a run: a container is killed, restarted, paused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Harness

from harness.localstack.compose import Compose
from harness.localstack.health import local

# Nobody waits for records that a dead platform has lost.
SHORT = ("--set", "limits.drain=5s")
LOSES = {"verdict": {"invalid", "unknown"}, "blame": {"platform", "unknown"}}
KEEPS = {"verdict": {"valid"}, "blame": set()}


@pytest.mark.parametrize(
    "fault, allowed",
    [
        ("kill_platform: {nth: 5}", LOSES),
        ("restart_platform: {nth: 5}", LOSES),
        ("pause_platform: {nth: 5, seconds: 2}", KEEPS),
    ],
    ids=["kill", "restart", "pause"],
)
def test_a_fault_of_the_container_is_judged_for_what_it_is(
    fault: str, allowed: dict[str, set[str]], up: int, harness: Harness, tmp_path: Path
) -> None:
    """What dies with its memory is never valid, and nobody but the platform is to blame; a pause harms nothing."""
    place = ("--platform", "localstack", "--endpoint", local(up), "--runs", tmp_path, "--json", tmp_path / "told.json")
    done = harness("run", "scenarios/baseline.yaml", "--set", f"faults=[{{{fault}}}]", *SHORT, *place)
    [told] = json.loads((tmp_path / "told.json").read_text()) if (tmp_path / "told.json").exists() else [None]
    assert told, done.stdout + done.stderr
    assert told["verdict"] in allowed["verdict"], done.stdout
    assert {anomaly["blame"] for anomaly in told["anomalies"]} <= allowed["blame"]
    assert [one["fired"] for one in told["faults"]] == [1]
    [running] = Compose().status()
    assert running.healthy
