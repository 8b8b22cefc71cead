"""PartiQL on the embedded DynamoDB: each statement becomes one of the calls that read or write items."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence

from harness.dynamodb import requests
from harness.dynamodb.expressions import Selection
from harness.dynamodb.grammar import Call, Literal, Name
from harness.dynamodb.keyconditions import OPERATORS, KeyConditions, conjuncts
from harness.dynamodb.legacy import Comparison
from harness.dynamodb.paths import Path
from harness.dynamodb.paths import read as read_path
from harness.dynamodb.reads import (
    Page,
    Reads,
    check_filter_reach,
    check_selection_reach,
    check_start,
    queried,
    read_page,
)
from harness.dynamodb.store import RING, Entry, StoredTable, View
from harness.dynamodb.updates import update_of
from harness.dynamodb.values import Body, Item, Rejected, check_size, checked_item, invalid
from harness.dynamodb.writes import ONE_ITEM, Write, Writes, cancelled_at
from harness.platforms.embedded.services.statements import Statement, read

NO_KEY = "Where clause does not contain a mandatory equality on all key attributes"
NO_KEY_OF_SELECT = "Select statements within {} must specify the primary key in the where clause."
_DUPLICATE = ("DuplicateItemException", "Duplicate primary key exists in table")
_EXISTS = "EXISTS can only be used in ExecuteTransaction write requests."


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
        done = self._writes.carry_out(self._writes.placed(self._as_write(statement, body)))
        item = done.returned(statement.returning)
        return {"Items": [item] if item else []}

    def _execute_batch(self, body: Body) -> Body:
        """Executes each statement by itself. Raises Rejected for reads and writes in one batch."""
        for each in body["Statements"]:
            requests.check(each, requests.MEMBERS["Statement"])
            checked_item({str(number): value for number, value in enumerate(each.get("Parameters", ()))})
        asked = [_read_one(each) for each in body["Statements"]]
        well_formed = [statement for statement in asked if isinstance(statement, Statement)]
        if len({statement.verb == "SELECT" for statement in well_formed}) > 1:
            raise invalid("Read and write requests together in the same batch is not supported.")
        self._check_apart(well_formed, "Provided list of item keys contains duplicates")
        return {"Responses": [self._respond(statement) for statement in asked]}

    def _check_apart(self, statements: Sequence[Statement], problem: str = ONE_ITEM) -> None:
        """Raises Rejected for two statements about one item."""
        seen = []
        for statement in statements:
            try:
                table = self._table(statement.table)
            except Rejected:
                continue
            item = statement.item if statement.verb == "INSERT" else _key(statement, table) or {}
            if statement.verb == "SELECT" and not _names_key(statement, table):
                continue  # it has an error of its own
            seen += [(table.name, primary) for primary in [table.key.of(item)] if primary is not None]
        if len(set(seen)) < len(seen):
            raise invalid(problem)

    def _respond(self, statement: Statement | Rejected) -> Body:
        named: Body = {}
        try:
            if isinstance(statement, Rejected) or statement.verb == "EXISTS":
                raise statement if isinstance(statement, Rejected) else invalid(_EXISTS)
            if statement.verb == "SELECT":
                item = self._selected_one(statement, "BatchExecuteStatement")
                named = {"TableName": statement.table}
            else:
                done = self._writes.placed(self._as_write(statement, {}))
                named = {"TableName": statement.table}  # told of an error too from here on, as it was carried out
                item = self._writes.carry_out(done).returned(statement.returning) or None
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
            if problem := _unfit(statement, self._table(statement.table)):
                raise invalid(f"Validation failed in TransactStatements[{index}]: {problem}")
        if statements[0][1].verb != "SELECT":
            for index, (_, statement) in enumerate(statements):
                if statement.verb != "INSERT" and _key(statement, self._table(statement.table)) is None:
                    raise cancelled_at(index, len(statements), invalid(NO_KEY))
            self._writes.transact([self._as_write(statement, each) for each, statement in statements], body)
            return {"Responses": []}
        self._check_apart([statement for _, statement in statements])
        found = [self._selected_one(statement, "ExecuteTransaction") for _, statement in statements]
        return {"Responses": [{} if item is None else {"Item": item} for item in found]}

    def _select(self, statement: Statement, body: Body) -> Body:
        table = self._table(statement.table)
        if statement.index not in table.views:
            raise invalid("The table does not have the specified index")
        view, where = table.views[statement.index], statement.where
        if view.is_global and body.get("ConsistentRead"):
            raise invalid("Strongly consistent read is not supported on Global Secondary Indexes")
        kept = statement.scope.condition("WHERE clause", where) if where else None
        selection = None if statement.selected is None else Selection.of(statement.selected)
        check_selection_reach(view, selection.paths if selection else ())
        start = _start(table, view, body["NextToken"]) if "NextToken" in body else None
        page = Page(kept, selection, start, body.get("Limit"), None, body.get("ConsistentRead", False))
        entries: Iterable[Entry] = view.scanned(0, RING, start)
        comparisons = _key_comparisons(statement, view)
        if comparisons:
            check_filter_reach(view, kept.paths if kept else ())
            page.keys = KeyConditions.of(comparisons)
            entries = queried(table, view, page, not statement.descending)
        page.projection = selection if selection and not view.is_global and view.lacks(selection.paths) else None
        answer = read_page(table, view, entries, page, body)
        items = [_chosen(item, statement.selected) for item in answer["Items"]]
        last = answer.get("LastEvaluatedKey")
        more = {"NextToken": urlsafe_b64encode(json.dumps(last).encode()).decode()} if last else {}
        consumed = {name: answer[name] for name in ("ConsumedCapacity",) if name in answer}
        return {"Items": items, **more, **consumed}

    def _selected_one(self, statement: Statement, operation: str) -> Item | None:
        if statement.index or not _names_key(statement, self._table(statement.table)):
            raise invalid(NO_KEY_OF_SELECT.format(operation))
        items: list[Item] = self._select(statement, {})["Items"]
        return items[0] if items else None

    def _as_write(self, statement: Statement, body: Body) -> Write:
        table, scope = self._table(statement.table), statement.scope
        if statement.index:
            raise invalid("Index is not supported in a write statement.")
        wants = body.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        name = scope.name(table.key.names[:1])
        there, missing = (Call(f"attribute_{word}exists", (name,), is_function=True) for word in ("", "not_"))
        if statement.verb == "INSERT":
            item = checked_item(statement.item)
            condition = scope.condition("WHERE clause", missing)
            return Write("Put", table.name, item, check_size(item), condition, None, wants, _DUPLICATE)
        key = _key(statement, table)
        if key is None:
            raise invalid(NO_KEY)
        rest = tuple([part for part in _parts(statement) if not _is_of_key(statement, part, table)])
        tree = Call("AND", (there, *rest))
        if statement.verb == "DELETE":  # what is not there counts as deleted
            tree = Call("OR", (missing, Call("AND", (there, *rest))))
        condition = scope.condition("WHERE clause", tree)
        kind = {"EXISTS": "ConditionCheck", "DELETE": "Delete", "UPDATE": "Update"}[statement.verb]
        update = update_of(scope, tuple(statement.actions)) if kind == "Update" else None
        return Write(kind, table.name, key, check_size(key), condition, update, wants)


def _unfit(statement: Statement, table: StoredTable) -> str:
    """Why a statement cannot stand in a transaction."""
    if statement.returning != "NONE":
        return "RETURNING clause is not supported in ExecuteTransaction."
    if statement.verb == "SELECT" and statement.index:
        return "Reads on indices are not supported within transactions."
    if statement.verb == "SELECT" and not _names_key(statement, table):
        return NO_KEY_OF_SELECT.format("ExecuteTransaction")
    if statement.verb == "EXISTS" and (_names_key(statement, table) or _key(statement, table) is None):
        return "EXISTS() must contain a single item read with additional condition"
    return ""


def _read_one(body: Body) -> Statement | Rejected:
    try:
        return read(body["Statement"], body.get("Parameters", ()))
    except Rejected as error:
        return error


def _parts(statement: Statement) -> list[Call]:
    return conjuncts(statement.where) if statement.where else []


def _comparison(statement: Statement, part: Call) -> Comparison | None:
    """Of a top-level attribute with a value."""
    left, right, *_ = (*part.operands, None)
    if part.operator not in OPERATORS or not isinstance(left, Name) or not isinstance(right, Literal):
        return None
    values = [each for each in part.operands[1:] if isinstance(each, Literal)]
    if len(left.steps) > 1 or len(values) < len(part.operands) - 1:
        return None
    name = statement.scope.names[str(left.steps[0])]
    return Comparison(
        name, OPERATORS[part.operator], tuple([statement.scope.values[each.placeholder] for each in values])
    )


def _is_of_key(statement: Statement, part: Call, table: StoredTable) -> bool:
    comparison = _comparison(statement, part)
    return comparison is not None and comparison.operator == "EQ" and comparison.name in table.key.names


def _key(statement: Statement, table: StoredTable) -> Item | None:
    """The whole key that the conditions name; None where they do not."""
    comparisons = [_comparison(statement, part) for part in _parts(statement)]
    equal = {each.name: each.values[0] for each in comparisons if each and each.operator == "EQ"}
    key = {name: equal[name] for name in table.key.names if name in equal}
    return key if len(key) == len(table.key.names) else None


def _names_key(statement: Statement, table: StoredTable) -> bool:
    """Whether the conditions are the key and nothing else."""
    return _key(statement, table) is not None and len(_parts(statement)) == len(table.key.names)


def _key_comparisons(statement: Statement, view: View) -> list[Comparison]:
    """The comparisons of the view's key, if its partition is named; the rest is for the filter."""
    by_name: dict[str, Comparison] = {}
    for part in _parts(statement):
        comparison = _comparison(statement, part)
        if comparison and comparison.name in view.key.names:
            by_name.setdefault(comparison.name, comparison)
    partition = [by_name.get(name) for name in view.key.names[: view.key.partition]]
    return list(by_name.values()) if all(each and each.operator == "EQ" for each in partition) else []


def _start(table: StoredTable, view: View, token: str) -> Item:
    try:
        start = checked_item(json.loads(urlsafe_b64decode(token)))
        check_start(table, view, start)
    except (ValueError, Rejected):
        raise invalid("NextToken does not match request") from None
    return start


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
