"""What is done to the function or its mapping from outside, on the embedded platform: as AWS documents it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from play import LEDGER, fired, found, operations, play

from harness.api import RunOutcome
from harness.errors import UserError
from harness.history import FAIL, INFO, INVOKE, OK

NAIVE = LEDGER / "naive.py"
SLOWLY = {"delay": {"process": "writer", "call": "operation", "seconds": 1}}
ONE_WRITER = {"workload": {"writers": 1}}
HANGS_ON = {"delay": {"process": "function", "call": "acknowledge", "nth": 1, "seconds": 2}}


def spans(outcome: RunOutcome, what: str) -> list[str]:
    return [op.type for op in operations(outcome, what, role="platform")]


def delivered(outcome: RunOutcome) -> list[str]:
    return [intent for op in operations(outcome, "deliver", OK) for intent in op.value["intents"]]


def test_a_mapping_that_is_made_anew_begins_at_its_starting_position(tmp_path: Path) -> None:
    """TRIM_HORIZON: what was delivered before comes again (S-86), and the finding names the fault."""
    outcome = play(tmp_path, NAIVE, [SLOWLY, {"recreate_mapping": {"nth": 6, "seconds": 1}}], **ONE_WRITER)
    assert spans(outcome, "recreate_mapping") == [INVOKE, OK]
    assert found(outcome) == {("duplicated", "function")}
    assert len(outcome.anomalies) == 5
    assert all("(recreate_mapping, #" in anomaly.why for anomaly in outcome.anomalies)


def test_at_latest_a_mapping_that_is_made_anew_misses_what_came_between(tmp_path: Path) -> None:
    """Those records were never delivered, and the mapping is to blame (S-87)."""
    faults = [SLOWLY, {"recreate_mapping": {"nth": 8, "seconds": 3}}]
    outcome = play(tmp_path, NAIVE, faults, mapping={"starting_position": "LATEST"}, workload={"intents": 20})
    lost = [anomaly for anomaly in outcome.anomalies if anomaly.kind == "lost"]
    assert lost
    assert {anomaly.blame for anomaly in lost} == {"mapping"}
    assert any("(recreate_mapping, #" in anomaly.why for anomaly in lost)


def test_a_mapping_that_was_disabled_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Nothing comes twice, nothing is missed, and nothing is handed over meanwhile (S-88)."""
    outcome = play(tmp_path, NAIVE, [SLOWLY, {"disable_mapping": {"nth": 4, "seconds": 3}}], **ONE_WRITER)
    off, on = operations(outcome, "disable_mapping", role="platform")
    begun = [op.time for op in operations(outcome, "deliver", INVOKE)]
    assert outcome.verdict == "valid", outcome
    assert [time for time in begun if off.time < time < on.time] == []
    assert [time for time in begun if time > on.time]
    assert len(delivered(outcome)) == len(set(delivered(outcome)))


def test_what_is_never_put_right_within_its_time_is_put_right_when_faults_heal(tmp_path: Path) -> None:
    """Disabled for a day, enabled at the end of drive: the rest is delivered then. What a day does was not tried."""
    outcome = play(tmp_path, NAIVE, [{"disable_mapping": {"nth": 4, "seconds": 86_400}}], limits={"drive": "1m"})
    assert spans(outcome, "disable_mapping") == [INVOKE, OK]
    assert outcome.counts["effects"] == outcome.counts["acknowledged"], outcome
    (reason,) = outcome.reasons
    assert outcome.verdict == "unknown"
    assert re.fullmatch(
        r"disable_mapping was to last 86400 s, and ended with the drive phase after 59\.\d+ s: "
        r"limits\.drive must be longer",
        reason,
    )


def test_throttles_use_no_retry(tmp_path: Path) -> None:
    """A function that may not run for a while gets every record later, although no retry is allowed (S-68, S-117)."""
    faults = [{"throttle_function": {"nth": 2, "seconds": 30}}]
    outcome = play(tmp_path, NAIVE, faults, mapping={"maximum_retry_attempts": 0}, **ONE_WRITER)
    refused = operations(outcome, "deliver", FAIL)
    assert outcome.verdict == "valid", outcome
    assert {op.value["outcome"] for op in refused} == {"not_started"}


@pytest.mark.parametrize(
    "handler, anomalies", [("naive", {("duplicated", "function")}), ("transactional", set())], ids=str
)
def test_a_function_that_is_killed_has_its_batch_again(handler: str, anomalies: Any, tmp_path: Path) -> None:
    """Its effects stay, its answer never comes; the execution is named, and the next one begins cold."""
    faults = [HANGS_ON, {"kill_function": {"nth": 2}}]
    outcome = play(tmp_path, LEDGER / f"{handler}.py", faults)
    (killed,) = operations(outcome, "execute", INFO)
    _, done = operations(outcome, "kill_function", role="platform")
    later = [op for op in operations(outcome, "execute", INVOKE) if op.index > killed.index]
    assert (done.type, done.value["process"]) == (OK, killed.process)
    assert later[0].value["cold"]
    assert set(killed.value["intents"]) <= {intent for op in later for intent in op.value["intents"]}
    assert found(outcome) == anomalies


def test_it_can_be_killed_before_it_has_applied_anything(tmp_path: Path) -> None:
    """`once: started`: even the naive handler survives that."""
    before = {"delay": {"process": "function", "call": "handle", "nth": 1, "seconds": 2}}
    outcome = play(tmp_path, NAIVE, [before, {"kill_function": {"nth": 2, "once": "started"}}])
    assert fired(outcome) == [1, 1]
    assert outcome.verdict == "valid", outcome


def test_what_cannot_be_done_leaves_the_verdict_unknown(tmp_path: Path) -> None:
    """No execution is ever under way for a writer that waits for one before its first write."""
    outcome = play(tmp_path, NAIVE, [{"kill_function": {"nth": 1}}], **ONE_WRITER)
    assert spans(outcome, "kill_function") == [INVOKE, FAIL]
    assert outcome.verdict == "unknown"
    assert any("kill_function failed: " in reason for reason in outcome.reasons)


def test_outages_of_the_platform_are_refused_here(tmp_path: Path) -> None:
    """The reason says where they can be had."""
    with pytest.raises(UserError, match="this very process; run it on a LocalStack"):
        play(tmp_path, NAIVE, ["restart_platform"])


def test_at_the_end_of_drive_a_second_disruption_is_healed_too(tmp_path: Path) -> None:
    """Several at a time are put right, the last first."""
    faults = [{"disable_mapping": {"nth": 2, "seconds": 900}}, {"throttle_function": {"nth": 3, "seconds": 900}}]
    outcome = play(tmp_path, NAIVE, faults, limits={"drive": "1m"})
    ended = [op.f for op in outcome.history if op.role == "platform" and op.type == OK]
    assert ended == ["throttle_function", "disable_mapping"]
    assert [reason.partition(" was to last 900 s")[0] for reason in outcome.reasons] == [*reversed(ended)]
    assert outcome.counts["effects"] == outcome.counts["acknowledged"], outcome
