"""The calls that read items: by key, and in pages by a query or a scan of a table or an index."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from harness.dynamodb import capacity, keyconditions, keys, legacy, requests
from harness.dynamodb.capacity import Consumed
from harness.dynamodb.expressions import Condition, Placeholders, Selection
from harness.dynamodb.legacy import Comparison, Comparisons
from harness.dynamodb.paths import projected
from harness.dynamodb.store import RING, Entry, Primary, StoredTable, View, place
from harness.dynamodb.values import INVALID, Body, Item, Rejected, checked, checked_item, invalid, size
from harness.dynamodb.writes import cancelled_at

MAX_PAGE_BYTES, MAX_BATCH_BYTES, MAX_BATCH_KEYS = 1024 * 1024, 16 * 1024 * 1024, 100
_PARAMETERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {  # expressions, and the older parameters
    "Query": (
        ("ProjectionExpression", "FilterExpression", "KeyConditionExpression"),
        ("AttributesToGet", "QueryFilter", "ConditionalOperator"),
    ),
    "Scan": (("ProjectionExpression", "FilterExpression"), ("AttributesToGet", "ScanFilter", "ConditionalOperator")),
}
_BAD_START = "The provided starting key is invalid"


@dataclass(frozen=True, slots=True)
class Page:
    """What a query or a scan asks for, apart from the part of the table."""

    filter: Condition | Comparisons | None
    projection: Selection | None
    start: Item | None
    limit: int | None
    counts_only: bool
    consistent: bool
    can_go_on: bool = True  # a partition without a sort key has one item at most


class Reads:
    """`table` finds a table by its name."""

    def __init__(self, table: Callable[[str], StoredTable]) -> None:
        self._table = table
        self.operations: dict[str, Callable[[Body], Body]] = {
            "GetItem": self._get,
            "Query": lambda body: self._page("Query", body),
            "Scan": lambda body: self._page("Scan", body),
            "BatchGetItem": self._batch,
            "TransactGetItems": self._transaction,
        }

    def _get(self, body: Body) -> Body:
        projection, key = _projection(body), checked_item(body["Key"])
        table = self._table(body["TableName"])
        primary = _primary(table, key, projection)
        answer = _answer(table, primary, projection)
        wanted = body.get("ReturnConsumedCapacity", "NONE")
        if wanted != "NONE":
            units = capacity.of_read(table.sizes.get(primary, 0), body.get("ConsistentRead", False))
            answer["ConsumedCapacity"] = Consumed(table, {"": units}).report(wanted)
        return answer

    def _batch(self, body: Body) -> Body:
        requested = body.get("RequestItems")
        if not requested:
            raise invalid("The requestItems parameter is required for BatchGetItem")
        if sum(len(each.get("Keys") or ()) for each in requested.values()) > MAX_BATCH_KEYS:
            if len(requested) > 1:
                raise invalid("Too many items requested for the BatchGetItem call")
            (name,) = requested
            problem = f"Member must have length less than or equal to {MAX_BATCH_KEYS}"
            where = f"'RequestItems.{name}.member.Keys'"
            raise invalid(f"1 validation error detected: Value at {where} failed to satisfy constraint: {problem}")
        asked = [self._asked(name, request) for name, request in requested.items()]
        tables = [self._table(name) for name in requested]
        responses: dict[str, list[Item]] = {}
        unprocessed: Body = {}
        consumed, read = [], 0
        for table, (request, wanted, projection) in zip(tables, asked, strict=True):
            primaries = [_primary(table, key, projection) for key in wanted]
            if len(set(primaries)) < len(primaries):
                raise invalid("Provided list of item keys contains duplicates")
            found = responses.setdefault(table.name, [])
            units = Consumed(table)
            for key, primary in zip(wanted, primaries, strict=True):
                read += table.sizes.get(primary, 0)
                if read > MAX_BATCH_BYTES:
                    left = unprocessed.setdefault(table.name, {**request, "Keys": []})
                    left["Keys"].append(key)
                    continue
                found += [item for item in [_answer(table, primary, projection).get("Item")] if item is not None]
                units.add("", capacity.of_read(table.sizes.get(primary, 0), request.get("ConsistentRead", False)))
            consumed.append(units)
        answer = {"Responses": responses, "UnprocessedKeys": unprocessed}
        return {**answer, **capacity.reported(body, consumed)}

    def _asked(self, name: str, request: Body) -> tuple[Body, list[Item], Selection | None]:
        requests.check(request, requests.ACTIONS["Keys"], f"requestItems.{name}.member.")
        return request, [checked_item(key) for key in request["Keys"]], _projection(request)

    def _transaction(self, body: Body) -> Body:
        asked = []
        for number, action in enumerate(body["TransactItems"], 1):
            call = action.get("Get")
            if call is None:
                place = f"transactItems.{number}.member.get"
                problem = "failed to satisfy constraint: Member must not be null"
                raise invalid(f"1 validation error detected: Value null at '{place}' {problem}")
            requests.check(call, requests.ACTIONS["Get"], f"transactItems.{number}.member.get.")
            asked.append((call, checked_item(call["Key"]), _projection(call)))
        tables = [self._table(call["TableName"]) for call, _, _ in asked]
        found: list[tuple[StoredTable, Primary, Selection | None]] = []
        for table, (_, key, projection) in zip(tables, asked, strict=True):
            try:
                found.append((table, _primary(table, key, projection), projection))
            except Rejected as error:
                raise cancelled_at(len(found), len(asked), error) from None
        if len({(table.name, primary) for table, primary, _ in found}) < len(found):
            raise invalid("Transaction request cannot include multiple operations on one item")
        by_table: dict[str, Consumed] = {}
        for table, primary, _ in found:
            units = capacity.of_read(table.sizes.get(primary, 0), True, transactional=True)
            by_table.setdefault(table.name, Consumed(table)).add("", units)
        responses = [_answer(*each) for each in found]
        return {"Responses": responses, **capacity.reported(body, by_table.values(), "Read")}

    def _page(self, operation: str, body: Body) -> Body:
        comparisons, page = _asked_page(operation, body)
        table = self._table(body["TableName"])
        view = _view(table, body)
        start = None if page.start is None else start_of(table, view, page.start)
        if operation == "Query":
            if start is not None and not view.name and len(view.key.names) == 1:
                raise invalid(f"The provided exclusive start key is invalid: ExclusiveStartKey: {start}")
            page = replace(page, can_go_on=bool(view.name) or len(view.key.names) > 1)
            entries = _queried(table, view, body, comparisons, start)
        else:
            segment, segments = body.get("Segment", 0), body.get("TotalSegments", 1)
            low, high = segment * RING // segments, (segment + 1) * RING // segments
            if start is not None and not low <= place(start[view.key.names[0]][view.key.types[0]]) < high:
                with_segment = f"TotalSegments: {segments} Segment: {segment}"
                problem = "Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment."
                raise invalid(f"{_BAD_START}: {problem} {with_segment}")
            entries = view.scanned(low, high, start)
        if operation == "Query" and page.filter is not None:
            _check_filter(view, page.filter, "QueryFilter" if "QueryFilter" in body else "Filter Expression")
        _check_reach(table, view, body, page)
        return read_page(table, view, entries, page, body)


def _projection(call: Body) -> Selection | None:
    """Of a ProjectionExpression, or of the older AttributesToGet."""
    requests.check_together(call, ("ProjectionExpression",), ("AttributesToGet",))
    if "AttributesToGet" in call:
        names = call["AttributesToGet"]
        return Selection(tuple((name,) for name in names), legacy.attributes_to_get(names))
    if "ProjectionExpression" not in call:
        return None
    scope = Placeholders.of(call)
    projection = scope.projection("ProjectionExpression", call["ProjectionExpression"])
    scope.finish()
    return projection


def _primary(table: StoredTable, key: Item, projection: Selection | None) -> Primary:
    primary = keys.of_key(table, key)
    if projection is not None:
        keys.check_scalar(table.key, projection.paths)
    return primary


def _answer(table: StoredTable, primary: Primary, projection: Selection | None) -> Body:
    item = table.items.get(primary)
    if item is None:
        return {}
    return {"Item": item if projection is None else projected(item, projection.tree)}


def _asked_page(operation: str, body: Body) -> tuple[tuple[Comparison, ...], Page]:
    """The key conditions of a query, and the rest. Raises Rejected for what is wrong whatever the table holds."""
    expressions, older = _PARAMETERS[operation]
    if "KeyConditionExpression" in body:
        older = (*older, "KeyConditions")
    requests.check_together(body, expressions, older)
    filtered = legacy.filters(body.get("QueryFilter") or body.get("ScanFilter") or {})
    kept: Condition | Comparisons | None = legacy.comparisons(filtered, body.get("ConditionalOperator"))
    projection = _projection({"AttributesToGet": body["AttributesToGet"]}) if "AttributesToGet" in body else None
    start = None
    if "ExclusiveStartKey" in body:
        start = {name: checked(value) for name, value in body["ExclusiveStartKey"].items()}
    if operation == "Scan":
        _check_segments(body)
    elif "KeyConditions" not in body and "KeyConditionExpression" not in body:
        either = "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
        raise invalid(either)
    comparisons = legacy.filters(body.get("KeyConditions", {}))
    if any(name in body for name in expressions):
        scope = Placeholders.of(body)
        if "KeyConditionExpression" in body:
            comparisons = keyconditions.of_expression(scope, body["KeyConditionExpression"])
        if "FilterExpression" in body:
            kept = scope.condition("FilterExpression", body["FilterExpression"])
        if "ProjectionExpression" in body:
            projection = scope.projection("ProjectionExpression", body["ProjectionExpression"])
        scope.finish()
    _check_select(body, projection)
    consistent = body.get("ConsistentRead", False)
    return comparisons, Page(kept, projection, start, body.get("Limit"), body.get("Select") == "COUNT", consistent)


def _check_segments(body: Body) -> None:
    segment, segments = body.get("Segment"), body.get("TotalSegments")
    missing = "parameter is required but was not present in the request when"
    if segment is not None and segments is None:
        raise invalid(f"The TotalSegments {missing} Segment parameter is present")
    if segments is not None and segment is None:
        raise invalid(f"The Segment {missing} parameter TotalSegments is present")
    if segment is not None and segment >= segments:
        problem = "The Segment parameter is zero-based and must be less than parameter TotalSegments"
        raise invalid(f"{problem}: Segment: {segment} is not less than TotalSegments: {segments}")


def _check_select(body: Body, projection: Selection | None) -> None:
    select = body.get("Select")
    if select is None:
        return
    by = "AttributesToGet" if "AttributesToGet" in body else "ProjectionExpression"
    if select == "SPECIFIC_ATTRIBUTES":
        if projection is None:
            problem = "Must specify the AttributesToGet or ProjectionExpression when choosing to get"
            raise invalid(f"{problem} SPECIFIC_ATTRIBUTES")
    elif projection is not None:
        what = "only the Count" if select == "COUNT" else select
        raise invalid(f"Cannot specify the {by} when choosing to get {what}")
    if select == "ALL_PROJECTED_ATTRIBUTES" and "IndexName" not in body:
        raise invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")


def _view(table: StoredTable, body: Body) -> View:
    name = body.get("IndexName", "")
    if name not in table.views:
        raise invalid(f"The table does not have the specified index: {name}")
    if table.views[name].is_global and body.get("ConsistentRead"):
        raise invalid("Consistent reads are not supported on global secondary indexes")
    return table.views[name]


def start_of(table: StoredTable, view: View, start: Item) -> Item:
    """Raises Rejected for a start key that is not exactly a key of the view and of the table."""
    needed = dict(zip((*view.key.names, *table.key.names), (*view.key.types, *table.key.types), strict=True))
    if set(start) != set(needed):
        raise invalid(_BAD_START)
    if any(kind not in start[name] for name, kind in needed.items()):
        raise invalid(f"{_BAD_START}: {keys.MISMATCH}")
    for key in (table.key, view.key):
        try:
            keys.check_values(key, start)
        except Rejected as error:
            raise invalid(f"{_BAD_START}: {error.message}") from None
    return start


def _queried(
    table: StoredTable, view: View, body: Body, comparisons: tuple[Comparison, ...], start: Item | None
) -> Iterable[Entry]:
    partition, sort = keyconditions.checked(comparisons, view.key)
    if start is not None:
        if start[view.key.names[0]][view.key.types[0]] != partition:
            where = "outside query boundaries based on provided conditions"
            raise invalid(f"The provided starting key is {where}")
        if sort is not None and not sort.holds(start):
            raise invalid("The provided starting key does not match the range key predicate")
    entries = view.queried(partition, body.get("ScanIndexForward", True), start)
    if sort is None:
        return entries
    return (entry for entry in entries if sort.holds(table.items[entry[2]]))


def _check_filter(view: View, kept: Condition | Comparisons, parameter: str) -> None:
    for path in kept.paths:
        if path[0] in view.key.names:
            problem = f"{parameter} can only contain non-primary key attributes"
            raise invalid(f"{problem}: Primary key attribute: {path[0]}")


def _check_reach(table: StoredTable, view: View, body: Body, page: Page) -> None:
    """A global index can give only what it holds; a local one fetches the rest from the table."""
    for paths in (page.projection.paths if page.projection else (), page.filter.paths if page.filter else ()):
        keys.check_scalar(view.key, paths)
        keys.check_scalar(table.key, paths)
    if not view.is_global or view.kept is None:
        return
    if body.get("Select") == "ALL_ATTRIBUTES":
        problem = f"Select type ALL_ATTRIBUTES is not supported for global secondary index {view.name}"
        raise invalid(f"{INVALID}{problem} because its projection type is not ALL")
    missing = [str(path[0]) for path in page.projection.paths if path[0] not in view.kept] if page.projection else []
    if missing:
        raise invalid(f"{INVALID}Global secondary index {view.name} does not project [{', '.join(missing)}]")


def read_page(table: StoredTable, view: View, entries: Iterable[Entry], page: Page, body: Body) -> Body:
    reaches = not view.is_global and (
        body.get("Select") == "ALL_ATTRIBUTES"
        or bool(view.kept and page.projection and any(path[0] not in view.kept for path in page.projection.paths))
    )
    items, scanned, read, count, last = [], 0, 0, 0, None
    fetched = 0.0
    for _, _, primary in entries:
        if last is not None and (scanned == page.limit or read > MAX_PAGE_BYTES):
            break
        whole = table.items[primary]
        held = view.copy(whole)
        length = table.sizes[primary] if held is whole else size(held)
        scanned, read, last = scanned + 1, read + length, whole
        if reaches:
            fetched += capacity.of_read(table.sizes[primary], page.consistent)
        image = whole if reaches else held
        if page.filter is None or page.filter.holds(image):
            count += 1
            if not page.counts_only:
                items.append(image if page.projection is None else projected(image, page.projection.tree))
    else:
        last = last if scanned == page.limit and page.can_go_on else None
    answer: Body = {} if page.counts_only else {"Items": items}
    answer |= {"Count": count, "ScannedCount": scanned}
    if last is not None:
        answer["LastEvaluatedKey"] = {name: last[name] for name in (*table.key.names, *view.key.names)}
    wanted = body.get("ReturnConsumedCapacity", "NONE")
    if wanted != "NONE":
        consumed = Consumed(table, {view.name: capacity.of_read(read, page.consistent)})
        if fetched:
            consumed.add("", fetched)
        answer["ConsumedCapacity"] = consumed.report(wanted)
    return answer
