"""Writers that share items: what a repetition does to another writer's change, and who finds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pipelines import measure, write_pipeline
from play import found

from harness.api import run
from harness.errors import UserError

SHARED = {"intents": 12, "items": 3, "writers": 2, "share": True}
AT = {"process": "writer/0", "call": "dynamodb.*", "intent": "todo-0/1"}
# The writer's repetition comes when the other writer is done.
FAULTS: list[Any] = [{"lose_reply": {**AT, "nth": 1}}, {"delay": {**AT, "nth": 2, "seconds": 1}}]
REMEMBERS_INTENTS = """
    def handler(event, context):
        for row in rows(event):
            new = {"ConditionExpression": "attribute_not_exists(id)"}
            if not refused(TableName=os.environ["Seen"], Item={"id": row["intent"]}, **new):
                db.put_item(TableName=os.environ["View"], Item={"id": row["item"], "intent": row["intent"]})
"""


@pytest.mark.parametrize("share", [True, False])
def test_a_state_that_comes_back_is_shown_by_sharing(share: bool, tmp_path: Path) -> None:
    """A, B, A: a view that remembers what it has seen stays at B. With one writer for each item nothing comes back."""
    workload = {**SHARED, "intents": 6, "share": share}
    sinks = {"View": "view", "Seen": "state"}
    outcome = measure(tmp_path, REMEMBERS_INTENTS, sinks, workload=workload, faults=FAULTS)
    assert found(outcome) == ({("wrong_final_state", "function")} if share else set()), str(outcome)
    if share:
        assert "todo-0/1 was written again after todo-0/2, and" in outcome.anomalies[0].why


@pytest.mark.parametrize(
    "workload, view_type, sentence",
    [
        ({}, "KEYS_ONLY", "a stream of KEYS_ONLY does not say whose change of a shared item came first"),
        ({"writers": 1}, "NEW_IMAGE", "one writer has nobody to share items with"),
        ({"items": 12}, "NEW_IMAGE", "each of 12 items is changed once, by one writer"),
    ],
)
def test_where_nothing_can_be_shared_it_is_refused(
    workload: dict[str, Any], view_type: str, sentence: str, tmp_path: Path
) -> None:
    """With the field."""
    sinks = {"View": "view", "Seen": "state"}
    template = write_pipeline(tmp_path, REMEMBERS_INTENTS, sinks, view_type=view_type)
    values = {
        "scenario": "refused",
        "question": "Does it?",
        "pipeline": {"template": str(template)},
        "workload": {"writer": "put", **SHARED, **workload},
        "expect": "valid",
    }
    with pytest.raises(UserError, match=rf"workload\.share: {sentence}"):
        run(values, tmp_path / "runs")
