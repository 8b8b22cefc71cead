"""What a request may hold, before anything is looked up: types, required members, ranges and words.

All violations are answered together, as AWS does: `2 validation errors detected: Value … at 'limit' failed …; …`.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.dynamodb.values import Body, Rejected, invalid, unreadable


@dataclass(frozen=True, slots=True)
class Member:
    """`kind` is the JSON type; low and high bound a number, or the length of a text or a list."""

    kind: type
    required: bool = False
    low: int | None = None
    high: int | None = None
    words: tuple[str, ...] = ()
    pattern: str = ""


TABLE = Member(str, required=True, low=3, high=255, pattern="[a-zA-Z0-9_.-]+")  # or an ARN
QUERY_LIMIT = Member(int, low=1)  # told in other words than those of a scan
_INDEX = Member(str, low=3, high=255, pattern="[a-zA-Z0-9_.-]+")
_FLAG, _TEXT, _MAP, _LIST = Member(bool), Member(str), Member(dict), Member(list)
_NEEDED_MAP, _NEEDED_LIST = Member(dict, required=True), Member(list, required=True)
_PLACEHOLDERS = {"ExpressionAttributeNames": _MAP, "ExpressionAttributeValues": _MAP}
_CAPACITY = {"ReturnConsumedCapacity": Member(str, words=("INDEXES", "TOTAL", "NONE"))}
_METRICS = {"ReturnItemCollectionMetrics": Member(str, words=("SIZE", "NONE"))}
_ON_FAILURE = {"ReturnValuesOnConditionCheckFailure": Member(str, words=("ALL_OLD", "NONE"))}
_OPERATOR = {"ConditionalOperator": Member(str, words=("OR", "AND"))}
_RETURNED = Member(str, words=("ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"))
_SELECT = Member(str, words=("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"))
_TOKEN = {"ClientRequestToken": Member(str, low=1, high=36)}
_CONDITION = {"TableName": TABLE, "ConditionExpression": _TEXT, **_PLACEHOLDERS, **_ON_FAILURE}
_WRITE = {**_CONDITION, **_CAPACITY, **_METRICS, **_OPERATOR, "Expected": _MAP, "ReturnValues": _RETURNED}
_PROJECTION = {"ProjectionExpression": _TEXT, "ExpressionAttributeNames": _MAP}
_READ = {
    **_PROJECTION,
    **_CAPACITY,
    "TableName": TABLE,
    "ConsistentRead": _FLAG,
    "AttributesToGet": Member(list, low=1),
}
_PAGE = {
    **_READ,
    **_PLACEHOLDERS,
    **_OPERATOR,
    "IndexName": _INDEX,
    "Limit": Member(int, low=1),
    "Select": _SELECT,
    "ExclusiveStartKey": _MAP,
    "FilterExpression": _TEXT,
}
_STATEMENT = {"Statement": Member(str, required=True, low=1, high=8192), "Parameters": Member(list, low=1)}
_STATEMENT |= {"ConsistentRead": _FLAG, **_ON_FAILURE}
_THROUGHPUT = {"BillingMode": Member(str, words=("PROVISIONED", "PAY_PER_REQUEST")), "ProvisionedThroughput": _MAP}
_TABLE = {
    **_THROUGHPUT,
    "DeletionProtectionEnabled": _FLAG,
    "StreamSpecification": _MAP,
    "TableClass": Member(str, words=("STANDARD", "STANDARD_INFREQUENT_ACCESS")),
}
_ARN = {"ResourceArn": Member(str, required=True, low=1, high=1283)}
ONLY_TABLE = {"TableName": TABLE}
ACTIONS: Mapping[str, Mapping[str, Member]] = {  # of TransactWriteItems, BatchWriteItem and TransactGetItems
    "Put": {**_CONDITION, "Item": _NEEDED_MAP},
    "Update": {**_CONDITION, "Key": _NEEDED_MAP, "UpdateExpression": Member(str, required=True)},
    "Delete": {**_CONDITION, "Key": _NEEDED_MAP},
    "ConditionCheck": {**_CONDITION, "Key": _NEEDED_MAP, "ConditionExpression": Member(str, required=True)},
    "TransactGet": {"Get": _NEEDED_MAP},
    "Get": {**_PROJECTION, "TableName": TABLE, "Key": _NEEDED_MAP},
    "Keys": {key: member for key, member in _READ.items() if key != "TableName"}
    | {"Keys": Member(list, required=True, low=1, high=100)},
}
MEMBERS: Mapping[str, Mapping[str, Member]] = {
    "GetItem": {**_READ, "Key": _NEEDED_MAP},
    "PutItem": {**_WRITE, "Item": _NEEDED_MAP},
    "UpdateItem": {**_WRITE, "Key": _NEEDED_MAP, "UpdateExpression": _TEXT, "AttributeUpdates": _MAP},
    "DeleteItem": {**_WRITE, "Key": _NEEDED_MAP},
    "Query": {
        **_PAGE,
        **dict.fromkeys(("QueryFilter", "KeyConditions"), _MAP),
        "KeyConditionExpression": _TEXT,
        "Limit": QUERY_LIMIT,
        "ScanIndexForward": _FLAG,
    },
    "Scan": {
        **_PAGE,
        "ScanFilter": _MAP,
        "Segment": Member(int, low=0, high=999_999),
        "TotalSegments": Member(int, low=1, high=1_000_000),
    },
    "BatchGetItem": {**_CAPACITY, "RequestItems": _MAP},
    "BatchWriteItem": {**_CAPACITY, **_METRICS, "RequestItems": _MAP},
    "TransactGetItems": {**_CAPACITY, "TransactItems": Member(list, required=True, low=1, high=100)},
    "TransactWriteItems": {
        **_CAPACITY,
        **_METRICS,
        **_TOKEN,
        "TransactItems": Member(list, required=True, low=1, high=100),
    },
    "ExecuteStatement": {**_STATEMENT, **_CAPACITY, "Limit": Member(int, low=1), "NextToken": _TEXT},
    "BatchExecuteStatement": {**_CAPACITY, "Statements": Member(list, required=True, low=1, high=25)},
    "ExecuteTransaction": {
        **_CAPACITY,
        **_TOKEN,
        "TransactStatements": Member(list, required=True, low=1, high=100),
    },
    "Statement": _STATEMENT,  # one of a batch or a transaction
    "CreateTable": {
        **_TABLE,
        "TableName": TABLE,
        "AttributeDefinitions": _NEEDED_LIST,
        "KeySchema": Member(list, required=True, low=1, high=2),
        **dict.fromkeys(("LocalSecondaryIndexes", "GlobalSecondaryIndexes", "Tags"), _LIST),
    },
    "DescribeTable": ONLY_TABLE,
    "DeleteTable": ONLY_TABLE,
    "UpdateTable": {
        **_TABLE,
        **ONLY_TABLE,
        **dict.fromkeys(("AttributeDefinitions", "GlobalSecondaryIndexUpdates"), _LIST),
    },
    "ListTables": {"ExclusiveStartTableName": _INDEX, "Limit": Member(int, low=1, high=100)},
    "DescribeTimeToLive": ONLY_TABLE,
    "UpdateTimeToLive": {**ONLY_TABLE, "TimeToLiveSpecification": _NEEDED_MAP},
    "DescribeLimits": {},
    "DescribeEndpoints": {},
    "TagResource": {**_ARN, "Tags": _NEEDED_LIST},
    "UntagResource": {**_ARN, "TagKeys": _NEEDED_LIST},
    "ListTagsOfResource": {**_ARN, "NextToken": _TEXT},
    "DescribeContinuousBackups": ONLY_TABLE,
}


def check(body: Body, members: Mapping[str, Member], place: str = "") -> None:
    """Raises Rejected for what violates the constraints. A member that is null is one that is missing."""
    violations = []
    for name, member in members.items():
        content = body.get(name)
        if content is None:
            if member.required:
                violations.append(_told("null", place, name, "Member must not be null"))
            body.pop(name, None)
        elif type(content) is not member.kind:
            raise unreadable(f"{type(content).__name__} cannot be converted to the type of {name}")
        else:
            where = "at 'Limit'" if member is QUERY_LIMIT else ""
            violations += [
                _told(_shown(content), place, name, problem, where) for problem in _problems(content, member)
            ]
    refuse(violations)


def check_one(content: Any, name: str, member: Member, place: str = "") -> None:
    check({name: content}, {name: member}, place)


def refuse(violations: Sequence[str]) -> None:
    if violations:
        several = "s" if len(violations) > 1 else ""
        raise invalid(f"{len(violations)} validation error{several} detected: {'; '.join(violations)}")


def counted(error: Rejected) -> Rejected:
    """An error as the calls tell it that count the violations of a request."""
    return invalid(f"1 validation error detected: {error.message}")


def items_requested(body: Body, operation: str) -> Body:
    if not body.get("RequestItems"):
        if operation == "BatchGetItem" and "RequestItems" in body:
            problem = "failed to satisfy constraint: Member must have length greater than or equal to 1"
            raise counted(invalid(f"Value at 'RequestItems' {problem}"))
        raise invalid(f"The requestItems parameter is required for {operation}")
    requested: Body = body["RequestItems"]
    return requested


def _told(shown: str, place: str, name: str, problem: str, where: str = "") -> str:
    where = where or f"{shown} at '{place}{name[0].lower()}{name[1:]}'"
    return f"Value {where} failed to satisfy constraint: {problem}"


def _shown(content: Any) -> str:
    if isinstance(content, list):
        return f"'[{', '.join(map(str, content))}]'"
    return f"'{content}'"


def _problems(content: Any, member: Member) -> Iterator[str]:
    if member is TABLE and content.startswith("arn:"):
        return
    if member.kind is int:
        measured, what = content, "value"
    elif member.low is not None or member.high is not None:
        measured, what = len(content), "length"
    else:
        measured, what = 0, ""
    if member.words and content not in member.words:
        yield f"Member must satisfy enum value set: [{', '.join(member.words)}]"
    if member.pattern and content and not re.fullmatch(member.pattern, content):
        yield f"Member must satisfy regular expression pattern: {member.pattern}"
    low = 1 if member is TABLE and not content else member.low
    if what and low is not None and measured < low:
        yield f"Member must have {what} greater than or equal to {low}"
    if what and member.high is not None and measured > member.high:
        yield f"Member must have {what} less than or equal to {member.high}"


def check_together(call: Body, expressions: Sequence[str], others: Sequence[str]) -> None:
    """Raises Rejected where a call mixes expressions with the older parameters, or has placeholders without any."""
    used = [name for name in expressions if name in call]
    older = [name for name in others if name in call]
    if used and older:
        raise invalid(
            "Can not use both expression and non-expression parameters in the same request: "
            f"Non-expression parameters: {{{', '.join(older)}}} Expression parameters: {{{', '.join(used)}}}"
        )
    if "ExpressionAttributeNames" in call and not used:
        raise invalid("ExpressionAttributeNames can only be specified when using expressions")
    if "ExpressionAttributeValues" in call:
        with_values = [name for name in expressions if name != "ProjectionExpression"]
        if not any(name in call for name in with_values):
            are = "are" if len(with_values) > 1 else "is"
            raise invalid(
                "ExpressionAttributeValues can only be specified when using expressions: "
                f"{' and '.join(with_values)} {are} null"
            )
