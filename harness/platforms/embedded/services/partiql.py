"""PartiQL on the embedded DynamoDB: each statement becomes one of the calls that read or write items."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from harness.dynamodb import keyconditions, requests
from harness.dynamodb.expressions import Placeholders
from harness.dynamodb.legacy import Comparison
from harness.dynamodb.paths import Path
from harness.dynamodb.paths import read as read_path
from harness.dynamodb.reads import Page, Reads, read_page, start_of
from harness.dynamodb.store import RING, StoredTable, View
from harness.dynamodb.values import Body, Item, Rejected, checked_item, invalid
from harness.dynamodb.writes import Write, Writes, placed, prepared
from harness.platforms.embedded.services.statements import Conjunct, Statement, joined, read

NO_KEY = "Where clause does not contain a mandatory equality on all key attributes"
_DUPLICATE = ("DuplicateItemException", "Duplicate primary key exists in table")
_EXISTS = "EXISTS can only be used in ExecuteTransaction write requests."
_PLACEHOLDER = re.compile(r"[#:][nv]\d+")
_OPERATORS = {"=": "EQ", "<": "LT", "<=": "LE", ">": "GT", ">=": "GE"}


class PartiQL:
    """Executes statements in order. `table` finds a table by its name."""

    def __init__(self, table: Callable[[str], StoredTable], reads: Reads, writes: Writes) -> None:
        self._table = table
        self._reads = reads
        self._writes = writes
        self.operations: dict[str, Callable[[Body], Body]] = {
            "ExecuteStatement": self._execute_one,
            "BatchExecuteStatement": self._execute_batch,
            "ExecuteTransaction": self._execute_transaction,
        }

    def _execute_one(self, body: Body) -> Body:
        statement = read(body["Statement"], body.get("Parameters", ()))
        if statement.verb == "SELECT":
            return self._select(statement, body)
        if statement.verb == "EXISTS":
            raise invalid(_EXISTS)
        item = self._write(statement, body)
        return {"Items": [item] if item else []}

    def _execute_batch(self, body: Body) -> Body:
        """Executes each statement by itself. Raises Rejected for reads and writes in one batch."""
        asked: list[tuple[Body, Statement | Rejected]] = [(each, _read_one(each)) for each in body["Statements"]]
        well_formed = [statement for _, statement in asked if isinstance(statement, Statement)]
        if len({statement.verb == "SELECT" for statement in well_formed}) > 1:
            raise invalid("Read and write requests together in the same batch is not supported.")
        self._check_apart(well_formed)
        return {"Responses": [self._respond(each, statement) for each, statement in asked]}

    def _check_apart(self, statements: Sequence[Statement]) -> None:
        """Raises Rejected for two statements of a batch about one item."""
        seen = []
        for statement in statements:
            try:
                table = self._table(statement.table)
            except Rejected:
                continue
            item = statement.item if statement.verb == "INSERT" else _key(statement.where, table) or {}
            seen += [(table.name, primary) for primary in [table.key.of(item)] if primary is not None]
        if len(set(seen)) < len(seen):
            raise invalid("Provided list of item keys contains duplicates")

    def _respond(self, body: Body, statement: Statement | Rejected) -> Body:
        named = {"TableName": statement.table} if isinstance(statement, Statement) else {}
        try:
            if isinstance(statement, Rejected):
                raise statement
            if statement.verb == "SELECT":
                item = self._selected_one(statement, "Only single item select is supported")
            elif statement.verb == "EXISTS":
                raise invalid(_EXISTS)
            else:
                item = self._write(statement, body) or None
        except Rejected as error:
            return {"Error": error.reason, **named}
        return {**named, **({} if item is None else {"Item": item})}

    def _execute_transaction(self, body: Body) -> Body:
        """Executes all statements or none: reads have a response each, writes none (recorded on AWS)."""
        statements = []
        for each in body["TransactStatements"]:
            requests.check(each, requests.MEMBERS["Statement"])
            statements.append((each, read(each["Statement"], each.get("Parameters", ()))))
        if len({statement.verb == "SELECT" for _, statement in statements}) > 1:
            raise invalid("ExecuteTransaction API does not support both read and write operations in the same request.")
        for index, (_, statement) in enumerate(statements):
            if statement.returning != "NONE":
                problem = "RETURNING clause is not supported in ExecuteTransaction."
                raise invalid(f"Validation failed in TransactStatements[{index}]: {problem}")
        if statements[0][1].verb != "SELECT":
            self._writes.transact([self._as_write(statement, each) for each, statement in statements], body)
            return {"Responses": []}
        problem = "Select statements within ExecuteTransaction must specify the primary key in the where clause."
        found = [self._selected_one(statement, problem) for _, statement in statements]
        return {"Responses": [{} if item is None else {"Item": item} for item in found]}

    def _select(self, statement: Statement, body: Body) -> Body:
        table = self._table(statement.table)
        if statement.index not in table.views:
            raise invalid(f"The table does not have the specified index: {statement.index}")
        view = table.views[statement.index]
        kept = _scope(statement, joined(statement.where)) if statement.where else None
        start = _start(table, view, body["NextToken"]) if "NextToken" in body else None
        page = Page(kept, None, start, body.get("Limit"), False, body.get("ConsistentRead", False))
        entries = view.scanned(0, RING, start)
        comparisons = _key_comparisons(statement.where, view)
        if comparisons:
            partition, sort = keyconditions.checked(comparisons, view.key)
            entries = view.queried(partition, not statement.descending, start)
            if sort is not None:
                entries = (entry for entry in entries if sort.holds(table.items[entry[2]]))
        answer = read_page(table, view, entries, page, body)
        items = [_chosen(item, statement.selected) for item in answer["Items"]]
        last = answer.get("LastEvaluatedKey")
        more = {"NextToken": urlsafe_b64encode(json.dumps(last).encode()).decode()} if last else {}
        consumed = {name: answer[name] for name in ("ConsumedCapacity",) if name in answer}
        return {"Items": items, **more, **consumed}

    def _selected_one(self, statement: Statement, problem: str) -> Item | None:
        table = self._table(statement.table)
        if statement.index or _key(statement.where, table) is None:
            raise invalid(problem)
        items: list[Item] = self._select(statement, {})["Items"]
        return items[0] if items else None

    def _write(self, statement: Statement, body: Body) -> Item:
        """Carries one statement out, and returns the attributes that it asks for."""
        done = placed(self._as_write(statement, body), self._table(statement.table))
        done.judge()
        self._writes.apply([done])
        return self._writes.returned(done, statement.returning)

    def _as_write(self, statement: Statement, body: Body) -> Write:
        table = self._table(statement.table)
        if statement.index:
            raise invalid("Index is not supported in a write statement.")
        first = table.key.names[0]
        if statement.verb == "INSERT":
            item = checked_item(statement.item)
            call: Body = {"Item": item, "ConditionExpression": "attribute_not_exists(#n0)"}
            return replace(_prepared("Put", table, call, {"#n0": first}, {}, body), failure=_DUPLICATE)
        key = _key(statement.where, table)
        if key is None:
            raise invalid(NO_KEY)
        rest = joined([conjunct for conjunct in statement.where if not _is_of_key(conjunct, table)])
        names, call = {**statement.names, "#n": first}, {"Key": key}
        if statement.verb == "EXISTS":
            call["ConditionExpression"] = f"attribute_exists(#n){f' AND {rest}' if rest else ''}"
            return _prepared("ConditionCheck", table, call, names, statement.values, body)
        if statement.verb == "DELETE":
            if rest:  # what is not there counts as deleted
                call["ConditionExpression"] = f"attribute_not_exists(#n) OR {rest}"
            return _prepared("Delete", table, call, names, statement.values, body)
        call["UpdateExpression"] = " ".join(f"{name} {', '.join(each)}" for name, each in statement.sections.items())
        call["ConditionExpression"] = f"attribute_exists(#n){f' AND {rest}' if rest else ''}"
        return _prepared("Update", table, call, names, statement.values, body)


def _read_one(body: Body) -> Statement | Rejected:
    try:
        requests.check(body, requests.MEMBERS["Statement"])
        return read(body["Statement"], body.get("Parameters", ()))
    except Rejected as error:
        return error


def _prepared(kind: str, table: StoredTable, call: Body, names: Item | Any, values: Item, body: Body) -> Write:
    """The write of a call, with those placeholders that its expressions use."""
    used = set(_PLACEHOLDER.findall(" ".join(str(text) for name, text in call.items() if name.endswith("Expression"))))
    used |= {"#n"} if "#n)" in call.get("ConditionExpression", "") else set()
    placeholders: Body = {
        "ExpressionAttributeNames": {name: content for name, content in names.items() if name in used},
        "ExpressionAttributeValues": {name: content for name, content in values.items() if name in used},
    }
    on_failure = {name: body[name] for name in ("ReturnValuesOnConditionCheckFailure",) if name in body}
    given = {name: content for name, content in placeholders.items() if content}
    return prepared(kind, {**call, **given, **on_failure, "TableName": table.name})


def _scope(statement: Statement, text: str) -> Any:
    call = {"ExpressionAttributeNames": statement.names, "ExpressionAttributeValues": statement.values}
    return Placeholders.of({name: content for name, content in call.items() if content}).condition("WHERE clause", text)


def _is_of_key(conjunct: Conjunct, table: StoredTable) -> bool:
    return conjunct.name in table.key.names and conjunct.operator == "="


def _key(where: Sequence[Conjunct], table: StoredTable) -> Item | None:
    """The whole key that the conditions name; None where they do not."""
    equal = {each.name: each.value for each in where if each.value is not None and _is_of_key(each, table)}
    return dict(equal) if set(equal) == set(table.key.names) else None


def _key_comparisons(where: Sequence[Conjunct], view: View) -> tuple[Comparison, ...]:
    """The comparisons of the view's key, if its partition is named; the rest is for the filter."""
    by_name: dict[str, Comparison] = {}
    for each in where:
        if each.name in view.key.names and each.value is not None and each.operator in _OPERATORS:
            by_name.setdefault(each.name, Comparison(each.name, _OPERATORS[each.operator], (each.value,)))
    partition = by_name.get(view.key.names[0])
    return tuple(by_name.values()) if partition is not None and partition.operator == "EQ" else ()


def _start(table: StoredTable, view: View, token: str) -> Item:
    try:
        return start_of(table, view, checked_item(json.loads(urlsafe_b64decode(token))))
    except (ValueError, Rejected):
        raise invalid("NextToken does not match request") from None


def _chosen(item: Item, selected: Sequence[Path] | None) -> Item:
    """The selected values, named by the last name of their paths."""
    if selected is None:
        return item
    chosen: Item = {}
    for path in selected:
        value = read_path(item, path)
        if value is not None:
            last = max(index for index, step in enumerate(path) if isinstance(step, str))
            chosen[str(path[last]) + "".join(f"[{step}]" for step in path[last + 1 :])] = value
    return chosen
