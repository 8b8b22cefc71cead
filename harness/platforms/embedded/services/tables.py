"""Table calls of the embedded DynamoDB: which stream each table has at the moment, and when its items expire.

An item that has expired stays readable until DynamoDB deletes it, some time later (S-52). Only items of tables with a
stream are deleted: in other tables it makes no difference within a run. An item that lives longer than a day is never
deleted, as AWS may keep it longer than any run waits.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from moto.dynamodb.exceptions import MockValidationException

from harness.errors import NotImitated
from harness.faults.seed import Seed
from harness.history import MICROSECONDS
from harness.platforms.embedded.services.expressions import Body
from harness.platforms.embedded.services.items import ItemStorage, Touch
from harness.platforms.embedded.services.streams import Stream, Streams
from harness.platforms.embedded.services.values import Item

Later = Callable[[int, Callable[[], None]], None]  # calls a function after so many microseconds
MOST_LATE = 3600 * MICROSECONDS  # microseconds between an item's end and its deletion
_HORIZON = 24 * 3600 * MICROSECONDS


class Expiry:
    """`now` is in microseconds since the Unix epoch."""

    def __init__(
        self, storage: ItemStorage, streams: Streams, seed: Seed, now: Callable[[], int], later: Later
    ) -> None:
        self._storage = storage
        self._streams = streams
        self._seed = seed
        self._now = now
        self._later = later
        self._attributes: dict[str, str] = {}  # by table

    def enable(self, table: str, attribute: str) -> None:
        """Enables the time to live for items that are written from now on."""
        self._attributes[table] = attribute

    def attribute(self, table: str) -> str | None:
        return self._attributes.get(table)

    def written(self, stream: Stream, touch: Touch, after: Item | None) -> None:
        """Schedules the deletion of an item that was written, if it expires. Call it for every change."""
        ends = self._end(stream.table, after)
        if ends is None or ends > self._now() + _HORIZON:
            return
        late = self._seed.between(0, MOST_LATE, "expiry", stream.table, json.dumps(touch.key, sort_keys=True), ends)
        self._later(max(ends - self._now(), 0) + late, lambda: self._expire(stream, touch, ends))

    def _expire(self, stream: Stream, touch: Touch, ends: int) -> None:
        """Deletes the item, unless it is gone or now expires at another time."""
        image = self._storage.image(touch.table, touch.key)
        if self._end(stream.table, image) == ends:
            self._storage.delete(touch.table, touch.key)
            self._streams.changed(stream, touch.key, image, None, expired=True)

    def _end(self, table: str, image: Item | None) -> int | None:
        """When the item expires, in microseconds; None for an attribute that is not a number of seconds."""
        value = (image or {}).get(self._attributes.get(table, ""), {}).get("N")
        return None if value is None else int(float(value) * MICROSECONDS)


IMITATED = {
    "CreateTable": (
        "AttributeDefinitions",
        "BillingMode",
        "DeletionProtectionEnabled",
        "GlobalSecondaryIndexes",
        "KeySchema",
        "LocalSecondaryIndexes",
        "ProvisionedThroughput",
        "StreamSpecification",
        "TableName",
        "Tags",
    ),
    "UpdateTable": ("StreamSpecification", "TableName"),
}


class Tables:
    """Table calls. moto never gets a StreamSpecification: `streams` has the streams."""

    def __init__(
        self, storage: ItemStorage, streams: Streams, seed: Seed, now: Callable[[], int], expiry: Expiry | None
    ) -> None:
        self._storage = storage
        self._expiry = expiry
        self._streams = streams
        self._seed = seed
        self._now = now
        self._latest: dict[str, Stream] = {}  # of each table: enabled or not
        self._ids: dict[str, str] = {}
        self._created = 0
        self.operations: dict[str, Callable[[Body], Body]] = {
            "CreateTable": self._create,
            "DescribeTable": lambda body: {"Table": self._describe(body["TableName"])},
            "ListTables": lambda body: self._storage.run("list_tables", body),
            "UpdateTable": self._update,
            "DeleteTable": self._delete,
            "DescribeTimeToLive": self._describe_time_to_live,
            "UpdateTimeToLive": self._update_time_to_live,
        }

    def stream(self, table_name: str) -> Stream | None:
        """The stream of the table; None while it has no enabled one."""
        stream = self._latest.get(table_name) or self._latest.get(self._storage.table(table_name).name)
        return stream if stream is not None and stream.enabled else None

    def _create(self, body: Body) -> Body:
        _check_imitated("CreateTable", body)
        specification = body.pop("StreamSpecification", {})
        _check_definitions(body)
        self._storage.run("create_table", body)
        table = self._storage.table(body["TableName"])
        table.created_at = datetime.fromtimestamp(self._now() // MICROSECONDS, UTC)
        self._created += 1
        drawn = self._seed.random("table", self._created).getrandbits(128)
        self._ids[table.name] = str(UUID(int=drawn, version=4))
        if specification.get("StreamEnabled"):
            self._enable(table, specification)
        return {"TableDescription": self._describe(table.name)}

    def _describe(self, name: str) -> Body:
        described: Body = self._storage.run("describe_table", {"TableName": name})["Table"]
        for indexes in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
            if not described[indexes]:
                del described[indexes]
        name = described["TableName"]
        described["TableId"] = self._ids[name]
        stream = self._latest.get(name)
        if stream is not None:
            described |= {"LatestStreamArn": stream.arn, "LatestStreamLabel": stream.label}
            if stream.enabled:
                described["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": stream.view_type}
        return described

    def _update(self, body: Body) -> Body:
        _check_imitated("UpdateTable", body)
        table = self._storage.table(body["TableName"])
        specification = body.get("StreamSpecification", {})
        stream = self.stream(table.name)
        if specification.get("StreamEnabled"):
            if stream is not None:
                raise MockValidationException(f"Table already has an enabled stream: TableName: {table.name}")
            self._enable(table, specification)
        elif stream is None:
            raise MockValidationException(f"Table has no stream to disable: TableName: {table.name}")
        else:
            self._streams.close(stream)
        return {"TableDescription": self._describe(table.name)}

    def _delete(self, body: Body) -> Body:
        described = self._describe(body["TableName"])
        self._storage.run("delete_table", body)
        stream = self._latest.pop(described["TableName"], None)
        if stream is not None and stream.enabled:
            self._streams.close(stream)
        return {"TableDescription": {**described, "TableStatus": "DELETING"}}

    def _enable(self, table: Any, specification: Body) -> None:
        view_type = specification.get("StreamViewType", "")
        self._latest[table.name] = self._streams.open(table.name, table.table_arn, table.schema, view_type)

    def _describe_time_to_live(self, body: Body) -> Body:
        attribute = self._expiring(body)
        described = {"TimeToLiveStatus": "ENABLED", "AttributeName": attribute}
        return {"TimeToLiveDescription": described if attribute else {"TimeToLiveStatus": "DISABLED"}}

    def _update_time_to_live(self, body: Body) -> Body:
        attribute, wanted = self._expiring(body), body["TimeToLiveSpecification"]
        if bool(attribute) == wanted["Enabled"]:
            raise MockValidationException(f"TimeToLive is already {'enabled' if attribute else 'disabled'}")
        if self._expiry is None:
            raise NotImitated(
                "dynamodb.UpdateTimeToLive with Enabled: this instance has no clock by which items expire"
            )
        if attribute:
            raise NotImitated("dynamodb.UpdateTimeToLive: a time to live that is enabled stays so for the run")
        self._expiry.enable(self._storage.table(body["TableName"]).name, wanted["AttributeName"])
        return {"TimeToLiveSpecification": wanted}

    def _expiring(self, body: Body) -> str | None:
        table = self._storage.table(body["TableName"])
        return self._expiry.attribute(table.name) if self._expiry else None


def _check_imitated(operation: str, body: Body) -> None:
    unknown = [name for name in body if name not in IMITATED[operation]]
    if unknown:
        valid = ", ".join(IMITATED[operation])
        raise NotImitated(f"dynamodb.{operation} with {unknown[0]} is not imitated. Known: {valid}")


def _check_definitions(body: Body) -> None:
    """Moto finds the same mismatch, but lists the names in an order that changes from process to process."""
    indexes = body.get("GlobalSecondaryIndexes", []) + body.get("LocalSecondaryIndexes", [])
    schemas = [body["KeySchema"], *(index["KeySchema"] for index in indexes)]
    used = sorted({part["AttributeName"] for schema in schemas for part in schema})
    defined = sorted(definition["AttributeName"] for definition in body["AttributeDefinitions"])
    if used != defined:
        raise MockValidationException(
            f"One or more parameter values were invalid: AttributeDefinitions: {defined}, keys used: {used}"
        )
