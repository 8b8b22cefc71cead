"""What a table's definition must be, and the table and the indexes that it makes.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.dynamodb.requests import Member, check, check_one
from harness.dynamodb.store import Key, StoredTable, View
from harness.dynamodb.values import INVALID, Body, invalid

MAX_LOCAL, MAX_GLOBAL = 5, 20
MAX_PARTS = 4  # attributes of the partition key of a global index, and of its sort key
_NO_CAPACITY = {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0}
_ELEMENT = {
    "AttributeName": Member(str, required=True, low=1, high=255),
    "KeyType": Member(str, required=True, words=("HASH", "RANGE")),
}
_ATTRIBUTE = {
    "AttributeName": Member(str, required=True, low=1, high=255),
    "AttributeType": Member(str, required=True, words=("B", "N", "S")),
}
_INDEX = {
    "IndexName": Member(str, required=True, low=3, high=255, pattern="[a-zA-Z0-9_.-]+"),
    "KeySchema": Member(list, required=True, low=1, high=2 * MAX_PARTS),
    "Projection": Member(dict, required=True),
}
_UNITS = dict.fromkeys(("ReadCapacityUnits", "WriteCapacityUnits"), Member(int, required=True, low=1))
_PROJECTION = {
    "ProjectionType": Member(str, words=("ALL", "INCLUDE", "KEYS_ONLY")),
    "NonKeyAttributes": Member(list, low=1, high=20),
}


def table(body: Body, arn: str, now: int) -> StoredTable:
    """The table of a definition; `arn`: what comes before the name in its ARN. Raises Rejected."""
    types = attributes(body)
    key, name = _key(body["KeySchema"], types, ""), body["TableName"]
    indexes = list(_indexes(body))
    if not indexes and len(types) != len(key.names):
        problem = "Number of attributes in KeySchema does not exactly match number of attributes defined in"
        raise invalid(f"{INVALID}{problem} AttributeDefinitions")
    views = {"": View("", key, key)}
    for place, index, is_global in indexes:
        if not is_global and len(key.names) < 2:
            problem = "Table KeySchema does not have a range key, which is required when specifying a"
            raise invalid(f"{INVALID}{problem} LocalSecondaryIndex")
        view = index_of(index, types, key, f"{arn}{name}", is_global, place)
        _check_local(view, key)
        if view.name in views:
            raise invalid(f"{INVALID}Duplicate index name: {view.name}")
        views[view.name] = view
    _check_counts(views, types)
    description = {
        "TableName": name,
        "TableArn": f"{arn}{name}",
        "TableStatus": "ACTIVE",
        "AttributeDefinitions": body["AttributeDefinitions"],
        "KeySchema": body["KeySchema"],
        "DeletionProtectionEnabled": body.get("DeletionProtectionEnabled", False),
        **capacity(body, now),
        **({"TableClassSummary": {"TableClass": body["TableClass"]}} if "TableClass" in body else {}),
    }
    return StoredTable(name, key, description, views, types)


def attributes(body: Body) -> dict[str, str]:
    """The types of the defined attributes."""
    for number, definition in enumerate(body["AttributeDefinitions"], 1):
        check(definition, _ATTRIBUTE, f"attributeDefinitions.{number}.member.")
    types = {each["AttributeName"]: each["AttributeType"] for each in body["AttributeDefinitions"]}
    if len(types) < len(body["AttributeDefinitions"]):
        names = [each["AttributeName"] for each in body["AttributeDefinitions"]]
        twice = next(name for name in names if names.count(name) > 1)
        raise invalid(f"{INVALID}Duplicate AttributeName found in AttributeDefinitions: {twice}")
    return types


def _key(schema: list[Body], types: Mapping[str, str], place: str, parts: int = 1) -> Key:
    """parts: how many attributes the partition may have, and the order."""
    for number, element in enumerate(schema, 1):
        check(element, _ELEMENT, f"{place}keySchema.{number}.member.")
    names = tuple(element["AttributeName"] for element in schema)
    if types and len(names) > len(types):
        raise invalid("Invalid KeySchema: Some index key attribute have no definition")
    if schema[0]["KeyType"] != "HASH":
        raise invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    kinds = [element["KeyType"] for element in schema]
    partition, order = kinds.count("HASH"), kinds.count("RANGE")
    if parts == 1 and partition > 1:
        raise invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
    if kinds != ["HASH"] * partition + ["RANGE"] * order or max(partition, order) > parts:
        problem = f"HASH elements precede RANGE elements in a KeySchema, and there are at most {parts} of either"
        raise invalid(INVALID + problem)
    if len(set(names)) < len(names):
        raise invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    if any(name not in types for name in names):
        problem = "Some index key attributes are not defined in AttributeDefinitions"
        keys, defined = ", ".join(names), ", ".join(types)
        raise invalid(f"{INVALID}{problem}. Keys: [{keys}], AttributeDefinitions: [{defined}]")
    return Key(names, tuple(types[name] for name in names), partition)


def _indexes(body: Body) -> Iterator[tuple[str, Body, bool]]:
    """Where each stands, its definition, and whether it is global."""
    for kind, is_global in (("LocalSecondaryIndexes", False), ("GlobalSecondaryIndexes", True)):
        if kind in body and not body[kind]:
            raise invalid(f"{INVALID}List of {kind} is empty")
        for number, index in enumerate(body.get(kind, ()), 1):
            yield f"{kind[0].lower()}{kind[1:]}.{number}.member.", index, is_global


def index_of(
    index: Body, types: Mapping[str, str], primary: Key, table_arn: str, is_global: bool, place: str = ""
) -> View:
    check(index, _INDEX if is_global else {**_INDEX, "KeySchema": Member(list, required=True, low=1, high=2)}, place)
    name, projection = index["IndexName"], index["Projection"]
    key = _key(index["KeySchema"], types, place, MAX_PARTS if is_global else 1)
    check(projection, _PROJECTION, f"{place}projection.")
    kind, others = projection.get("ProjectionType"), projection.get("NonKeyAttributes")
    if kind is None:
        raise invalid(f"{INVALID}Unknown ProjectionType: null")
    if (others is None) is (kind == "INCLUDE"):
        stands = "is not specified" if others is None else "is specified"
        raise invalid(f"{INVALID}ProjectionType is {kind}, but NonKeyAttributes {stands}")
    for number, other in enumerate(others or (), 1):
        check_one(other, f"{number}.member", Member(str, low=1, high=255), "projection.nonKeyAttributes.")
    if len(set(others or ())) < len(others or ()):
        raise invalid(f"{INVALID}Duplicate attribute name in NonKeyAttributes of index: {name}")
    description = {
        "IndexName": name,
        "KeySchema": index["KeySchema"],
        "Projection": projection,
        "IndexArn": f"{table_arn}/index/{name}",
    }
    if is_global:
        description |= {"IndexStatus": "ACTIVE", "ProvisionedThroughput": {**_NO_CAPACITY, **units(index)}}
    kept = None if kind == "ALL" else frozenset({*primary.names, *key.names, *(others or ())})
    return View(name, key, primary, is_global, kept, description)


def _check_local(view: View, key: Key) -> None:
    if view.is_global:
        return
    if len(view.key.names) < 2:
        raise invalid(f"{INVALID}Index KeySchema does not have a range key for index: {view.name}")
    if view.key.names[0] != key.names[0]:
        problem = "Index KeySchema does not have the same leading hash key as table KeySchema for index"
        hashes = f"index hash key: {view.key.names[0]}, table hash key: {key.names[0]}"
        raise invalid(f"{INVALID}{problem}: {view.name}. {hashes}")


def _check_counts(views: Mapping[str, View], types: Mapping[str, str]) -> None:
    local = sum(not view.is_global for name, view in views.items() if name)
    if local > MAX_LOCAL:
        raise invalid(f"{INVALID}Number of LocalSecondaryIndexes exceeds per-table limit of {MAX_LOCAL}")
    if len(views) - 1 - local > MAX_GLOBAL:
        raise invalid(f"{INVALID}GlobalSecondaryIndex count exceeds the per-table limit of {MAX_GLOBAL}")
    used = sorted({name for view in views.values() for name in view.key.names})
    if any(name not in used for name in types):
        problem = "Some AttributeDefinitions are not used. AttributeDefinitions"
        raise invalid(f"{INVALID}{problem}: [{', '.join(types)}], keys used: [{', '.join(used)}]")


def units(body: Body) -> Body:
    throughput = body.get("ProvisionedThroughput") or {}
    return {name: throughput[name] for name in ("ReadCapacityUnits", "WriteCapacityUnits") if name in throughput}


def check_capacity(body: Body) -> None:
    provisioned = units(body)
    if body.get("ProvisionedThroughput") is not None:
        check(body["ProvisionedThroughput"], _UNITS, "provisionedThroughput.")
    if body.get("BillingMode") == "PAY_PER_REQUEST":
        if provisioned:
            problem = "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is"
            raise invalid(f"{INVALID}{problem} PAY_PER_REQUEST")
    elif len(provisioned) < 2:
        problem = "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
        raise invalid(INVALID + problem)


def capacity(body: Body, now: int) -> Body:
    """How a description tells the capacity of a table; no call is ever throttled by it. `now`: microseconds."""
    mode = {"BillingMode": body.get("BillingMode", "PROVISIONED")}
    since = {"LastUpdateToPayPerRequestDateTime": now // 1000 / 1000}
    return {
        "BillingModeSummary": {**mode, **(since if mode["BillingMode"] == "PAY_PER_REQUEST" else {})},
        "ProvisionedThroughput": {**_NO_CAPACITY, **units(body)},
    }
