"""Keys: whether an item or a key of a call fits the table, and the values that indexes take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from harness.dynamodb.paths import Path
from harness.dynamodb.store import MAX_KEY_BYTES, Key, Primary, StoredTable
from harness.dynamodb.values import INVALID, Item, Value, invalid, type_of, value_size

MISMATCH = "The provided key element does not match the schema"
_EMPTY = "The AttributeValue for a key attribute cannot contain an empty"


def of_item(table: StoredTable, item: Item) -> Primary:
    """The key of an item that is put. Raises Rejected."""
    for name, kind in zip(table.key.names, table.key.types, strict=True):
        if name not in item:
            raise invalid(f"{INVALID}Missing the key {name} in the item")
        if kind not in item[name]:
            actual = type_of(item[name])
            raise invalid(f"{INVALID}Type mismatch for key {name} expected: {kind} actual: {actual}")
    check_values(table.key, item)
    check_index_keys(table, item)
    return table.key.of(item) or _mismatch()


def of_key(table: StoredTable, key: Item) -> Primary:
    """The contents of a key, which has to be whole. Raises Rejected."""
    primary = table.key.of(key)
    if primary is None or len(key) != len(primary):
        _mismatch()
    check_values(table.key, key)
    return primary


def _mismatch() -> NoReturn:
    raise invalid(MISMATCH)


def check_values(key: Key, item: Item) -> None:
    for position, (name, kind) in enumerate(zip(key.names, key.types, strict=True)):
        content = item[name][kind]
        if not content:
            what = "string" if kind == "S" else "binary"
            raise invalid(f"One or more parameter values are not valid. {_EMPTY} {what} value. Key: {name}")
        _check_length(item[name], position)


def _check_length(value: Value, position: int) -> None:
    if "N" in value:
        return
    most = MAX_KEY_BYTES[position]
    if value_size(value) > most:
        problem = f"Size of hashkey has exceeded the maximum size limit of{most} bytes"
        if position:
            problem = f"Aggregated size of all range keys has exceeded the size limit of {most} bytes"
        raise invalid(INVALID + problem)


def check_index_keys(table: StoredTable, item: Item) -> None:
    """Raises Rejected for an attribute that an index could not have as its key."""
    for view in table.indexes:
        for position, (name, kind) in enumerate(zip(view.key.names, view.key.types, strict=True)):
            value = item.get(name)
            if value is None or name in table.key.names:
                continue
            if kind not in value:
                actual = type_of(value)
                problem = f"Type mismatch for Index Key {name} Expected: {kind} Actual: {actual}"
                raise invalid(f"{INVALID}{problem} IndexName: {view.name}")
            if not value[kind]:
                what = "string" if kind == "S" else "binary"
                problem = "A value specified for a secondary index key is not supported."
                where = f"IndexName: {view.name}, IndexKey: {name}"
                raise invalid(f"One or more parameter values are not valid. {problem} {_EMPTY} {what} value. {where}")
            _check_length(value, position)


def check_scalar(key: Key, paths: Iterable[Path]) -> None:
    """Raises Rejected for a path into a key attribute, which is a scalar."""
    for path in paths:
        if len(path) > 1 and path[0] in key.names:
            problem = "list random access '[]' and map lookup '.' are not allowed"
            raise invalid(f"Key attributes must be scalars; {problem}: Key: {path[0]}")
