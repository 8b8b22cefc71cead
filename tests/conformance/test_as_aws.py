"""What AWS answers where emulators are wrong: each case is recorded in a public suite that was run against AWS.

Sources: ScyllaDB's Alternator tests (run with --aws), moto's tests marked aws_verified, nubo-db/dynamodb-conformance.
DynamoDB Local is wrong in a few of them (differences), so only the embedded service is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from database import Database, code, embedded

VALIDATION = "ValidationException"
_GLOBAL: dict[str, Any] = {
    "attributes": [{"AttributeName": "g", "AttributeType": "S"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "index",
            "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}
Case = Callable[["Bench"], Any]


def s(text: str) -> Any:
    return {"S": text}


def n(number: float) -> Any:
    return {"N": str(number)}


def b(content: bytes) -> Any:
    return {"B": content}


class Bench:
    """A table with the partition key `p` and perhaps the sort key `c`, and short forms of calls on the item x."""

    def __init__(self, database: Database, partition: str = "S", sort: str = "", attributes: Any = (), **more: Any):
        self.calls, self._reads = database.writes, database.reads
        keys = [("p", partition, "HASH"), *([("c", sort, "RANGE")] if sort else [])]
        definitions = [{"AttributeName": name, "AttributeType": kind} for name, kind, _ in keys]
        self.calls.create_table(
            TableName="Table",
            KeySchema=[{"AttributeName": name, "KeyType": role} for name, _, role in keys],
            AttributeDefinitions=[*definitions, *attributes],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            **more,
        )

    def put(self, **item: Any) -> Any:
        return self.calls.put_item(TableName="Table", Item=item)

    def get(self, **parameters: Any) -> Any:
        return self.calls.get_item(TableName="Table", Key={"p": s("x")}, **parameters).get("Item")

    def update(self, expression: str, values: Any = None, **parameters: Any) -> Any:
        if values:
            parameters["ExpressionAttributeValues"] = values
        return self.calls.update_item(
            TableName="Table", Key={"p": s("x")}, UpdateExpression=expression, **parameters
        ).get("Attributes")

    def query(self, condition: str = "p = :p", values: Any = None, **parameters: Any) -> Any:
        values = {":p": s("x"), **(values or {})}
        return self.calls.query(
            TableName="Table", KeyConditionExpression=condition, ExpressionAttributeValues=values, **parameters
        )["Items"]

    def names(self) -> list[str]:
        arn = self.calls.describe_table(TableName="Table")["Table"]["LatestStreamArn"]
        (shard,) = self._reads.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        place = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = self._reads.get_shard_iterator(**place)["ShardIterator"]
        return [record["eventName"] for record in self._reads.get_records(ShardIterator=iterator)["Records"]]

    def held(self, condition: str, values: Any, **item: Any) -> Any:
        """What `a` is after an update to 2 with a condition on the item."""
        self.put(p=s("x"), **item)
        self.update("SET a = :two", {":two": n(2), **values}, ConditionExpression=condition)
        return self.get()["a"]

    def filtered(self, condition: str, value: Any, **item: Any) -> int:
        self.put(p=s("x"), **item)
        return len(self.query(values={":v": value}, FilterExpression=condition))

    def transact(self, *actions: Any, **parameters: Any) -> Any:
        items = [{kind: {"TableName": "Table", **call}} for kind, call in actions]
        return self.calls.transact_write_items(TransactItems=items, **parameters)

    def after(self, expression: str, values: Any, **item: Any) -> Any:
        self.put(p=s("x"), **item)
        self.update(expression, values)
        return self.get()

    def nothing_left(self, expression: str, values: Any = None) -> Any:
        """The item and the records after an update of an item that was not there."""
        self.update(expression, values)
        return self.get(), self.names()

    def sorted_binaries(self, condition: str, values: Any = None) -> list[str]:
        for content in (b"\xfb", b"\x00", b"\x7f"):
            self.put(p=s("x"), c=b(content))
        return [item["c"]["B"].hex() for item in self.query(condition, values)]


def _reasons(bench: Bench) -> list[str]:
    try:
        bench.transact(("Put", {"Item": {"p": n(3)}}), ("Put", {"Item": {"q": s("x")}}))
    except ClientError as error:
        return [reason["Code"] for reason in error.response["CancellationReasons"]]
    return []


def _elements(*values: Any) -> Any:
    return {"L": list(values)}


_BEYOND = {f":a{i}": s(f"a{i}") for i in (1, 2, 3, 4)}
_SET_BEYOND = "SET a[84] = :a1, a[37] = :a2, a[17] = :a3, a[50] = :a4"
_SEVEN = _elements(*(n(i) for i in (2, 3, 4, 5, 6, 7)))
_LARGE = [("Put", {"Item": {"p": s(f"x{i}"), "a": s("a" * 350_000)}}) for i in range(15)]
_PLACED = {"UpdateExpression": "SET a = :v", "ExpressionAttributeValues": {":v": n(1)}, "Key": {"p": s("x")}}
_NAMED = {"ExpressionAttributeNames": {"#q": "q"}}
_GET = {"Get": {"TableName": "Table", "Key": {"p": s("x")}}}
_SORTED: dict[str, Any] = {"sort": "S"}
_BINARY: dict[str, Any] = {"sort": "B"}
_ON_INDEX = 'SELECT * FROM "Table"."index" WHERE g = \'y\''

CASES: dict[str, tuple[Any, Case] | tuple[Any, Case, dict[str, Any]]] = {
    "REMOVE alone makes no item": ((None, []), lambda t: t.nothing_left("REMOVE g")),
    "DELETE alone makes no item": ((None, []), lambda t: t.nothing_left("DELETE g :v", {":v": {"SS": ["a"]}})),
    "list elements keep their numbers": (
        _elements(n(2), n(4), n(17), n(6), n(7)),
        lambda t: t.after("REMOVE a[1] SET a[3] = :v", {":v": n(17)}, a=_SEVEN)["a"],
    ),
    "beyond the end, in the order of the indexes": (
        _elements(s("a3"), s("a2"), s("a4"), s("a1")),
        lambda t: t.after(_SET_BEYOND, _BEYOND, a=_elements())["a"],
    ),
    "UPDATED_NEW of a nested path": (
        {"a": {"M": {"b": s("hi")}}},
        lambda t: (
            t.put(p=s("x"), a={"M": {"b": s("dog"), "c": s("cat")}}),
            t.update("SET a.b = :v", {":v": s("hi")}, ReturnValues="UPDATED_NEW"),
        )[1],
    ),
    "UPDATED_OLD of a new nested path": (
        None,
        lambda t: (
            t.put(p=s("x"), a={"M": {"c": s("cat")}}),
            t.update("SET a.b = :v", {":v": s("hi")}, ReturnValues="UPDATED_OLD"),
        )[1],
    ),
    "operands are read before the update": (
        {"p": s("x"), "a": n(2), "b": n(1)},
        lambda t: t.after("SET a = b, b = a", None, a=n(1), b=n(2)),
    ),
    "what was set from another keeps its value": (
        {"p": s("x"), "was": {"M": {"a": n(1)}}, "now": {"M": {"a": n(2)}}},
        lambda t: t.after("SET was = now, now.a = :v", {":v": n(2)}, now={"M": {"a": n(1)}}),
    ),
    "an empty update": (VALIDATION, lambda t: t.update("")),
    "an empty condition": (VALIDATION, lambda t: t.held("", {}, a=n(1))),
    "begins_with of a binary": (n(2), lambda t: t.held("begins_with(b, :q)", {":q": b(b"hi")}, b=b(b"hi there"))),
    "contains of a binary": (n(2), lambda t: t.held("contains(b, :q)", {":q": b(b"here")}, b=b(b"hi there"))),
    "size of a binary": (n(2), lambda t: t.held("size(b) = :q", {":q": n(8)}, b=b(b"hi there"))),
    "less than a binary": (n(2), lambda t: t.held("b < :q", {":q": b(b"\xfb")}, b=b(b"\x00"))),
    "the order of binary keys": (["00", "7f", "fb"], lambda t: t.sorted_binaries("p = :p"), _BINARY),
    "a range of binary keys": (
        ["00", "7f"],
        lambda t: t.sorted_binaries("p = :p AND c < :c", {":c": b(b"\xf0")}),
        _BINARY,
    ),
    "a filter begins_with of a binary": (1, lambda t: t.filtered("begins_with(b, :v)", b(b"hi"), b=b(b"hi there"))),
    "a filter size of a binary": (1, lambda t: t.filtered("size(b) = :v", n(8), b=b(b"hi there"))),
    "another type never compares": (0, lambda t: t.filtered("s < :v", n(9), s=s("5"))),
    "a missing attribute equals nothing": (0, lambda t: t.filtered("contains(s, :v) OR q = r", s("z"), s=s("5"))),
    "a key attribute may be read": (
        {"p": s("x"), "twin": s("x"), "holder": s("x")},
        lambda t: t.after("SET twin = p, holder = if_not_exists(holder, p)", None),
    ),
    "if_not_exists in if_not_exists": (
        n(1),
        lambda t: t.after("SET a = if_not_exists(b, if_not_exists(d, :v))", {":v": n(1)})["a"],
    ),
    "a sum of three": (VALIDATION, lambda t: t.update("SET b = :a + :c + :d", {f":{x}": n(1) for x in "acd"})),
    "39 digits of a sum": (
        VALIDATION,
        lambda t: t.after("SET a = a + :v", {":v": n(0.1)}, a={"N": "9" * 38}),
    ),
    "a list does not compare": (VALIDATION, lambda t: t.held("a < :q", {":q": _elements(n(1))}, a=n(1))),
    "a type that there is not": (VALIDATION, lambda t: t.held("attribute_type(a, :q)", {":q": s("DOG")}, a=n(1))),
    "size of a value": (n(2), lambda t: t.held("size(:q) >= :n", {":q": s("abc"), ":n": n(2)}, a=n(1))),
    "NOT NOT": (n(2), lambda t: t.held("NOT NOT a < :two", {}, a=n(1))),
    "a condition is validated before it is judged": (
        VALIDATION,
        lambda t: t.update("SET a = :unknown", ConditionExpression="attribute_exists(nowhere)"),
    ),
    "an unused name in a transaction": (
        VALIDATION,
        lambda t: t.transact(("Update", {**_PLACED, **_NAMED})),
    ),
    "a transaction of nothing": (VALIDATION, lambda t: t.transact()),
    "a check without a condition": (VALIDATION, lambda t: t.transact(("ConditionCheck", {"Key": {"p": s("x")}}))),
    "a token of 37 characters": (
        VALIDATION,
        lambda t: t.transact(("Put", {"Item": {"p": s("x")}}), ClientRequestToken="x" * 37),
    ),
    "a transaction of 5 MB": (VALIDATION, lambda t: t.transact(*_LARGE)),
    "a put of another type than an index has": (VALIDATION, lambda t: t.put(p=s("x"), g=n(3)), _GLOBAL),
    "an update to another type than an index has": (
        VALIDATION,
        lambda t: t.update("SET g = :g", {":g": n(3)}),
        _GLOBAL,
    ),
    "an empty name": (VALIDATION, lambda t: t.put(p=s("x"), **{"": n(3)})),
    "a batch of no reads": (VALIDATION, lambda t: t.calls.batch_get_item(RequestItems={})),
    "a start key without its sort key": (VALIDATION, lambda t: t.query(ExclusiveStartKey={"p": s("x")}), _SORTED),
    "an unused value of a query": (VALIDATION, lambda t: t.query(values={":z": s("y")})),
    "a filter that names a key": (
        VALIDATION,
        lambda t: t.query(values={":c": s("y")}, FilterExpression="c = :c"),
        _SORTED,
    ),
    "a projection of a path and its parent": (VALIDATION, lambda t: t.get(ProjectionExpression="a, a.b")),
    "a projection into a scalar": (
        {},
        lambda t: (t.put(p=s("x"), a=n(1)), t.get(ProjectionExpression="a.x"))[1],
    ),
    "a projection of list elements": (
        {"l": _elements(s("a"), s("c"))},
        lambda t: (
            t.put(p=s("x"), l=_elements(s("a"), s("b"), s("c"))),
            t.get(ProjectionExpression="#l[0], #l[2]", ExpressionAttributeNames={"#l": "l"}),
        )[1],
    ),
    "a binary key of 2048 bytes": (None, lambda t: t.put(p=b(b"x" * 2048)) and None, {"partition": "B"}),
    "capacity of a consistent read": (
        1.0,
        lambda t: t.calls.get_item(
            TableName="Table", Key={"p": s("x")}, ConsistentRead=True, ReturnConsumedCapacity="TOTAL"
        )["ConsumedCapacity"]["CapacityUnits"],
    ),
    "capacity of a long put": (
        2.0,
        lambda t: t.calls.put_item(
            TableName="Table", Item={"p": s("x"), "a": s("a" * 2000)}, ReturnConsumedCapacity="TOTAL"
        )["ConsumedCapacity"]["CapacityUnits"],
    ),
    "reasons after a wrong key": (["ValidationError", "None"], _reasons),
    "two reads of one item in a transaction": (
        VALIDATION,
        lambda t: t.calls.transact_get_items(TransactItems=[_GET, _GET]),
    ),
    "NULL: false": (VALIDATION, lambda t: t.put(p=s("x"), n={"NULL": False})),
    "a limit of zero": (VALIDATION, lambda t: t.query(Limit=0)),
    "a page that ends at its limit": (
        {"p": s("x")},
        lambda t: (t.put(p=s("x")), t.calls.scan(TableName="Table", Limit=1)["LastEvaluatedKey"])[1],
    ),
    "PartiQL on an index": (
        1,
        lambda t: (
            t.put(p=s("x"), g=s("y")),
            len(t.calls.execute_statement(Statement=_ON_INDEX)["Items"]),
        )[1],
        _GLOBAL,
    ),
    "a segment beyond all": (VALIDATION, lambda t: t.calls.scan(TableName="Table", Segment=-1, TotalSegments=2)),
}


@pytest.mark.parametrize("case", CASES)
def test_as_aws_answers(case: str) -> None:
    """The answer of AWS, or the code of its error; and what is refused has changed nothing."""
    expected, call, *more = CASES[case]
    bench = Bench(embedded(), **(more[0] if more else {}))
    if expected != VALIDATION:
        assert call(bench) == expected
        return
    with pytest.raises(ClientError) as raised:
        call(bench)
    assert code(raised.value.response) == VALIDATION  # type: ignore[arg-type]
