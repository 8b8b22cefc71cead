"""The embedded DynamoDB: each call takes place at one moment of the run's time, and its changes go to the stream.

`items` lists what is corrected against moto. Here: which items a call touches, the images before and after it, the
records that follow from them (S-30 to S-38, S-54), idempotency tokens (S-15 to S-20), and the capacity that a write
reports, which has no limit.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from traceback import walk_tb
from typing import TypeVar

from moto.core.exceptions import JsonRESTError
from moto.dynamodb.exceptions import (
    ConditionalCheckFailed,
    MockValidationException,
    MultipleTransactionsException,
    TransactionCanceledException,
    TransactWriteSingleOpException,
)

from harness.errors import NotImitated
from harness.faults.seed import Seed
from harness.history import MICROSECONDS
from harness.platforms.base import CONTENT_TYPE, Reply, Request
from harness.platforms.embedded.services.expressions import Body, updated_paths
from harness.platforms.embedded.services.items import ItemStorage, Touch
from harness.platforms.embedded.services.partiql import PartiQL
from harness.platforms.embedded.services.streams import Streams
from harness.platforms.embedded.services.tables import Expiry, Later, Tables
from harness.platforms.embedded.services.values import InvalidValue, Item, canonical

TOKEN_MICROSECONDS = 10 * 60 * MICROSECONDS  # how long a token is remembered after the transaction (S-16)
MAX_BATCH_WRITES = 25
MAX_TRANSACTION_ITEMS = 100
LEGACY = (
    "AttributesToGet",
    "AttributeUpdates",
    "ConditionalOperator",
    "Expected",
    "KeyConditions",
    "QueryFilter",
    "ScanFilter",
)
Result = TypeVar("Result")
RETURN_VALUES = {
    "PutItem": ("NONE", "ALL_OLD"),
    "DeleteItem": ("NONE", "ALL_OLD"),
    "UpdateItem": ("NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"),
}


@dataclass(frozen=True, slots=True)
class _Transaction:
    """A transaction that succeeded, under its ClientRequestToken."""

    fingerprint: str
    time: int
    reply: Reply


def _is_of_moto(error: Exception) -> bool:
    """Whether moto's code raised it, or what that calls, and not ours."""
    names = [frame.f_globals.get("__name__", "").partition(".")[0] for frame, _ in walk_tb(error.__traceback__)]
    parties = [name for name in names if name in ("moto", "harness")]
    return bool(parties) and parties[-1] == "moto"


class DynamoDB:
    """`now` is in microseconds since the Unix epoch. Each instance has tables of its own.

    `later` calls a function at a later time. Without it no item can expire, and a time to live is refused.
    """

    def __init__(self, now: Callable[[], int], seed: Seed, streams: Streams, later: Later | None = None) -> None:
        self._storage = ItemStorage()
        self._streams = streams
        self._expiry = Expiry(self._storage, streams, seed, now, later) if later else None
        self._tables = Tables(self._storage, streams, seed, now, self._expiry)
        self._partiql = PartiQL(self._storage)
        self._now = now
        self._transactions: dict[str, _Transaction] = {}  # by token
        self._operations: dict[str, Callable[[Body], Body]] = {
            **self._tables.operations,
            "GetItem": lambda body: self._read("get_item", body),
            "Query": lambda body: self._read("query", body),
            "Scan": lambda body: self._read("scan", body),
            "BatchGetItem": self._batch_get_item,
            "TransactGetItems": self._transact_get_items,
            "PutItem": lambda body: self._write_item("PutItem", "Put", body),
            "UpdateItem": lambda body: self._write_item("UpdateItem", "Update", body),
            "DeleteItem": lambda body: self._write_item("DeleteItem", "Delete", body),
            "BatchWriteItem": self._batch_write_item,
            "TransactWriteItems": self._transact_write_items,
            "ExecuteStatement": lambda body: self._execute(self._partiql.execute_statement, body),
            "BatchExecuteStatement": lambda body: self._execute(self._partiql.batch_execute_statement, body),
            "ExecuteTransaction": lambda body: self._execute(self._partiql.execute_transaction, body),
        }

    def handle(self, request: Request) -> Reply:
        """Raises NotImitated for an operation or a parameter that is not imitated, and for what moto cannot do."""
        request.check_imitated(self._operations)
        operation = self._operations[request.operation]
        try:
            body = json.loads(request.body, object_hook=canonical)
            legacy = [name for name in LEGACY if name in body]
            if legacy:
                raise NotImitated(f"dynamodb.{request.operation} with {legacy[0]}: use the expression parameters")
            if "ClientRequestToken" in body:
                return self._once(request, body["ClientRequestToken"], lambda: operation(body))
            return _reply(operation(body))
        except JsonRESTError as error:
            return _refusal(error)
        except InvalidValue as error:
            return Reply.error("ValidationException", str(error))
        except (
            ArithmeticError,
            AssertionError,
            AttributeError,
            LookupError,
            NotImplementedError,
            TypeError,
            ValueError,
        ) as error:
            if not _is_of_moto(error):
                raise  # a mistake of the harness
            raise NotImitated(f"dynamodb.{request.operation}: moto cannot carry it out: {error!r}") from error

    def _once(self, request: Request, token: str, operation: Callable[[], Body]) -> Reply:
        """Carries a transaction out unless one with this token succeeded in the last ten minutes.

        A cancelled or refused transaction leaves its token free (S-20). Values are compared as they are spelled, and
        members in any order (S-18).
        """
        parameters = json.loads(request.body)
        parameters.pop("ReturnConsumedCapacity", None)
        fingerprint = json.dumps([request.operation, parameters], sort_keys=True)
        earlier = self._transactions.get(token)
        if earlier is None or earlier.time <= self._now() - TOKEN_MICROSECONDS:
            reply = _reply(operation())
            self._transactions[token] = _Transaction(fingerprint, self._now(), reply)
            return reply
        if earlier.fingerprint != fingerprint:
            text = "The token was used with other parameters in the last ten minutes"
            return Reply.error("IdempotentParameterMismatchException", text)
        return earlier.reply

    def _read(self, action: str, body: Body) -> Body:
        if action == "get_item":
            self._storage.key(body["TableName"], body["Key"], whole=True)
        result = self._storage.run(action, body)
        if "ProjectionExpression" in body or "IndexName" in body:  # moto's projections respell numbers and sets
            return _respelled(result)
        return result

    def _batch_get_item(self, body: Body) -> Body:
        for name, request in body["RequestItems"].items():
            for key in request["Keys"]:
                self._storage.key(name, key, whole=True)
        return _respelled(self._storage.run("batch_get_item", body))

    def _transact_get_items(self, body: Body) -> Body:
        gets = [item["Get"] for item in body["TransactItems"]]
        if len(gets) > MAX_TRANSACTION_ITEMS:
            raise MockValidationException(f"Member must have length less than or equal to {MAX_TRANSACTION_ITEMS}")
        return {"Responses": [self._read("get_item", get) for get in gets]}

    def _write_item(self, operation: str, kind: str, body: Body) -> Body:
        returned = body.get("ReturnValues", "NONE")
        if returned not in RETURN_VALUES[operation]:
            raise MockValidationException("Return values set to invalid value")
        touch = self._touch(kind, body)
        self._write([touch], lambda: self._apply(kind, body, touch))
        reply = _consumed_capacity(body, [touch], 1)
        if returned == "NONE":
            return reply
        image = touch.before if returned.endswith("OLD") else self._storage.image(touch.table, touch.key)
        attributes = image or {}
        if returned.startswith("UPDATED"):
            updated = [str(path[0]) for path in updated_paths(body)]
            attributes = {name: attributes[name] for name in updated if name in attributes}
        return {**reply, "Attributes": attributes} if attributes else reply

    def _batch_write_item(self, body: Body) -> Body:
        """Puts and deletes in request order; all are checked before the first is applied."""
        writes = []
        for table, requests in body["RequestItems"].items():
            for request in requests:
                put = request.get("PutRequest")
                kind, call = ("Put", put) if put else ("Delete", request["DeleteRequest"])
                writes.append((kind, {**call, "TableName": table}))
        if len(writes) > MAX_BATCH_WRITES:
            raise MockValidationException("Too many items requested for the BatchWriteItem call")
        touches = [self._touch(kind, call) for kind, call in writes]
        if _repeats(touches):
            raise MockValidationException("Provided list of item keys contains duplicates")
        pairs = list(zip(writes, touches, strict=True))

        def write() -> None:
            for (kind, call), touch in pairs:
                self._apply(kind, call, touch)

        self._write(touches, write)
        return {"UnprocessedItems": {}, **_consumed_capacities(body, touches, 1)}

    def _transact_write_items(self, body: Body) -> Body:
        """All or nothing, one action for each item (S-22). No conflicts: every call takes place at one moment."""
        actions = body["TransactItems"]
        if len(actions) > MAX_TRANSACTION_ITEMS:
            raise MockValidationException(f"Member must have length less than or equal to {MAX_TRANSACTION_ITEMS}")
        if any(len(action) != 1 for action in actions):
            raise TransactWriteSingleOpException
        touches: list[Touch] = []
        self._write(touches, lambda: self._transact(actions, touches))
        return _consumed_capacities(body, touches, 2)

    def _transact(self, actions: list[Body], touches: list[Touch]) -> None:
        reasons: list[tuple[str | None, str | None, Item | None]] = []
        for action in actions:
            ((kind, call),) = action.items()
            self._storage.table(call["TableName"])
            try:
                touch = self._touch(kind, call)
            except MockValidationException as error:
                reasons.append(("ValidationError", error.message, None))
                continue
            touches.append(touch)
            if _repeats(touches):
                raise MultipleTransactionsException
            try:
                self._apply(kind, call, touch)
            except ConditionalCheckFailed as error:
                reasons.append(("ConditionalCheckFailed", error.message, json.loads(error.description).get("Item")))
            else:
                reasons.append((None, None, None))
        if any(code for code, _, _ in reasons):
            raise TransactionCanceledException(reasons)

    def _touch(self, kind: str, call: Body) -> Touch:
        table = call["TableName"]
        key = self._storage.key(table, call["Item" if kind == "Put" else "Key"], whole=kind != "Put")
        return Touch(table, key, self._storage.image(table, key))

    def _apply(self, kind: str, call: Body, touch: Touch) -> None:
        self._storage.check(call, touch)
        if kind == "Put":
            self._storage.put(touch.table, call["Item"])
        elif kind == "Delete":
            self._storage.delete(touch.table, touch.key)
        elif kind == "Update":
            self._storage.update(touch, call)

    def _execute(self, statements: Callable[[Body], Body], body: Body) -> Body:
        self._partiql.touched.clear()
        return self._write(self._partiql.touched, lambda: statements(body))

    def _write(self, touches: list[Touch], write: Callable[[], Result]) -> Result:
        """Carries the write out as a whole or not at all, and gives each change to the stream of its table."""
        try:
            result = write()
        except Exception:
            for touch in reversed(touches):
                self._storage.restore(touch)
            raise
        for touch in touches:
            stream = self._tables.stream(touch.table)
            if stream is not None:
                after = self._storage.image(touch.table, touch.key)
                self._streams.changed(stream, touch.key, touch.before, after)
                if self._expiry:
                    self._expiry.written(stream, touch, after)
        return result


def _consumed_capacity(body: Body, touches: list[Touch], units: int) -> Body:
    if body.get("ReturnConsumedCapacity", "NONE") == "NONE":
        return {}
    return {"ConsumedCapacity": {"TableName": touches[0].table, "CapacityUnits": float(units * len(touches))}}


def _consumed_capacities(body: Body, touches: list[Touch], units: int) -> Body:
    tables = list(dict.fromkeys(touch.table for touch in touches))
    by_table = [[touch for touch in touches if touch.table == table] for table in tables]
    capacities = [_consumed_capacity(body, group, units) for group in by_table]
    return {"ConsumedCapacity": [capacity["ConsumedCapacity"] for capacity in capacities]} if any(capacities) else {}


def _repeats(touches: list[Touch]) -> bool:
    targets = [(touch.table, touch.key) for touch in touches]
    return any(target in targets[:index] for index, target in enumerate(targets))


def _respelled(result: Body) -> Body:
    respelled: Body = json.loads(json.dumps(result, default=_encode), object_hook=canonical)
    return respelled


def _reply(result: Body) -> Reply:
    return Reply(200, json.dumps(result, default=_encode).encode())


def _encode(value: object) -> str | float:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{value!r} is no part of a reply")


def _refusal(error: JsonRESTError) -> Reply:
    """Moto's error in the body it wrote, where the letter case of the message key differs from error to error."""
    body = json.loads(error.description)
    body["__type"] = error.relative_error_type
    headers = {"content-type": CONTENT_TYPE, "x-amzn-errortype": error.relative_error_type}
    return Reply(error.code, json.dumps(body).encode(), headers)
