"""Table calls of the embedded DynamoDB, and when items expire. A table is there from the moment of its call.

An item that has expired stays readable until DynamoDB deletes it, some time later (S-52). Only items of tables with a
stream are deleted: in other tables it makes no difference within a run. An item that lives longer than a day is never
deleted, as AWS may keep it longer than any run waits.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from uuid import UUID

from harness.dynamodb.requests import Member, check, check_one
from harness.dynamodb.store import StoredTable, View
from harness.dynamodb.values import INVALID, Body, Item, Rejected, invalid, size
from harness.errors import NotImitated
from harness.faults.points import Seed
from harness.history import MICROSECONDS
from harness.pipeline.resources import ACCOUNT, REGION
from harness.platforms.embedded.services import definitions
from harness.platforms.embedded.services.streams import VIEW_TYPES, Streams

Later = Callable[[int, Callable[[], None]], None]  # calls a function after so many microseconds
MOST_LATE = 3600 * MICROSECONDS  # microseconds between an item's end and its deletion
MAX_LISTED, MAX_TAGS = 100, 50
ARN = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/"
_INDEXES = ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
_HORIZON = 24 * 3600 * MICROSECONDS
_LIMITS = {
    **dict.fromkeys(("AccountMaxReadCapacityUnits", "AccountMaxWriteCapacityUnits"), 80_000),
    **dict.fromkeys(("TableMaxReadCapacityUnits", "TableMaxWriteCapacityUnits"), 40_000),
}
_TAG_TEXT = r"[\w\s+\-=._:/@]*"
_TAG = {
    "Key": Member(str, required=True, low=1, high=128, pattern=_TAG_TEXT),
    "Value": Member(str, required=True, low=0, high=256, pattern=_TAG_TEXT),
}
_TIME_TO_LIVE = {
    "Enabled": Member(bool, required=True),
    "AttributeName": Member(str, required=True, low=1, high=255),
}


class Expiry:
    """`now` is in microseconds since the Unix epoch."""

    def __init__(self, streams: Streams, seed: Seed, now: Callable[[], int], later: Later) -> None:
        self._streams = streams
        self._seed = seed
        self._now = now
        self._later = later

    def written(self, table: StoredTable, key: Item, after: Item | None) -> None:
        """Schedules the deletion of an item that was written, if it expires. Call it for every change."""
        ends = _end(table, after)
        if ends is None or ends > self._now() + _HORIZON:
            return
        late = self._seed.between(0, MOST_LATE, "expiry", table.name, json.dumps(key, sort_keys=True), ends)
        self._later(max(ends - self._now(), 0) + late, lambda: self._expire(table, key, ends))

    def _expire(self, table: StoredTable, key: Item, ends: int) -> None:
        """Deletes the item, unless it is gone or now expires at another time."""
        primary = table.key.of(key)
        assert primary is not None
        image = table.items.get(primary)
        if _end(table, image) == ends:
            table.write(primary, None)
            self._streams.changed(table.stream, key, image, None, expired=True)


def _end(table: StoredTable, image: Item | None) -> int | None:
    """When the item expires, in microseconds; None for an attribute that is not a number of seconds."""
    value = (image or {}).get(table.expires_by or "", {}).get("N")
    return None if value is None else int(float(value) * MICROSECONDS)


class Tables:
    """All tables of one account in one Region. `now` is in microseconds. Without `can_expire` no item ever does."""

    def __init__(self, streams: Streams, seed: Seed, now: Callable[[], int], can_expire: bool) -> None:
        self._streams = streams
        self._seed = seed
        self._now = now
        self._can_expire = can_expire
        self._tables: dict[str, StoredTable] = {}
        self._created = 0
        self.operations: dict[str, Callable[[Body], Body]] = {
            "CreateTable": self._create,
            "DescribeTable": lambda body: {"Table": _described(self._named(body))},
            "ListTables": self._list,
            "UpdateTable": self._update,
            "DeleteTable": self._delete,
            "DescribeTimeToLive": self._describe_time_to_live,
            "UpdateTimeToLive": self._update_time_to_live,
            "DescribeLimits": lambda body: _LIMITS,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTagsOfResource": lambda body: {
                "Tags": [{"Key": key, "Value": value} for key, value in self._resource(body).tags.items()]
            },
        }

    def table(self, name: str) -> StoredTable:
        """The table of that name or ARN. Raises Rejected."""
        table = self._tables.get(name) or self._tables.get(name.removeprefix(ARN))
        if table is None:
            raise Rejected("ResourceNotFoundException", "Requested resource not found")
        return table

    def _named(self, body: Body) -> StoredTable:
        name = body["TableName"]
        try:
            return self.table(name)
        except Rejected as error:
            raise Rejected(error.code, f"{error.message}: Table: {name} not found") from None

    def _create(self, body: Body) -> Body:
        if (body.get("SSESpecification") or {}).get("Enabled"):
            raise NotImitated("dynamodb.CreateTable with SSESpecification is not imitated: nothing is encrypted here")
        definitions.check_capacity(body)
        now = self._now()
        table = definitions.table(body, ARN, now)
        view_type = _view_type(body.get("StreamSpecification") or {})
        table.tags = _tags(body.get("Tags", []))
        if table.name in self._tables:
            raise Rejected("ResourceInUseException", f"Table already exists: {table.name}")
        self._created += 1
        id = UUID(int=self._seed.random("table", self._created).getrandbits(128), version=4)
        table.description |= {"CreationDateTime": now // 1000 / 1000, "TableId": str(id)}
        self._tables[table.name] = table
        if view_type:
            self._open_stream(table, view_type)
        return {"TableDescription": {**_described(table), "TableStatus": "CREATING"}}

    def _open_stream(self, table: StoredTable, view_type: str) -> None:
        arn, schema = table.description["TableArn"], table.description["KeySchema"]
        table.stream = self._streams.open(table.name, arn, schema, view_type)

    def _list(self, body: Body) -> Body:
        start, limit = body.get("ExclusiveStartTableName", ""), body.get("Limit", MAX_LISTED)
        names = [name for name in sorted(self._tables) if name > start]
        more = {"LastEvaluatedTableName": names[limit - 1]} if len(names) > limit else {}
        return {"TableNames": names[:limit], **more}

    def _update(self, body: Body) -> Body:
        table = self._named(body)
        changes = [name for name in body if name not in ("TableName", "AttributeDefinitions")]
        if not changes or body.get("GlobalSecondaryIndexUpdates") == []:
            several = "ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates"
            problem = "or SSESpecification or ReplicaUpdates is required for UpdateTable"
            raise invalid(f"{INVALID}At least one of {several} {problem}")
        unknown = [name for name in changes if name not in _CHANGES]
        if unknown:
            valid = ", ".join(_CHANGES)
            raise NotImitated(f"dynamodb.UpdateTable with {unknown[0]} is not imitated. Known: {valid}")
        for change in dict.fromkeys(change for name, change in _CHANGES.items() if name in body):
            change(self, table, body)
        return {"TableDescription": {**_described(table), "TableStatus": "UPDATING"}}

    def _update_stream(self, table: StoredTable, body: Body) -> None:
        view_type = _view_type(body["StreamSpecification"])
        enabled = table.stream is not None and table.stream.enabled
        if view_type and enabled:
            raise invalid(f"Table already has an enabled stream: TableName: {table.name}")
        if view_type:
            self._open_stream(table, view_type)
        elif enabled:
            self._streams.close(table.stream)
        else:
            raise invalid(f"Table has no stream to disable: TableName: {table.name}")

    def _update_capacity(self, table: StoredTable, body: Body) -> None:
        mode = body.get("BillingMode") or table.description["BillingModeSummary"]["BillingMode"]
        definitions.check_capacity({**body, "BillingMode": mode})
        capacity = definitions.capacity({**body, "BillingMode": mode}, self._now())
        if mode == "PROVISIONED" and capacity.items() <= table.description.items():
            units = definitions.units(body)
            raise invalid(
                "The provisioned throughput for the table will not change. The requested value equals the current "
                f"value. Current ReadCapacityUnits provisioned for the table: {units['ReadCapacityUnits']}. "
                f"Requested ReadCapacityUnits: {units['ReadCapacityUnits']}. Current WriteCapacityUnits provisioned "
                f"for the table: {units['WriteCapacityUnits']}. Requested WriteCapacityUnits: "
                f"{units['WriteCapacityUnits']}. Refer to the Amazon DynamoDB Developer Guide for current limits and "
                "how to request higher limits."
            )
        table.description |= capacity

    def _update_flag(self, table: StoredTable, body: Body) -> None:
        table.description["DeletionProtectionEnabled"] = body["DeletionProtectionEnabled"]

    def _update_class(self, table: StoredTable, body: Body) -> None:
        table.description["TableClassSummary"] = {"TableClass": body["TableClass"]}

    def _update_indexes(self, table: StoredTable, body: Body) -> None:
        kinds = {"Create", "Update", "Delete"}
        if any(len(update) != 1 or not update.keys() <= kinds for update in body["GlobalSecondaryIndexUpdates"]):
            raise invalid(f"{INVALID}Exactly one of GlobalSecondaryIndexUpdate's Create, Update or Delete is required")
        updates = [pair for update in body["GlobalSecondaryIndexUpdates"] for pair in update.items()]
        if sum(kind != "Update" for kind, _ in updates) > 1:
            problem = "Only 1 online index can be created or deleted simultaneously per table"
            raise Rejected("LimitExceededException", f"Subscriber limit exceeded: {problem}")
        for kind, index in updates:
            name = index.get("IndexName", "")
            if kind == "Create":
                if name in table.views:
                    raise invalid(f"Attempting to create an index which already exists: {name}")
                types = definitions.attributes({"AttributeDefinitions": [], **body})
                redefined = [each for each, kind in types.items() if table.types.get(each, kind) != kind]
                if redefined:
                    raise invalid(f"{INVALID}AttributeDefinition {redefined[0]} can not be redefined")
                arn = table.description["TableArn"]
                table.add(definitions.index_of(index, types, table.key, arn, is_global=True))
                table.types |= types
            elif name not in table.views or not table.views[name].is_global:
                raise Rejected("ResourceNotFoundException", "Requested resource not found")
            elif kind == "Delete":
                del table.views[name]
            else:
                table.views[name].description["ProvisionedThroughput"] |= definitions.units(index)
        used = {name for view in table.views.values() for name in view.key.names}
        table.types = {name: kind for name, kind in table.types.items() if name in used}
        defined = [{"AttributeName": name, "AttributeType": kind} for name, kind in table.types.items()]
        table.description["AttributeDefinitions"] = defined

    def _delete(self, body: Body) -> Body:
        table = self._named(body)
        if table.description["DeletionProtectionEnabled"]:
            problem = "Resource cannot be deleted as it is currently protected against deletion"
            raise invalid(f"{problem}. Disable deletion protection first.")
        described = _described(table)
        if table.stream is not None and table.stream.enabled:
            self._streams.close(table.stream)
        del self._tables[table.name]
        left_out = ("AttributeDefinitions", "CreationDateTime", "KeySchema", *_INDEXES)
        described = {name: told for name, told in described.items() if name not in left_out}
        return {"TableDescription": {**described, "TableStatus": "DELETING"}}

    def _describe_time_to_live(self, body: Body) -> Body:
        attribute = self._named(body).expires_by
        described = {"TimeToLiveStatus": "ENABLED", "AttributeName": attribute}
        return {"TimeToLiveDescription": described if attribute else {"TimeToLiveStatus": "DISABLED"}}

    def _update_time_to_live(self, body: Body) -> Body:
        table, wanted = self._named(body), body["TimeToLiveSpecification"]
        check(wanted, _TIME_TO_LIVE, "timeToLiveSpecification.")
        if bool(table.expires_by) == wanted["Enabled"]:
            raise invalid(f"TimeToLive is already {'enabled' if table.expires_by else 'disabled'}")
        if not self._can_expire:
            raise NotImitated(
                "dynamodb.UpdateTimeToLive with Enabled: this instance has no clock by which items expire"
            )
        if table.expires_by not in (None, wanted["AttributeName"]):
            problem = "TimeToLive is active on a different AttributeName: current AttributeName is"
            raise invalid(f"{problem} {table.expires_by}")
        table.expires_by = wanted["AttributeName"] if wanted["Enabled"] else None
        return {"TimeToLiveSpecification": wanted}

    def _resource(self, body: Body) -> StoredTable:
        arn = body["ResourceArn"]
        if not arn.startswith(ARN) or "/" in arn.removeprefix(ARN):
            raise invalid(f"Invalid TableArn: Invalid ResourceArn provided as input {arn}")
        if arn not in (table.description["TableArn"] for table in self._tables.values()):
            raise Rejected("ResourceNotFoundException", f"Requested resource not found: ResourcArn: {arn} not found")
        return self.table(arn)

    def _tag(self, body: Body) -> Body:
        table, tags = self._resource(body), _tags(body["Tags"])
        if not tags:
            raise invalid("Atleast one Tag needs to be provided as Input.")
        table.tags |= tags
        return {}

    def _untag(self, body: Body) -> Body:
        table = self._resource(body)
        if not body["TagKeys"]:
            raise invalid("Atleast one Tag Key needs to be provided as Input.")
        table.tags = {key: value for key, value in table.tags.items() if key not in body["TagKeys"]}
        return {}


_CHANGES: dict[str, Callable[[Tables, StoredTable, Body], None]] = {
    "BillingMode": Tables._update_capacity,
    "ProvisionedThroughput": Tables._update_capacity,
    "StreamSpecification": Tables._update_stream,
    "DeletionProtectionEnabled": Tables._update_flag,
    "TableClass": Tables._update_class,
    "GlobalSecondaryIndexUpdates": Tables._update_indexes,
}


def _described(table: StoredTable) -> Body:
    described = {**table.description, "ItemCount": len(table.items), "TableSizeBytes": sum(table.sizes.values())}
    for member, is_global in zip(_INDEXES, (True, False), strict=True):
        indexes = [
            {**view.description, **_extent(view, table)} for view in table.indexes if view.is_global is is_global
        ]
        if indexes:
            described[member] = indexes
    if table.stream is not None:
        described |= {"LatestStreamArn": table.stream.arn, "LatestStreamLabel": table.stream.label}
        if table.stream.enabled:
            described["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": table.stream.view_type}
    return described


def _extent(view: View, table: StoredTable) -> Body:
    held = [view.copy(item) for item in table.items.values() if view.entry(item)]
    return {"ItemCount": len(held), "IndexSizeBytes": sum(map(size, held))}


def _tags(listed: list[Body]) -> dict[str, str]:
    for tag in listed:
        check(tag, _TAG)
    if len(listed) > MAX_TAGS:
        raise invalid(f"{INVALID}Too many tags: {len(listed)}")
    return {tag["Key"]: tag["Value"] for tag in listed}


def _view_type(specification: Body) -> str | None:
    if not specification.get("StreamEnabled"):
        return None
    view_type = specification.get("StreamViewType")
    if view_type is None:
        raise invalid(f"{INVALID}StreamViewType is required when StreamEnabled is true")
    check_one(view_type, "StreamViewType", Member(str, words=VIEW_TYPES), "streamSpecification.")
    return str(view_type)
