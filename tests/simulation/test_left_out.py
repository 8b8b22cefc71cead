"""Handlers that leave changes out: not by a fault, and rightly so only where the user says it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pipelines import measure

ONE = {"One": "ledger", "Seen": "state"}
# What is done is of no interest: every second change of an item.
FILTERS = """
    def handler(event, context):
        for record in event["Records"]:
            if record["dynamodb"]["NewImage"]["done"]["BOOL"]:
                continue
            for row in rows({"Records": [record]}):
                db.put_item(TableName=os.environ["One"], Item=row)
"""
MARKER_FIRST = FILTERS.replace(
    "db.put_item(",
    """
                seen = {"Item": {"id": row["id"]}, "ConditionExpression": "attribute_not_exists(id)"}
                if refused(TableName=os.environ["Seen"], **seen):
                    continue
                db.put_item(""",
)
FORGETS = """
    def handler(event, context):
        for row in list(rows(event))[:1]:
            db.put_item(TableName=os.environ["One"], Item=row)
"""
WORKLOAD = {"intents": 8, "items": 4}
BEFORE = {"crash": {"call": "effect", "when": "before", "nth": 1}}
SAID: dict[str, Any] = {"leaves_out": True}


def summaries(outcome: Any) -> list[str]:
    return [anomaly.summary for anomaly in outcome.anomalies]


@pytest.mark.parametrize("faults", [[], [BEFORE]], ids=["alone", "with a crash"])
def test_what_is_left_out_on_purpose_is_not_lost(faults: list[Any], tmp_path: Path) -> None:
    """The scenario says that the function leaves changes out, and the reference says which; the verdict counts them."""
    outcome = measure(tmp_path, FILTERS, ONE, workload=WORKLOAD, faults=faults, pipeline=SAID)
    assert (outcome.verdict, outcome.anomalies) == ("valid", ()), str(outcome)
    assert outcome.counts["left_out"] == 4
    assert "  left out      4 of 8 changes, as pipeline.leaves_out allows\n" in str(outcome)


@pytest.mark.parametrize("body", [FILTERS, FORGETS], ids=["filters", "forgets"])
def test_unless_that_is_said_it_is_lost_and_no_fault_is_named(body: str, tmp_path: Path) -> None:
    """To forget is nothing that a fault has done: it is so without it, and the verdict says of how many changes."""
    outcome = measure(tmp_path, body, ONE, workload=WORKLOAD, faults=[BEFORE])
    assert outcome.verdict == "invalid", str(outcome)
    assert {(anomaly.kind, anomaly.blame) for anomaly in outcome.anomalies} == {("lost", "function")}
    alike = [anomaly for anomaly in outcome.anomalies if anomaly.why.endswith(", and so it is without the faults")]
    assert not any("crash" in anomaly.why or "broke off" in anomaly.why for anomaly in outcome.anomalies)
    assert outcome.reasons[0].startswith(f"{len(alike)} of 8 intents (")
    assert outcome.reasons[0].endswith("on purpose, say so: pipeline.leaves_out: true")


def test_what_the_fault_takes_is_lost_all_the_same(tmp_path: Path) -> None:
    """The reference has its effect: the marker was written, and the crash came before the effect."""
    outcome = measure(tmp_path, MARKER_FIRST, ONE, workload=WORKLOAD, faults=[BEFORE], pipeline=SAID)
    assert summaries(outcome) == ["intent todo-0/1 was acknowledged and never applied at One"], str(outcome)
    assert outcome.counts["left_out"] == 4


def test_a_function_that_leaves_everything_out_shows_nothing(tmp_path: Path) -> None:
    """However much is said to be meant."""
    body = "def handler(event, context): pass\n"
    outcome = measure(tmp_path, body, ONE, workload=WORKLOAD, pipeline=SAID)
    assert (outcome.verdict, outcome.anomalies) == ("unknown", ())
    assert outcome.reasons == ("no effect landed at any sink: nothing was measured",)
