"""The calls that write items. Each call is checked as a whole, then judged, then applied: a refusal changes nothing.

prepared: what the request alone tells (expressions, values) -> placed: what its table tells (keys, indexes)
-> judged: the condition, and the item after the write -> applied: the tables change, and the changes are told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from harness.dynamodb import capacity, keys, legacy, requests, updates
from harness.dynamodb.capacity import Consumed
from harness.dynamodb.expressions import Condition, Placeholders
from harness.dynamodb.store import Primary, StoredTable
from harness.dynamodb.updates import Update
from harness.dynamodb.values import SEVERAL_TYPES, Body, Item, Rejected, check_size, checked_item, invalid

MAX_BATCH, MAX_TRANSACTION_BYTES = 25, 4 * 1024 * 1024
TOO_LARGE_UPDATE = "Item size to update has exceeded the maximum allowed size"
FAILED = "The conditional request failed"
ONE_ITEM = "Transaction request cannot include multiple operations on one item"
_EXPRESSIONS = {"Update": ("UpdateExpression", "ConditionExpression")}
_OLDER = {"Update": ("AttributeUpdates", "Expected", "ConditionalOperator")}
Told = Callable[[StoredTable, Item, Item | None, Item | None], None]  # of a change: table, key, before, after


@dataclass(frozen=True, slots=True)
class Write:
    """One write of one item. kind: Put, Update, Delete or ConditionCheck; `item`: the whole one of a Put, or a key.

    length: the bytes of `item`.
    """

    kind: str
    table: str
    item: Item
    length: int
    condition: Condition | None
    update: Update | None = None
    wants_failed: bool = False  # whether an error is to carry the item
    failure: tuple[str, str] = ("ConditionalCheckFailedException", FAILED)  # code and message


@dataclass(slots=True)
class Placed:
    """A write at its item, and what comes of it; `length`: the bytes of `after`."""

    write: Write
    table: StoredTable
    primary: Primary
    before: Item | None
    after: Item | None = None
    length: int = 0

    def judge(self) -> None:
        """Sets `after`. Raises Rejected where the condition fails, or the update does not fit the item."""
        write = self.write
        if write.condition is not None and not write.condition.holds(self.before):
            more: Body = {"Item": self.before} if write.wants_failed and self.before is not None else {}
            raise Rejected(*write.failure, **more)
        self.after = self.before
        if write.kind == "Delete":
            self.after = None
        elif write.kind == "Put":
            self.after, self.length = write.item, write.length
        elif write.update is not None and (self.before is not None or write.update.creates):
            self.after = write.update.apply(self.before or write.item)
            if any(len(path) > 1 for path in write.update.paths):
                checked_item(self.after)  # it may be too deep now
            keys.check_index_keys(self.table, self.after)
            self.length = check_size(self.after, TOO_LARGE_UPDATE)

    @property
    def key(self) -> Item:
        return {name: self.write.item[name] for name in self.table.key.names}

    def returned(self, wanted: str) -> Item:
        """The attributes that ReturnValues asks for; none where there are none."""
        image = self.before if wanted.endswith("OLD") else self.after
        if wanted == "NONE" or image is None:
            return {}
        if wanted.startswith("UPDATED"):
            return self.write.update.touched(image) if self.write.update else {}
        return image


def prepared(kind: str, call: Body, counted: bool = False) -> Write:
    """The write that a call describes. Raises Rejected for what is wrong with it whatever its table holds.

    counted: the call counts the violations of its request.
    """
    expressions = _EXPRESSIONS.get(kind, ("ConditionExpression",))
    requests.check_together(call, expressions, _OLDER.get(kind, ("Expected", "ConditionalOperator")))
    item = checked_item(call["Item" if kind == "Put" else "Key"])
    length = check_size(item)
    update = legacy.update_of(call["AttributeUpdates"]) if call.get("AttributeUpdates") is not None else None
    condition = legacy.joined(legacy.expected(call.get("Expected") or {}), call.get("ConditionalOperator"))
    if any(name in call for name in expressions):
        scope = Placeholders.of(call, counted)
        if "UpdateExpression" in call:
            update = updates.update_of(scope, call["UpdateExpression"])
        if "ConditionExpression" in call:
            condition = scope.condition("ConditionExpression", call["ConditionExpression"])
        scope.finish()
    if kind == "Update" and update is None:
        update = Update((), True, {}, {})
    wants = call.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
    return Write(kind, call["TableName"], item, length, condition, update, wants)


def placed(write: Write, table: StoredTable) -> Placed:
    """Raises Rejected for a key that the table does not have, and for an update of a key."""
    primary = keys.of_item(table, write.item) if write.kind == "Put" else keys.of_key(table, write.item)
    if write.update is not None:
        updates.check_keys(write.update, table.key.names)
        keys.check_index_keys(table, write.update.literal)
        keys.check_scalar(table.key, write.update.paths)
    if write.condition is not None:
        keys.check_scalar(table.key, write.condition.paths)
    return Placed(write, table, primary, table.items.get(primary))


class Writes:
    """`table` finds a table by its name; `told` is called for each item that a call wrote."""

    def __init__(self, table: Callable[[str], StoredTable], told: Told) -> None:
        self._table = table
        self._told = told
        self.operations: dict[str, Callable[[Body], Body]] = {
            "PutItem": partial(self._write, "Put"),
            "UpdateItem": partial(self._write, "Update"),
            "DeleteItem": partial(self._write, "Delete"),
            "BatchWriteItem": self._batch,
            "TransactWriteItems": self._transaction,
        }

    def _write(self, kind: str, body: Body) -> Body:
        returned = body.get("ReturnValues", "NONE")
        try:
            write = prepared(kind, body, counted=True)
            if kind != "Update" and returned not in ("NONE", "ALL_OLD"):
                raise invalid("ReturnValues can only be ALL_OLD or NONE")
        except Rejected as error:
            raise requests.counted(error) if error.counts else error from None
        done = self.carry_out(self.placed(write))
        attributes = done.returned(returned)
        answer: Body = {"Attributes": attributes} if attributes else {}
        if body.get("ReturnItemCollectionMetrics") == "SIZE" and _has_local(done.table):
            answer["ItemCollectionMetrics"] = _metrics(done)
        return {**answer, **capacity.reported(body, lambda: _consumed([done], 1)[0])}

    def placed(self, write: Write) -> Placed:
        return placed(write, self._table(write.table))

    def carry_out(self, done: Placed) -> Placed:
        """One write by itself. Raises Rejected before anything has changed."""
        done.judge()
        self.apply([done])
        return done

    def apply(self, writes: Sequence[Placed]) -> None:
        for done in writes:
            if done.after != done.before:
                done.table.write(done.primary, done.after, done.length)
        for done in writes:
            if done.write.kind != "ConditionCheck":
                self._told(done.table, done.key, done.before, done.after)

    def _batch(self, body: Body) -> Body:
        """Puts and deletes in the order of the request."""
        requested = requests.items_requested(body, "BatchWriteItem")
        writes = []
        for table, listed in requested.items():
            _check_batch(requested, table, listed)
            writes += [_batched(table, request) for request in listed]
        if len(writes) > MAX_BATCH:
            raise invalid("Too many items requested for the BatchWriteItem call")
        tables = {name: self._table(name) for name in requested}
        done = [placed(write, tables[write.table]) for write in writes]
        check_apart(done, "Provided list of item keys contains duplicates")
        for each in done:
            each.judge()
        self.apply(done)
        return {"UnprocessedItems": {}, **_reports(body, done, 1)}

    def _transaction(self, body: Body) -> Body:
        """All or nothing, one action for each item. No conflicts: every call takes place at one moment."""
        writes = []
        for number, action in enumerate(body["TransactItems"], 1):
            ((kind, call),) = _only(action).items()
            requests.check(call, requests.ACTIONS[kind], f"transactItems.{number}.member.{kind[0].lower()}{kind[1:]}.")
            writes.append(prepared(kind, call))
        return self.transact(writes, body)

    def transact(self, writes: Sequence[Write], body: Body) -> Body:
        """Carries all writes out, or raises Rejected with a reason for each."""
        tables = {write.table: self._table(write.table) for write in writes}
        done: list[Placed] = []
        for write in writes:
            try:
                done.append(placed(write, tables[write.table]))
            except keys.EmptyKey:
                raise
            except Rejected as error:
                raise cancelled_at(len(done), len(writes), error) from None
        check_apart(done)
        if sum(write.length for write in writes) > MAX_TRANSACTION_BYTES:
            raise invalid(f"Transaction request aggregate size cannot exceed {MAX_TRANSACTION_BYTES} bytes")
        reasons: list[Rejected | None] = []
        for each in done:
            try:
                each.judge()
            except Rejected as error:
                reasons.append(error)
            else:
                reasons.append(None)
        if any(reasons):
            raise cancelled(reasons)
        self.apply(done)
        return _reports(body, done, 2, "Write")


def cancelled(errors: Sequence[Rejected | None]) -> Rejected:
    """The error of a transaction that did not take place."""
    reasons = [{"Code": "None"} if error is None else error.reason for error in errors]
    codes = ", ".join(reason["Code"] for reason in reasons)
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    return Rejected("TransactionCanceledException", message, CancellationReasons=reasons)


def cancelled_at(number: int, count: int, error: Rejected) -> Rejected:
    """The same where the action of that number, from 0, of so many is wrong: only the first wrong one is told."""
    return cancelled([error if each == number else None for each in range(count)])


def _only(action: Body) -> Mapping[str, Any]:
    kinds = [kind for kind in ("ConditionCheck", "Put", "Update", "Delete") if action.get(kind) is not None]
    if not kinds:
        raise invalid("Invalid Request: TransactWriteRequest should contain Delete or Put or Update request")
    if len(kinds) > 1:
        raise invalid("TransactItems can only contain one of Check, Put, Update or Delete")
    return {kinds[0]: action[kinds[0]]}


def _check_batch(requested: Body, table: str, listed: Sequence[Body]) -> None:
    requests.check_one(table, "TableName", requests.TABLE)
    if not 1 <= len(listed) <= MAX_BATCH:
        limits = f"[Member must have length less than or equal to {MAX_BATCH}, Member must have length greater than"
        shown = ", ".join(f"{name}=[{', '.join(map(str, each))}]" for name, each in requested.items())
        raise invalid(
            f"1 validation error detected: Value '{{{shown}}}' at 'requestItems' failed to satisfy constraint: "
            f"Map value must satisfy constraint: {limits} or equal to 1]"
        )


def _batched(table: str, request: Body) -> Write:
    put, delete = request.get("PutRequest"), request.get("DeleteRequest")
    if (put is None) == (delete is None):
        raise invalid(SEVERAL_TYPES)
    kind, call = ("Put", put) if put is not None else ("Delete", delete or {})
    requests.check({**call, "TableName": table}, requests.ACTIONS[kind])
    return prepared(kind, {**call, "TableName": table})


def check_apart(items: Sequence[Any], problem: str = ONE_ITEM) -> None:
    """Raises Rejected for two parts of a call, each with table and primary, that are about one item."""
    if len({(each.table.name, each.primary) for each in items}) < len(items):
        raise invalid(problem)


def _consumed(done: Sequence[Placed], factor: float) -> list[Consumed]:
    by_table: dict[str, Consumed] = {}
    for each in done:
        consumed = by_table.setdefault(each.table.name, Consumed(each.table))
        for view, units in capacity.of_write(each.table, each.before, each.after, factor).items():
            consumed.add(view, units)
    return list(by_table.values())


def _reports(body: Body, done: Sequence[Placed], factor: float, kind: str = "") -> Body:
    """ConsumedCapacity and ItemCollectionMetrics of a call on several items."""
    reports = capacity.reported_each(body, lambda: _consumed(done, factor), kind)
    if body.get("ReturnItemCollectionMetrics") == "SIZE":
        metrics: dict[str, list[Body]] = {}
        for each in done:
            if _has_local(each.table):
                metrics.setdefault(each.table.name, []).append(_metrics(each))
        reports["ItemCollectionMetrics"] = metrics
    return reports


def _has_local(table: StoredTable) -> bool:
    return any(not view.is_global for view in table.indexes)


def _metrics(done: Placed) -> Body:
    partition = done.table.key.names[0]
    return {"ItemCollectionKey": {partition: done.key[partition]}, "SizeEstimateRangeGB": [0.0, 1.0]}
