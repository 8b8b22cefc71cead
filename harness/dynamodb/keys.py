"""Keys: whether an item or a key of a call fits the table, and the values that indexes take."""

from __future__ import annotations

from collections.abc import Iterable

from harness.dynamodb.paths import Path
from harness.dynamodb.store import Key, Primary, StoredTable
from harness.dynamodb.values import INVALID, Item, Rejected, Value, invalid, type_of, value_size

MISMATCH = "The provided key element does not match the schema"
NOT_VALID = "One or more parameter values are not valid. "
_EMPTY = "The AttributeValue for a key attribute cannot contain an empty {} value."


class EmptyKey(Rejected):
    """Refuses a whole transaction, of which another wrong key is a reason to cancel it."""


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
    return tuple([item[name][kind] for name, kind in zip(table.key.names, table.key.types, strict=True)])


def of_key(table: StoredTable, key: Item) -> Primary:
    """The contents of a key, which has to be whole. Raises Rejected."""
    primary = table.key.of(key)
    if primary is None or len(key) != len(primary):
        raise invalid(MISMATCH)
    check_values(table.key, key)
    return primary


def check_values(key: Key, item: Item) -> None:
    for position, name in enumerate(key.names):
        check_not_empty(name, item[name])
        _check_length(key, position, item[name])


def check_not_empty(name: str, value: Value) -> None:
    if empty := _empty(value):
        raise EmptyKey("ValidationException", f"{NOT_VALID}{empty} Key: {name}")


def _empty(value: Value) -> str:
    ((kind, content),) = value.items()
    return "" if content else _EMPTY.format("string" if kind == "S" else "binary")


def _check_length(key: Key, position: int, value: Value) -> None:
    longest = key.longest(position)
    if "N" in value or value_size(value) <= longest:
        return
    problem = f"Aggregated size of all range keys has exceeded the size limit of {longest} bytes"
    if position < key.partition:
        problem = f"Size of hashkey has exceeded the maximum size limit of{longest} bytes"
    raise invalid(INVALID + problem)


def check_index_keys(table: StoredTable, item: Item) -> None:
    """Raises Rejected for an attribute that an index could not have as its key."""
    for view in table.indexes:
        for position, (name, kind) in enumerate(zip(view.key.names, view.key.types, strict=True)):
            value = item.get(name)
            if value is None or name in table.key.names:
                continue
            if kind not in value:
                problem = f"Type mismatch for Index Key {name} Expected: {kind} Actual: {type_of(value)}"
                raise invalid(f"{INVALID}{problem} IndexName: {view.name}")
            if empty := _empty(value):
                problem = "A value specified for a secondary index key is not supported."
                raise invalid(f"{NOT_VALID}{problem} {empty} IndexName: {view.name}, IndexKey: {name}")
            _check_length(view.key, position, value)


def check_scalar(key: Key, paths: Iterable[Path]) -> None:
    """Raises Rejected for a path into a key attribute, which is a scalar."""
    for path in paths:
        if len(path) > 1 and path[0] in key.names:
            problem = "list random access '[]' and map lookup '.' are not allowed"
            raise invalid(f"Key attributes must be scalars; {problem}: Key: {path[0]}")
