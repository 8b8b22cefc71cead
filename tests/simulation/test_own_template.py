"""Templates that somebody else wrote, unchanged, with a scenario of ten lines each."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.jobs import jobs_of
from harness.run_folder import read_history
from harness.runner import run
from harness.workload import WRITERS

OWN = Path(__file__).parents[1] / "own_template"
SCENARIOS = sorted(OWN.glob("*/scenario.yaml"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.parent.name)
def test_a_foreign_template_ends_as_its_scenario_expects(path: Path, tmp_path: Path) -> None:
    """SAM, keys other than `id`, the user's own items and rows without any attribute of the harness: with ten seeds."""
    for job in jobs_of([path], seeds="0..9"):
        result = run(job, tmp_path)
        assert result.expectation_met, (result.seed, result.expectation_reason)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.parent.name)
def test_its_scenario_has_ten_lines(path: Path) -> None:
    """At most."""
    assert len(path.read_text("utf-8").splitlines()) <= 10


# The foreign function cannot do with a record of a deletion, which has no new image.
DELETE = {"put_then_delete", "expiring_put"}


@pytest.mark.parametrize("writer", sorted(set(WRITERS) - DELETE))
def test_every_writer_writes_items_of_other_keys(writer: str, tmp_path: Path) -> None:
    """Partition and sort key, and attributes of its own."""
    settings = {"workload.writer": writer, "workload.intents": "3", "faults": "[]"}
    (job,) = jobs_of([OWN / "readings" / "scenario.yaml"], settings, seeds=0)
    result = run(job, tmp_path)
    assert result.expectation_met, result.expectation_reason


def test_what_is_written_are_the_users_items(tmp_path: Path) -> None:
    """Each intent is the order's own number, at the writer, in the stream, at the function's call and in the sink."""
    (job,) = jobs_of([OWN / "orders" / "scenario.yaml"], seeds=0, variants=["calm"])
    history = read_history(Path(run(job, tmp_path).run_folder))
    intents = {f"A-100{number}" for number in range(1, 5)}
    for role, f in (("writer", "put"), ("observer", "record"), ("observer", "effect")):
        assert {o.value["intent"] for o in history if o.role == role and o.f == f} == intents
    calls = [o.value for o in history if o.role == "function" and o.f == "dynamodb.PutItem"]
    assert {intent for value in calls for intent in value["intents"]} == intents
    assert all(value["effect"] and len(value["intents"]) == 1 for value in calls)
