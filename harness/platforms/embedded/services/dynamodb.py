"""The embedded DynamoDB: each call takes place at one moment of the run's time, and its changes go to the stream.

Items are `harness.dynamodb`, tables `tables`, statements `partiql`. Here: idempotency tokens (S-15 to S-20), the form
of answers and errors, and what follows from a change: its record, and the end of an item that expires.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel

from harness.dynamodb import requests
from harness.dynamodb.reads import Reads
from harness.dynamodb.store import StoredTable
from harness.dynamodb.values import Body, Item, Rejected
from harness.dynamodb.writes import Writes
from harness.faults.points import Seed
from harness.history import MICROSECONDS
from harness.platforms.base import Reply, Request
from harness.platforms.embedded.services.partiql import PartiQL
from harness.platforms.embedded.services.streams import Streams
from harness.platforms.embedded.services.tables import Expiry, Later, Tables

TOKEN_MICROSECONDS = 10 * 60 * MICROSECONDS  # how long a token is remembered after the transaction (S-16)


@dataclass(frozen=True, slots=True)
class _Transaction:
    """A transaction that succeeded, under its ClientRequestToken."""

    fingerprint: str
    time: int
    reply: Reply


_JSON_TYPES: dict[str, tuple[type, ...]] = {
    **{"structure": (dict,), "map": (dict,), "list": (list,), "string": (str,), "blob": (str,), "boolean": (bool,)},
    **dict.fromkeys(("integer", "long"), (int,)),
    **dict.fromkeys(("double", "float", "timestamp"), (int, float)),
}


@cache
def _model() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("dynamodb", "service-2"), "dynamodb")


def _misfit(shape: Any, content: Any, name: str) -> str:
    """What in a request has another type than its member; "" where all of it fits. Looked for once something fails."""
    if type(content) not in _JSON_TYPES[shape.type_name]:
        return f"{type(content).__name__} cannot be converted to the type of {name}"
    parts: list[tuple[Any, Any, str]] = []
    if shape.type_name == "structure":
        known = {key: part for key, part in content.items() if key in shape.members and part is not None}
        parts = [(shape.members[key], part, key) for key, part in known.items()]
    elif shape.type_name == "map":
        parts = [(shape.value, part, key) for key, part in content.items()]
    elif shape.type_name == "list":
        parts = [(shape.member, part, name) for part in content]
    return next(filter(None, (_misfit(*part) for part in parts)), "")


class DynamoDB:
    """`now` is in microseconds since the Unix epoch. Each instance has tables of its own.

    `later` calls a function at a later time. Without it no item can expire, and a time to live is refused.
    """

    def __init__(self, now: Callable[[], int], seed: Seed, streams: Streams, later: Later | None = None) -> None:
        self._streams = streams
        self._now = now
        self._expiry = Expiry(streams, seed, now, later) if later else None
        tables = Tables(streams, seed, now, can_expire=later is not None)
        writes, reads = Writes(tables.table, self._changed), Reads(tables.table)
        self._transactions: dict[str, _Transaction] = {}  # by token
        self._operations: dict[str, Callable[[Body], Body]] = {
            **tables.operations,
            **reads.operations,
            **writes.operations,
            **PartiQL(tables.table, reads, writes).operations,
        }

    def handle(self, request: Request) -> Reply:
        """Raises NotImitated for an operation or a parameter that is not imitated."""
        request.check_imitated(self._operations)
        operation = self._operations[request.operation]
        try:
            body = json.loads(request.body)
            requests.check(body, requests.MEMBERS[request.operation])
            if "ClientRequestToken" in body:
                return self._once(request, body["ClientRequestToken"], lambda: operation(body))
            return Reply.of(operation(body))
        except Rejected as error:
            return Reply.error(error.code, error.message, **error.more)
        except (TypeError, AttributeError, KeyError):
            shape = _model().operation_model(request.operation).input_shape
            misfit = _misfit(shape, json.loads(request.body), request.operation)
            if not misfit:
                raise
            return Reply.error("SerializationException", misfit)

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
            reply = Reply.of(operation())
            self._transactions[token] = _Transaction(fingerprint, self._now(), reply)
            return reply
        if earlier.fingerprint != fingerprint:
            text = "The token was used with other parameters in the last ten minutes"
            return Reply.error("IdempotentParameterMismatchException", text)
        return earlier.reply

    def _changed(self, table: StoredTable, key: Item, before: Item | None, after: Item | None) -> None:
        if table.stream is not None and table.stream.enabled:
            self._streams.changed(table.stream, key, before, after)
            if self._expiry and table.expires_by:
                self._expiry.written(table, key, after)
