"""Each writer pattern under a repeated request, a repeated call and a late copy: what it promises, and what not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from play import LEDGER, TEMPLATE, document, fired, found, handler_file, operations, play

from harness.errors import UserError
from harness.history import INFO, INVOKE, OK
from harness.jobs import prepare
from harness.platforms.target import Target
from harness.scenario.load import load_values
from harness.workload import WRITERS

NAIVE = LEDGER / "naive.py"
CALLS = {
    "batch_put": "BatchWriteItem",
    "blind_batch_put": "BatchWriteItem",
    "blind_transact_add": "TransactWriteItems",
    "transact_add": "TransactWriteItems",
    "update_add": "UpdateItem",
    "update_set": "UpdateItem",
}
TWICE = {("duplicated", "writer")}
COUNTED_TWICE = {("duplicated", "writer"), ("wrong_final_state", "writer")}
OVERWRITTEN = {("duplicated", "writer"), ("wrong_final_state", "writer")}
SEES_WHO = """
from effects import append, changes

def handler(event, context):
    for record in event["Records"]:
        print(record["eventName"], record.get("userIdentity"))
    for record in changes(event):
        append(record, effect=record["eventID"])
"""
NONE: set[tuple[str, str]] = set()

# What the naive handler shows of each: after a lost reply, a second call, a second call with another note, and a second
# call that arrives after the next change of the item.
SHOWN: dict[str, tuple[set[tuple[str, str]], ...]] = {
    "batch_put": (NONE, NONE, TWICE, OVERWRITTEN),
    "blind_batch_put": (NONE, NONE, TWICE, OVERWRITTEN),
    "blind_create": ({("phantom", "writer"), ("wrong_final_state", "writer")}, NONE, NONE, NONE),
    "blind_transact_add": (NONE, COUNTED_TWICE, COUNTED_TWICE, COUNTED_TWICE),
    "blind_versioned_put": (TWICE, TWICE, TWICE, OVERWRITTEN),
    "create_once": (NONE, NONE, NONE, NONE),
    "expiring_put": (NONE, NONE, TWICE, TWICE),
    "put": (NONE, NONE, TWICE, OVERWRITTEN),
    "put_then_delete": (NONE, TWICE, TWICE, TWICE),
    "stamped_put": (NONE, TWICE, TWICE, OVERWRITTEN),
    "transact_add": (NONE, NONE, NONE, NONE),
    "update_add": (COUNTED_TWICE, COUNTED_TWICE, COUNTED_TWICE, COUNTED_TWICE),
    "update_set": (NONE, NONE, TWICE, OVERWRITTEN),
    "versioned_put": (NONE, NONE, NONE, NONE),
}


def repetitions(writer: str) -> list[list[dict[str, Any]]]:
    call = f"dynamodb.{CALLS.get(writer, 'PutItem')}"
    late = {"process": "writer/1", "call": call, "seconds": 20}
    return [
        [{"lose_reply": {"process": "writer", "call": call, "nth": 1}}],
        [{"duplicate_put": {"nth": 1}}],
        [{"duplicate_put": {"nth": 1, "changed": True}}],
        [{"duplicate_put": {"intent": "todo-0/1", "concurrently": True}}, {"delay": late}],
    ]


def test_every_writer_is_in_the_table() -> None:
    """None is without a row that says what it does under repetition."""
    assert set(SHOWN) == set(WRITERS)


@pytest.mark.parametrize("writer", SHOWN)
def test_a_writer_shows_what_it_promises_under_repetition(writer: str, tmp_path: Path) -> None:
    """Four ways to repeat a change, to a handler that hides nothing: the anomalies are those of the table, no others,
    and the writer is to blame."""
    workload = {"writer": writer, "intents": 4, "items": 2, "writers": 1}
    for faults, expected in zip(repetitions(writer), SHOWN[writer], strict=True):
        outcome = play(tmp_path, NAIVE, faults, workload=workload)
        assert found(outcome) == expected, outcome
        assert all(fired(outcome))


@pytest.mark.parametrize("writer", [writer for writer in SHOWN if not writer.startswith("blind")])
def test_without_a_fault_every_right_writer_is_valid_with_every_kind_of_sink(writer: str, tmp_path: Path) -> None:
    """An effect for each change, the latest state of each item, and rows that outlive their items."""
    for handler in ("naive", "projection", "versioned_projection"):
        outcome = play(tmp_path, LEDGER / f"{handler}.py", workload={"writer": writer})
        assert outcome.verdict == "valid", outcome


def test_a_token_of_the_intent_is_forgotten_after_ten_minutes(tmp_path: Path) -> None:
    """A copy that arrives eleven minutes later counts again (S-16): for so long its SDK finds no connection (S-24)."""
    late = {"process": "writer/1", "call": "dynamodb.TransactWriteItems", "seconds": 61, "times": 11}
    faults = [{"duplicate_put": {"intent": "todo-0/1", "concurrently": True}}, {"delay": late}]
    workload = {"writer": "transact_add", "intents": 2, "items": 1, "writers": 1, "sdk": {"max_attempts": 15}}
    outcome = play(tmp_path, NAIVE, faults, workload=workload)
    assert found(outcome) == COUNTED_TWICE, outcome


def test_a_right_handler_does_not_mend_a_count_in_the_source(tmp_path: Path) -> None:
    """One effect for the intent, and yet the item counts it twice: the finding names the repeated call (S-13)."""
    lost = {"lose_reply": {"process": "writer", "call": "dynamodb.UpdateItem", "intent": "todo-0/1", "nth": 1}}
    workload = {"writer": "update_add", "intents": 2, "items": 1, "writers": 1}
    outcome = play(tmp_path, faults=[lost], workload=workload)
    (anomaly,) = outcome.anomalies
    assert (anomaly.kind, anomaly.blame) == ("wrong_final_state", "writer")
    assert anomaly.summary == "item todo-0 counts 3 changes; 2 were acknowledged"
    assert anomaly.why == "todo-0/1 was sent twice, and each time it was added (S-13)"


@pytest.mark.parametrize("position, written", [(0, 0), (0.5, 2), (1, 3)])
def test_what_a_batch_leaves_is_sent_again(position: float, written: int, tmp_path: Path) -> None:
    """The first writes are in the stream at once, the others after another call, and each has one effect (S-23)."""
    leave = {"leave_unprocessed": {"position": position, "nth": 1}}
    outcome = play(tmp_path, NAIVE, [leave], workload={"writer": "batch_put", "intents": 4, "items": 4, "writers": 1})
    calls = operations(outcome, "dynamodb.BatchWriteItem", OK)
    intents = [f"todo-{item}/1" for item in range(4)]
    assert [call.value["intents"] for call in calls] == [intents, intents[written:]]
    assert [call.value.get("unprocessed") for call in calls] == [intents[written:], None]
    assert (outcome.verdict, outcome.counts["records"]) == ("valid", 4), outcome


def test_what_a_batch_leaves_and_nobody_sends_again_is_lost(tmp_path: Path) -> None:
    """The answer was a success, and named what it had left: whoever looks at the status alone loses that (S-23)."""
    workload = {"writer": "blind_batch_put", "intents": 4, "items": 4, "writers": 1}
    outcome = play(tmp_path, NAIVE, [{"leave_unprocessed": {"nth": 1}}], workload=workload)
    assert found(outcome) == {("lost", "writer"), ("wrong_final_state", "writer")}
    assert outcome.counts["lost"] == 2
    assert all("unprocessed" in anomaly.why for anomaly in outcome.anomalies)


def test_what_is_left_for_ever_is_known_by_nobody(tmp_path: Path) -> None:
    """A batch that AWS never takes is given up in the end: unknown to its writer, and neither lost nor a phantom."""
    leave = {"leave_unprocessed": {"intent": "todo-3/1"}}
    workload = {"writer": "batch_put", "intents": 4, "items": 4, "writers": 1}
    outcome = play(tmp_path, NAIVE, [leave], workload=workload)
    told = {op.value["intent"]: op.type for op in operations(outcome, "batch_put", OK, INFO)}
    assert told == {"todo-0/1": OK, "todo-1/1": OK, "todo-2/1": OK, "todo-3/1": INFO}
    assert outcome.verdict == "valid", outcome


def test_a_batch_never_holds_an_item_twice(tmp_path: Path) -> None:
    """AWS refuses such a batch: two changes of one item are in two calls, in their order."""
    outcome = play(tmp_path, NAIVE, workload={"writer": "batch_put", "intents": 4, "items": 2, "writers": 1})
    calls = operations(outcome, "dynamodb.BatchWriteItem", INVOKE)
    assert [call.value["intents"] for call in calls] == [["todo-0/1", "todo-1/1"], ["todo-0/2", "todo-1/2"]]


def test_a_removal_shows_what_was_there(tmp_path: Path) -> None:
    """An INSERT and a REMOVE, both with the intent; a handler that looks at new images has one effect of the two."""
    outcome = play(tmp_path, NAIVE, workload={"writer": "put_then_delete", "intents": 1, "items": 1, "writers": 1})
    records = [(op.value["event_name"], op.value["intent"]) for op in operations(outcome, "record")]
    assert records == [("INSERT", "todo-0/1"), ("REMOVE", "todo-0/1")]
    assert (outcome.verdict, outcome.counts["effects"]) == ("valid", 1)


def test_a_delete_that_was_refused_leaves_half_of_a_change(tmp_path: Path) -> None:
    """The item was put, and is still there: nobody knows, so neither its effect nor the item is an anomaly."""
    refuse = {"refuse": {"process": "writer", "call": "dynamodb.DeleteItem", "nth": 1}}
    workload = {"writer": "put_then_delete", "intents": 2, "items": 2, "writers": 1, "sdk": {"max_attempts": 1}}
    outcome = play(tmp_path, NAIVE, [refuse], workload=workload)
    assert [op.type for op in operations(outcome, "put_then_delete", OK, INFO)] == [INFO, OK]
    assert outcome.verdict == "valid", outcome


def test_what_expires_is_removed_by_the_service(tmp_path: Path) -> None:
    """A minute after it was put, and up to an hour late; the function sees who did it, and has one effect (S-52)."""
    handler = handler_file(tmp_path / "code", SEES_WHO)
    (handler.parent / "effects.py").write_text((LEDGER / "effects.py").read_text())
    outcome = play(tmp_path, handler, workload={"writer": "expiring_put", "intents": 1, "items": 1, "writers": 1})
    put, removed = operations(outcome, "execute", INVOKE)
    assert 60_000_000 <= removed.time - put.time + 2_000_000 <= 3_662_000_000
    log = (Path(outcome.result.run_folder) / "function.log").read_text()
    assert "INSERT None" in log
    assert "REMOVE {'principalId': 'dynamodb.amazonaws.com', 'type': 'Service'}" in log
    assert outcome.verdict == "valid", outcome


def test_an_item_that_is_written_again_lives_longer(tmp_path: Path) -> None:
    """Only the end that it has at last counts: two changes, and one REMOVE."""
    workload = {"writer": "expiring_put", "intents": 2, "items": 1, "writers": 1}
    late = {"delay": {"process": "writer", "call": "operation", "intent": "todo-0/2", "seconds": 30}}
    outcome = play(tmp_path, NAIVE, [late], workload=workload)
    assert [op.value["event_name"] for op in operations(outcome, "record")] == ["INSERT", "MODIFY", "REMOVE"]
    assert outcome.verdict == "valid", outcome


def test_expiry_is_refused_where_nobody_can_wait_for_it(tmp_path: Path) -> None:
    """AWS may take days, LocalStack does nothing by itself, and a table without a time to live never does."""
    variant = load_values(document(workload={"writer": "expiring_put"}), {}).variants[0]
    with pytest.raises(UserError, match="may take days"):
        prepare(variant, 0, Target("localstack", "http://127.0.0.1:4566"))
    plain = tmp_path / "template.yaml"
    plain.write_text(
        TEMPLATE.read_text().replace(
            "TimeToLiveSpecification: {Enabled: true", "TimeToLiveSpecification: {Enabled: false"
        )
    )
    with pytest.raises(UserError, match="has no TimeToLiveSpecification"):
        play(tmp_path, NAIVE, workload={"writer": "expiring_put"}, pipeline={"template": str(plain)})


def test_an_insert_that_comes_again_after_the_removal_brings_an_item_back(tmp_path: Path) -> None:
    """In a view that takes whatever it is handed; not in one that keeps the number of the last change (P-01, P-05)."""
    late = {"redeliver": {"seconds": 5, "intent": "todo-0/1", "nth": 1}}
    more: dict[str, Any] = {
        "workload": {"writer": "put_then_delete", "intents": 1, "items": 1, "writers": 1},
        "mapping": {"batch_size": 1},
    }
    outcome = play(tmp_path, LEDGER / "projection.py", [late], **more)
    assert found(outcome) == {("wrong_final_state", "function")}, outcome
    right = play(tmp_path, LEDGER / "versioned_projection.py", [late], **more)
    assert (right.verdict, fired(right)) == ("valid", [1]), right


def test_nothing_passes_because_every_item_is_gone(tmp_path: Path) -> None:
    """A handler that does nothing has lost every intent, although no item is left that could be compared."""
    idle = handler_file(tmp_path / "code", "def handler(event, context): ...\n")
    outcome = play(tmp_path, idle, workload={"writer": "put_then_delete"})
    assert found(outcome) == {("lost", "function")}
    assert outcome.counts["lost"] == 10
