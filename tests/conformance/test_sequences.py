"""Any sequence of writes, on both platforms at once: the same answers, items and records."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError
from database import Database, Table, embedded, item, local
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.dynamodb.values import checked_item as canonical_item

IDS = st.sampled_from(["a", "b", "c"])
VALUES = st.sampled_from(
    [
        {"N": "1"},
        {"N": "1.0"},
        {"N": "-2.50"},
        {"S": "x"},
        {"SS": ["x", "y"]},
        {"SS": ["y", "x"]},
        {"L": [{"N": "1"}, {"N": "2"}]},
        {"L": [{"N": "2"}, {"N": "1"}]},
        {"M": {"k": {"N": "1"}}},
        {"BOOL": True},
        {"NULL": True},
    ]
)
CONDITIONS = st.sampled_from(
    [
        None,
        "attribute_not_exists(id)",
        "attribute_exists(id)",
        "attribute_exists(v)",
        "attribute_type(v, :n)",
        "attribute_not_exists(v) OR w = :one",
        "NOT (w > :one AND attribute_exists(id))",
    ]
)
UPDATES = st.sampled_from(
    [
        "SET v = :v",
        "SET v = :v, w = v",
        "SET w = if_not_exists(w, :one) + :one",
        "SET w = w - :one REMOVE v",
        "ADD w :one",
        "ADD w :one, u :set",
        "SET twin = v",
        "REMOVE v",
        "DELETE v :set",
        "SET v.k = :v",
        "SET v[0] = :v",
        "SET w = list_append(v, v)",
    ]
)
PLACEHOLDERS = {":one": {"N": "1"}, ":n": {"S": "N"}, ":set": {"SS": ["x"]}}
PUTS = st.tuples(st.just("Put"), IDS, VALUES, CONDITIONS)
DELETES = st.tuples(st.just("Delete"), IDS, VALUES, CONDITIONS)
UPDATED = st.tuples(st.just("Update"), IDS, VALUES, CONDITIONS, UPDATES)
CHECKS = st.tuples(st.just("ConditionCheck"), IDS, VALUES, CONDITIONS.filter(bool))
WRITES = st.one_of(PUTS, DELETES, UPDATED)
TRANSACTIONS = st.lists(st.one_of(WRITES, CHECKS), min_size=1, max_size=3, unique_by=lambda action: action[1])
STEPS = st.lists(st.one_of(WRITES, TRANSACTIONS), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_sequence_of_writes(local_endpoint: str, steps: list[Any]) -> None:
    """S-01 to S-37, S-54: answer by answer, item by item, record by record."""
    mine, theirs = (_play(database.table(), steps) for database in _databases(local_endpoint))
    for ours, official in zip(mine, theirs, strict=True):
        assert ours == official


def _databases(endpoint: str) -> tuple[Database, Database]:
    if endpoint not in _cached:
        _cached[endpoint] = (embedded(), local(endpoint))
    return _cached[endpoint]


_cached: dict[str, tuple[Database, Database]] = {}


def _play(table: Table, steps: list[Any]) -> list[Any]:
    answers = [_answer(table, step) for step in steps]
    return [*answers, table.scan(), [_essence(record) for record in table.records()]]


def _answer(table: Table, step: Any) -> Any:
    writes = table.database.writes
    try:
        if isinstance(step, list):
            writes.transact_write_items(TransactItems=[{kind: _call(table, kind, *rest)} for kind, *rest in step])
            return "ok"
        kind, *rest = step
        returned = "ALL_NEW" if kind == "Update" else "ALL_OLD"
        write = getattr(writes, f"{kind.lower()}_item")
        return canonical_item(write(**_call(table, kind, *rest), ReturnValues=returned).get("Attributes", {}))
    except ClientError as error:
        reasons = [(reason["Code"], reason.get("Item")) for reason in error.response.get("CancellationReasons", [])]
        if any(code == "ValidationError" for code, _ in reasons):  # DynamoDB Local refuses the whole (differences)
            return "ValidationException", [], None
        answer = error.response["Error"]["Code"], reasons
        return *answer, error.response.get("Item")


def _call(table: Table, kind: str, id: str, value: Any, condition: str | None, update: str = "") -> dict[str, Any]:
    call: dict[str, Any] = {"TableName": table.name, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    call |= {"Item": item(id, {"v": value})} if kind == "Put" else {"Key": item(id)}
    if update.startswith(("REMOVE", "DELETE")):  # DynamoDB Local makes an item (differences)
        condition = f"attribute_exists(id) AND ({condition})" if condition else "attribute_exists(id)"
    if condition:
        call["ConditionExpression"] = condition
    if update:
        call["UpdateExpression"] = update
    text = f"{condition} {update}"
    used = {
        name: given for name, given in {**PLACEHOLDERS, **canonical_item({":v": value})}.items() if name in _words(text)
    }
    return {**call, "ExpressionAttributeValues": used} if used else call


def _words(text: str) -> list[str]:
    return text.replace(",", " ").replace(")", " ").split()


def _essence(record: Any) -> Any:
    change = record["dynamodb"]
    return [record["eventName"], *(change.get(part) for part in ("Keys", "OldImage", "NewImage", "SizeBytes"))]
