"""Calls of the item API as Hypothesis draws them: right ones, and wrong ones as they come about.

A call is the name of a boto3 method and its parameters. Tables are named by their keys: S, SN, SB (partition and sort
key); all have the global index `g` on `g`, and those with a sort key the local index `l` on `n`.
"""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st

NAMES = {"#n": "name", "#v": "v", "#g": "g"}
TABLES = ("S", "SN", "SB")
_IDS = st.sampled_from(["a", "b"])
_SORTS = {
    "SN": st.sampled_from(["1", "2", "10", "-1.50"]).map(lambda text: {"N": text}),
    "SB": st.sampled_from([b"\x00", b"\x7f", b"\xfb", b"\xfb\x00"]).map(lambda content: {"B": content}),
}
_NUMBERS = st.sampled_from(["0", "1", "1.0", "-2.50", "1e2", "9" * 38, "0.1", "1E-130"]).map(lambda text: {"N": text})
_TEXTS = st.sampled_from(["", "a", "ab", "b", "é", "N", "SS"]).map(lambda text: {"S": text})
_BINARIES = st.sampled_from([b"", b"a", b"\xfb", b"\x00\xff"]).map(lambda content: {"B": content})
_SETS = st.one_of(
    st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3, unique=True).map(lambda each: {"SS": each}),
    st.lists(st.sampled_from(["1", "2", "-3"]), min_size=1, max_size=3, unique=True).map(lambda each: {"NS": each}),
    st.lists(st.sampled_from([b"a", b"\xfb"]), min_size=1, max_size=2, unique=True).map(lambda each: {"BS": each}),
)
_WRONG = st.sampled_from([{"N": "x"}, {"SS": []}, {"NULL": False}, {"S": "a", "N": "1"}, {"N": "1" * 39}, {}])
_FLAT = st.one_of(
    _NUMBERS, _NUMBERS, _TEXTS, _BINARIES, _SETS, st.sampled_from([{"BOOL": True}, {"BOOL": False}, {"NULL": True}])
)
VALUES = st.recursive(
    _FLAT,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda each: {"L": each}),
        st.dictionaries(st.sampled_from(["a", "b", "name"]), inner, max_size=3).map(lambda each: {"M": each}),
    ),
    max_leaves=4,
)
_ANY_VALUE = st.one_of(*[VALUES] * 30, _WRONG)
_ATTRIBUTES = st.dictionaries(st.sampled_from(["v", "w", "l", "m", "name", "z"]), _ANY_VALUE, max_size=4)
_INDEXED = st.fixed_dictionaries({}, optional={"g": st.sampled_from([{"S": "x"}, {"S": "y"}, {"N": "1"}])})
_NUMBERED = st.fixed_dictionaries({}, optional={"n": st.sampled_from([{"N": "1"}, {"N": "2"}, {"S": "1"}])})
_PATHS = st.sampled_from(
    [
        "v",
        "w",
        "l",
        "m",
        "#n",
        "#v",
        "l[0]",
        "l[1]",
        "l[5]",
        "m.a",
        "m.b",
        "m.#n",
        "m.a.b",
        "l[0].a",
        "m.a[0]",
        "z",
        "g",
    ]
)
_SETTABLE = st.one_of(*[_PATHS] * 12, st.sampled_from(["id", "v.x", "name", "#u", "id.x"]))
_LITERALS = st.sampled_from([":a", ":b", ":c", ":a", ":b", ":c", ":a", ":b", ":u"])
_OPERANDS = st.one_of(_PATHS, _LITERALS)
_SIZED = st.one_of(_OPERANDS, _PATHS.map(lambda path: f"size({path})"))


def _joined(*parts: Any) -> Any:
    return st.tuples(*[part if isinstance(part, st.SearchStrategy) else st.just(part) for part in parts]).map("".join)


_COMPARISONS = st.one_of(
    _joined(_PATHS, st.sampled_from([" = ", " <> ", " < ", " <= ", " > ", " >= "]), _SIZED),
    _joined(_SIZED, st.sampled_from([" = ", " <> ", " < ", " >= "]), _LITERALS),
    _joined(_PATHS, " BETWEEN ", _LITERALS, " AND ", _OPERANDS),
    _joined(_PATHS, " IN (", _LITERALS, ", ", _OPERANDS, ")"),
    _joined(st.sampled_from(["attribute_exists(", "attribute_not_exists("]), _PATHS, ")"),
    _joined("begins_with(", _PATHS, ", ", _LITERALS, ")"),
    _joined("contains(", _PATHS, ", ", _OPERANDS, ")"),
    _joined("attribute_type(", _PATHS, ", ", _LITERALS, ")"),
)
CONDITIONS = st.recursive(
    _COMPARISONS,
    lambda inner: st.one_of(
        _joined(inner, st.sampled_from([" AND ", " OR "]), inner), _joined("NOT ", inner), _joined("(", inner, ")")
    ),
    max_leaves=3,
)
_SUMS = st.one_of(
    _OPERANDS,
    _OPERANDS,
    _joined(_OPERANDS, st.sampled_from([" + ", " - "]), _OPERANDS),
    _joined("if_not_exists(", _PATHS, ", ", _OPERANDS, ")"),
    _joined("if_not_exists(", _PATHS, ", ", _LITERALS, ") + ", _LITERALS),
    _joined("list_append(", _OPERANDS, ", ", _OPERANDS, ")"),
)
_SET = st.lists(_joined(_SETTABLE, " = ", _SUMS), min_size=1, max_size=3).map(", ".join)
_SECTIONS = {
    "SET": _SET,
    "REMOVE": st.lists(_SETTABLE, min_size=1, max_size=2).map(", ".join),
    "ADD": _joined(_SETTABLE, " ", _LITERALS),
    "DELETE": _joined(_SETTABLE, " ", _LITERALS),
}


@st.composite
def updates(draw: Any) -> str:
    sections = draw(st.lists(st.sampled_from(["SET", "SET", *_SECTIONS]), min_size=1, max_size=3, unique=True))
    return " ".join(f"{section} {draw(_SECTIONS[section])}" for section in sections)


_PROJECTIONS = st.lists(st.one_of(_PATHS, _PATHS, st.just("id")), min_size=1, max_size=3).map(", ".join)


def keys(table: str) -> Any:
    key = {"id": _IDS.map(lambda id: {"S": id})}
    if table in _SORTS:
        key["sort"] = _SORTS[table]
    whole = st.fixed_dictionaries(key)
    return st.one_of(*[whole] * 20, st.just({"id": {"N": "1"}}), st.just({"id": {"S": "a"}, "other": {"S": "a"}}))


def items(table: str) -> Any:
    return st.tuples(keys(table), _ATTRIBUTES, _INDEXED, _NUMBERED).map(
        lambda parts: {k: v for p in parts for k, v in p.items()}
    )


@st.composite
def placeholders(draw: Any, *expressions: str) -> dict[str, Any]:
    """The names and values that the expressions use; sometimes one too many."""
    used = set(re.findall(r"[#:]\w+", " ".join(expressions)))
    extra = draw(st.sampled_from([set(), set(), set(), set(), set(), set(), {":a"}, {"#g"}]))
    names = {name: NAMES[name] for name in sorted(used | extra) if name in NAMES}
    values = {name: draw(_ANY_VALUE) for name in sorted(used | extra) if name[0] == ":" and name != ":u"}
    found = {"ExpressionAttributeNames": names, "ExpressionAttributeValues": values}
    return {name: content for name, content in found.items() if content}


@st.composite
def _write(draw: Any, table: str, kind: str) -> dict[str, Any]:
    """The parameters of one Put, Update, Delete or ConditionCheck."""
    call: dict[str, Any] = {"TableName": table}
    call["Item" if kind == "Put" else "Key"] = draw(items(table) if kind == "Put" else keys(table))
    if kind == "ConditionCheck" or draw(st.booleans()):
        call["ConditionExpression"] = draw(CONDITIONS)
    if kind == "Update":
        call["UpdateExpression"] = draw(updates())
        only_takes_away = not re.search(r"\b(SET|ADD)\b", call["UpdateExpression"])
        if only_takes_away:  # DynamoDB Local makes an item (differences)
            condition = call.get("ConditionExpression")
            call["ConditionExpression"] = (
                f"attribute_exists(id) AND ({condition})" if condition else "attribute_exists(id)"
            )
    call["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    texts = [call[name] for name in ("ConditionExpression", "UpdateExpression") if name in call]
    return {**call, **draw(placeholders(*texts))}


@st.composite
def single_writes(draw: Any, table: str) -> tuple[str, dict[str, Any]]:
    kind = draw(st.sampled_from(["Put", "Put", "Update", "Update", "Update", "Delete"]))
    returnable = ["ALL_NEW", "ALL_NEW", "ALL_OLD", "UPDATED_NEW", "UPDATED_OLD"] if kind == "Update" else ["ALL_OLD"]
    returned = draw(st.sampled_from(returnable))
    return f"{kind.lower()}_item", {**draw(_write(table, kind)), "ReturnValues": returned}


@st.composite
def transactions(draw: Any, table: str) -> tuple[str, dict[str, Any]]:
    kinds = draw(st.lists(st.sampled_from(["Put", "Update", "Delete", "ConditionCheck"]), min_size=1, max_size=3))
    return "transact_write_items", {"TransactItems": [{kind: draw(_write(table, kind))} for kind in kinds]}


@st.composite
def batches(draw: Any, table: str) -> tuple[str, dict[str, Any]]:
    put = items(table).map(lambda item: {"PutRequest": {"Item": item}})
    delete = keys(table).map(lambda key: {"DeleteRequest": {"Key": key}})
    return "batch_write_item", {"RequestItems": {table: draw(st.lists(st.one_of(put, delete), min_size=1, max_size=3))}}


@st.composite
def _projected(draw: Any) -> dict[str, Any]:
    if not draw(st.booleans()):
        return {}
    projection = draw(_PROJECTIONS)
    used = {name: NAMES[name] for name in sorted(set(re.findall(r"#\w+", projection))) if name in NAMES}
    return {"ProjectionExpression": projection, **({"ExpressionAttributeNames": used} if used else {})}


@st.composite
def key_reads(draw: Any, table: str) -> tuple[str, dict[str, Any]]:
    kind = draw(st.sampled_from(["get_item", "batch_get_item", "transact_get_items"]))
    if kind == "get_item":
        return kind, {"TableName": table, "Key": draw(keys(table)), **draw(_projected())}
    asked = draw(st.lists(keys(table), min_size=1, max_size=3))
    if kind == "batch_get_item":
        return kind, {"RequestItems": {table: {"Keys": asked, **draw(_projected())}}}
    return kind, {"TransactItems": [{"Get": {"TableName": table, "Key": key, **draw(_projected())}} for key in asked]}


@st.composite
def pages(draw: Any, table: str) -> tuple[str, dict[str, Any]]:
    """A query or a scan, of the table or an index, with a filter and a projection."""
    call: dict[str, Any] = {"TableName": table}
    kind = draw(st.sampled_from(["query", "query", "scan"]))
    index = draw(st.sampled_from(["", "", "ggg", "lll"]))
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    if index:
        call["IndexName"] = index
    if draw(st.booleans()):
        call["FilterExpression"] = draw(CONDITIONS)
        used = draw(placeholders(call["FilterExpression"]))
        names, values = used.get("ExpressionAttributeNames", {}), used.get("ExpressionAttributeValues", {})
    if draw(st.sampled_from([False, False, True])):
        projection = draw(_projected())
        names = {**names, **projection.pop("ExpressionAttributeNames", {})}
        call |= projection
    if kind == "query":
        partition, sort = {"": ("id", "sort"), "ggg": ("g", "id"), "lll": ("id", "n")}[index]
        conditions = [f"{partition} = :p"]
        values[":p"] = {"S": draw(st.sampled_from(["a", "b", "x", "y"]))}
        if draw(st.booleans()):
            wanted = {"n": _NUMBERS, "id": _TEXTS, "sort": _SORTS.get(table, _TEXTS)}[sort]
            condition = draw(
                st.sampled_from(["{} = :s", "{} < :s", "{} >= :s", "{} BETWEEN :s AND :t", "begins_with({}, :s)"])
            )
            conditions.append(condition.format(sort))
            values |= {name: draw(wanted) for name in (":s", ":t") if name in condition}
        call |= {"KeyConditionExpression": " AND ".join(conditions), "ScanIndexForward": draw(st.booleans())}
    call["Limit"] = draw(st.integers(1, 4))
    call |= {"ExpressionAttributeNames": names} if names else {}
    return kind, {**call, **({"ExpressionAttributeValues": values} if values else {})}


_OPERATORS = st.sampled_from(
    ["EQ", "NE", "LT", "GE", "IN", "BETWEEN", "NULL", "NOT_NULL", "CONTAINS", "NOT_CONTAINS", "BEGINS_WITH"]
)


@st.composite
def _older_conditions(draw: Any) -> dict[str, Any]:
    conditions = {}
    for name in draw(st.lists(st.sampled_from(["v", "w", "l", "m"]), min_size=1, max_size=2, unique=True)):
        operator = draw(_OPERATORS)
        count = {"NULL": 0, "NOT_NULL": 0, "BETWEEN": 2}.get(operator, 1)
        listed = [draw(VALUES) for _ in range(count)]
        conditions[name] = {"ComparisonOperator": operator, **({"AttributeValueList": listed} if listed else {})}
    return conditions


@st.composite
def older_calls(draw: Any, table: str) -> tuple[str, dict[str, Any]]:
    """Expected, AttributeUpdates, AttributesToGet, QueryFilter, ScanFilter and KeyConditions."""
    kind = draw(st.sampled_from(["put_item", "update_item", "update_item", "get_item", "query", "scan"]))
    call: dict[str, Any] = {"TableName": table}
    if kind in ("put_item", "update_item"):
        if kind == "put_item":
            call["Item"] = draw(items(table))
        else:
            put = VALUES.map(lambda value: {"Action": "PUT", "Value": value})
            change = st.one_of(
                put,
                st.just({"Action": "DELETE"}),
                st.tuples(st.sampled_from(["ADD", "DELETE"]), _FLAT).map(lambda p: {"Action": p[0], "Value": p[1]}),
            )
            changes = {"z": draw(put), **draw(st.dictionaries(st.sampled_from(["v", "w", "l"]), change, max_size=2))}
            call |= {"Key": draw(keys(table)), "AttributeUpdates": changes, "ReturnValues": "ALL_NEW"}
        if draw(st.booleans()):
            call["Expected"] = draw(_older_conditions())
        return kind, call
    if draw(st.booleans()):
        call["AttributesToGet"] = draw(
            st.lists(st.sampled_from(["v", "w", "id", "m.a"]), min_size=1, max_size=2, unique=True)
        )
    if kind == "get_item":
        return kind, {**call, "Key": draw(keys(table))}
    filters = (
        {"QueryFilter" if kind == "query" else "ScanFilter": draw(_older_conditions())} if draw(st.booleans()) else {}
    )
    if kind == "query":
        id = {"S": draw(_IDS)}
        call["KeyConditions"] = {"id": {"ComparisonOperator": "EQ", "AttributeValueList": [id]}}
    return kind, {**call, **filters}


@st.composite
def statements(draw: Any, table: str) -> tuple[str, dict[str, Any]]:
    """PartiQL on one item."""
    key = draw(keys(table))
    where = " AND ".join(f"{name} = ?" for name in key)
    kind = draw(st.sampled_from(["SELECT", "SELECT", "INSERT", "UPDATE", "DELETE"]))
    parameters = list(key.values())
    if kind == "INSERT":
        members = ", ".join(f"'{name}': ?" for name in key)
        return "execute_statement", {
            "Statement": f"INSERT INTO {table} VALUE {{{members}, 'v': 1}}",
            "Parameters": parameters,
        }
    if kind == "UPDATE":
        change = draw(st.sampled_from(["SET v = ?", "SET m.a = ?", "SET l[1] = ? REMOVE w", "SET v = v + ?"]))
        parameters = [draw(VALUES), *parameters]
        return "execute_statement", {"Statement": f"UPDATE {table} {change} WHERE {where}", "Parameters": parameters}
    verb = "DELETE" if kind == "DELETE" else draw(st.sampled_from(["SELECT *", "SELECT v, m.a", "SELECT name"]))
    rest = draw(st.sampled_from(["", " AND v IS NOT MISSING", " AND v = 1", " AND NOT w < 'b'"]))
    return "execute_statement", {"Statement": f"{verb} FROM {table} WHERE {where}{rest}", "Parameters": parameters}


def sequences(table: str) -> Any:
    writes = st.one_of(
        single_writes(table), single_writes(table), single_writes(table), transactions(table), batches(table)
    )
    reads = st.one_of(key_reads(table), pages(table), pages(table))
    call = st.one_of(writes, writes, reads, older_calls(table), statements(table))
    return st.lists(call, min_size=1, max_size=10)
