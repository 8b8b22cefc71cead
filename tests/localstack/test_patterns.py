"""Writers and consumers on the real LocalStack: what needs the real network, the real zip, and a real death."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import UserError
from harness.jobs import jobs_of
from harness.localstack import Running
from harness.platforms.target import Target
from harness.run_folder import read_history
from harness.runner import run

ROOT = Path(__file__).parents[2]
LEDGER = ROOT / "lambda" / "ledger"


def scenario(handler: Path, writer: str, faults: list[Any]) -> dict[str, Any]:
    return {
        "scenario": "patterns",
        "question": "Does it hold there?",
        "pipeline": {"handler": str(handler), "template": str(LEDGER / "template.yaml")},
        "workload": {"writer": writer, "intents": 8, "items": 4, "writers": 1},
        "faults": faults,
        "expect": "valid",
    }


LEAVE = {"leave_unprocessed": {"nth": 1}}
PUT_TWICE = {"duplicate_put": {"nth": 1}}
VALID: set[tuple[str, str]] = set()


@pytest.mark.parametrize(
    "writer, handler, faults, expected",
    [
        ("batch_put", "naive", [{"leave_unprocessed": {"process": "writer", "nth": 1}}], VALID),
        ("blind_batch_put", "naive", [LEAVE], {("lost", "writer")}),
        ("put", "batched", [{"leave_unprocessed": {"process": "function", "position": 1, "nth": 1}}], VALID),
        ("transact_add", "naive", [PUT_TWICE], VALID),
        ("update_add", "idempotent", [PUT_TWICE], {("wrong_final_state", "writer")}),
        ("put_then_delete", "projection", [PUT_TWICE], VALID),
    ],
)
def test_a_pattern_ends_as_on_the_embedded_platform(
    writer: str, handler: str, faults: list[Any], expected: set[tuple[str, str]], localstack: Running, tmp_path: Path
) -> None:
    """The same anomalies, the same party to blame, and every fault fired."""
    target = Target("localstack", localstack.endpoint)
    (job,) = jobs_of([scenario(LEDGER / f"{handler}.py", writer, faults)], seeds=0, target=target)
    result = run(job, tmp_path)
    assert {(anomaly.kind, anomaly.blame) for anomaly in result.verdict.anomalies} == expected, result.verdict
    assert result.verdict.verdict == ("invalid" if expected else "valid"), result.verdict.reasons


def test_powertools_comes_with_the_zip(localstack: Running, tmp_path: Path) -> None:
    """A function that imports it runs, is killed after its effect, and repeats it once the lock has no time left."""
    handler = ROOT / "lambda" / "powertools" / "powertools.py"
    crash = {"crash": {"call": "effect", "when": "after", "nth": 1}}
    target = Target("localstack", localstack.endpoint)
    (job,) = jobs_of([scenario(handler, "put", [crash])], seeds=0, target=target)
    result = run(job, tmp_path)
    errors = [op.error or "" for op in read_history(Path(result.run_folder)) if op.f == "execute"]
    assert any("IdempotencyAlreadyInProgressError" in error for error in errors)
    found = {(anomaly.kind, anomaly.blame) for anomaly in result.verdict.anomalies}
    assert found == {("duplicated", "function")}, result.verdict


def test_a_writer_whose_items_expire_is_refused(localstack: Running) -> None:
    """Before anything is deployed: nothing expires there by itself."""
    with pytest.raises(UserError, match="may take days"):
        jobs_of([scenario(LEDGER / "naive.py", "expiring_put", [])], target=Target("localstack", localstack.endpoint))
