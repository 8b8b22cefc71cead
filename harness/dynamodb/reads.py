"""The calls that read items: by key, and in pages by a query or a scan of a table or an index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from harness.dynamodb import capacity, keyconditions, keys, legacy, requests
from harness.dynamodb.capacity import Consumed
from harness.dynamodb.expressions import Condition, Placeholders, Selection
from harness.dynamodb.keyconditions import KeyConditions
from harness.dynamodb.paths import Path, projected
from harness.dynamodb.store import RING, Entry, Primary, StoredTable, View, place
from harness.dynamodb.values import INVALID, Body, Item, Rejected, checked, checked_item, invalid, size
from harness.dynamodb.writes import cancelled_at, check_apart

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
class Get:
    """One item that is read by its key."""

    table: StoredTable
    primary: Primary
    projection: Selection | None
    consistent: bool

    def answer(self) -> Body:
        item = self.table.items.get(self.primary)
        if item is None:
            return {}
        return {"Item": item if self.projection is None else projected(item, self.projection.tree)}

    @property
    def length(self) -> int:
        return self.table.sizes.get(self.primary, 0)

    def consumed(self, to: Consumed | None = None, transactional: bool = False) -> Consumed:
        units = capacity.of_read(self.length, self.consistent, transactional)
        return (to or Consumed(self.table)).add("", units)


@dataclass(slots=True)
class Page:
    """What a query or a scan asks for, apart from the part of the table."""

    filter: Condition | None
    projection: Selection | None
    start: Item | None
    limit: int | None
    select: str | None = None
    consistent: bool = False
    keys: KeyConditions | None = None
    can_go_on: bool = True  # a partition without a sort key has one item at most


class Reads:
    """`table` finds a table by its name."""

    def __init__(self, table: Callable[[str], StoredTable]) -> None:
        self._table = table
        self.operations: dict[str, Callable[[Body], Body]] = {
            "GetItem": self._get,
            "Query": partial(self._page, "Query"),
            "Scan": partial(self._page, "Scan"),
            "BatchGetItem": self._batch,
            "TransactGetItems": self._transaction,
        }

    def _get(self, body: Body) -> Body:
        projection, key = _projection(body), checked_item(body["Key"])
        get = _placed(self._table(body["TableName"]), key, projection, body.get("ConsistentRead", False))
        return {**get.answer(), **capacity.reported(body, get.consumed)}

    def _batch(self, body: Body) -> Body:
        requested = requests.items_requested(body, "BatchGetItem")
        if sum(len(each.get("Keys") or ()) for each in requested.values()) > MAX_BATCH_KEYS:
            if len(requested) > 1:
                raise invalid("Too many items requested for the BatchGetItem call")
            (name,) = requested
            problem = f"Member must have length less than or equal to {MAX_BATCH_KEYS}"
            requests.refuse([f"Value at 'RequestItems.{name}.member.Keys' failed to satisfy constraint: {problem}"])
        asked = []
        for name, request in requested.items():
            requests.check(request, requests.ACTIONS["Keys"], f"requestItems.{name}.member.")
            asked.append(([checked_item(key) for key in request["Keys"]], _projection(request)))
        tables = [self._table(name) for name in requested]
        responses: dict[str, list[Item]] = {}
        unprocessed: Body = {}
        consumed, read = [], 0
        for (name, request), table, (wanted, projection) in zip(requested.items(), tables, asked, strict=True):
            consistent = request.get("ConsistentRead", False)
            gets = [_placed(table, key, projection, consistent) for key in wanted]
            check_apart(gets, "Provided list of item keys contains duplicates")
            units, items = Consumed(table), responses.setdefault(name, [])
            for key, get in zip(wanted, gets, strict=True):
                read += get.length
                if read > MAX_BATCH_BYTES:
                    unprocessed.setdefault(name, {**request, "Keys": []})["Keys"].append(key)
                    continue
                items += get.answer().values()
                get.consumed(units)
            consumed.append(units)
        answer = {"Responses": responses, "UnprocessedKeys": unprocessed}
        return {**answer, **capacity.reported_each(body, lambda: consumed)}

    def _transaction(self, body: Body) -> Body:
        asked = []
        for number, action in enumerate(body["TransactItems"], 1):
            place = f"transactItems.{number}.member."
            requests.check(action, requests.ACTIONS["TransactGet"], place)
            requests.check(action["Get"], requests.ACTIONS["Get"], f"{place}get.")
            asked.append((action["Get"], checked_item(action["Get"]["Key"]), _projection(action["Get"])))
        tables = [self._table(call["TableName"]) for call, _, _ in asked]
        gets: list[Get] = []
        for table, (_, key, projection) in zip(tables, asked, strict=True):
            try:
                gets.append(_placed(table, key, projection, consistent=True))
            except keys.EmptyKey:
                raise
            except Rejected as error:
                raise cancelled_at(len(gets), len(asked), error) from None
        check_apart(gets)

        def consumed() -> Iterable[Consumed]:
            by_table: dict[str, Consumed] = {}
            for get in gets:
                get.consumed(by_table.setdefault(get.table.name, Consumed(get.table)), transactional=True)
            return by_table.values()

        return {"Responses": [get.answer() for get in gets], **capacity.reported_each(body, consumed, "Read")}

    def _page(self, operation: str, body: Body) -> Body:
        page = _asked_page(operation, body)
        table = self._table(body["TableName"])
        view = _view(table, body)
        if page.start is not None:
            check_start(table, view, page.start)
        if operation == "Query":
            entries = queried(table, view, page, body.get("ScanIndexForward", True))
            if page.filter is not None:
                _check_filter(view, page.filter, "QueryFilter" if "QueryFilter" in body else "Filter Expression")
        else:
            entries = _scanned(view, page.start, body.get("Segment", 0), body.get("TotalSegments", 1))
        _check_reach(table, view, page)
        return read_page(table, view, entries, page, body)


def _projection(call: Body) -> Selection | None:
    """Of a ProjectionExpression, or of the older AttributesToGet."""
    requests.check_together(call, ("ProjectionExpression",), ("AttributesToGet",))
    if "AttributesToGet" in call:
        return legacy.attributes_to_get(call["AttributesToGet"])
    if "ProjectionExpression" not in call:
        return None
    scope = Placeholders.of(call)
    projection = scope.projection("ProjectionExpression", call["ProjectionExpression"])
    scope.finish()
    return projection


def _placed(table: StoredTable, key: Item, projection: Selection | None, consistent: bool) -> Get:
    get = Get(table, keys.of_key(table, key), projection, consistent)
    keys.check_scalar(table.key, projection.paths if projection else ())
    return get


def _asked_page(operation: str, body: Body) -> Page:
    """What the request alone tells. Raises Rejected for what is wrong whatever the table holds."""
    expressions, older = _PARAMETERS[operation]
    requests.check_together(body, expressions, (*older, "KeyConditions") if "KeyConditionExpression" in body else older)
    filters = legacy.filters(body.get("QueryFilter") or body.get("ScanFilter") or {})
    page = Page(
        filter=legacy.joined(filters, body.get("ConditionalOperator")),
        projection=legacy.attributes_to_get(body["AttributesToGet"]) if "AttributesToGet" in body else None,
        start=_start(body.get("ExclusiveStartKey")),
        limit=body.get("Limit"),
        select=body.get("Select"),
        consistent=body.get("ConsistentRead", False),
    )
    if operation == "Scan":
        _check_segments(body)
    elif "KeyConditions" in body:
        page.keys = KeyConditions.of(legacy.filters(body["KeyConditions"]))
    elif "KeyConditionExpression" not in body:
        either = "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
        raise invalid(either)
    if any(name in body for name in expressions):
        scope = Placeholders.of(body)
        for name in ("FilterExpression", "ProjectionExpression"):
            if body.get(name) == "":  # told before what is wrong with the key condition
                scope.condition(name, "")
        if "KeyConditionExpression" in body:
            page.keys = keyconditions.of_expression(scope, body["KeyConditionExpression"])
        if "FilterExpression" in body:
            page.filter = scope.condition("FilterExpression", body["FilterExpression"])
        if "ProjectionExpression" in body:
            page.projection = scope.projection("ProjectionExpression", body["ProjectionExpression"])
        scope.finish()
    _check_select(operation, body, page.projection)
    return page


def _start(key: Item | None) -> Item | None:
    return None if key is None else {name: checked(value) for name, value in key.items()}


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


def _check_select(operation: str, body: Body, projection: Selection | None) -> None:
    select, by = body.get("Select"), "AttributesToGet" if "AttributesToGet" in body else "ProjectionExpression"
    problem = ""
    if select == "SPECIFIC_ATTRIBUTES":
        if projection is None:
            problem = f"Must specify the AttributesToGet or ProjectionExpression when choosing to get {select}"
    elif select is not None and projection is not None:
        what = "only the Count" if select == "COUNT" else select
        problem = f"Cannot specify the {by} when choosing to get {what}"
    elif select == "ALL_PROJECTED_ATTRIBUTES" and "IndexName" not in body:
        problem = "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"
    if problem:
        raise requests.counted(invalid(problem)) if operation == "Query" else invalid(problem)


def _view(table: StoredTable, body: Body) -> View:
    name = body.get("IndexName", "")
    if name not in table.views:
        raise invalid(f"The table does not have the specified index: {name}")
    if table.views[name].is_global and body.get("ConsistentRead"):
        raise invalid("Consistent reads are not supported on global secondary indexes")
    return table.views[name]


def check_start(table: StoredTable, view: View, start: Item) -> None:
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


def queried(table: StoredTable, view: View, page: Page, forward: bool) -> Iterable[Entry]:
    """The entries that fulfil the key conditions, after the start key. Raises Rejected."""
    assert page.keys is not None
    partition, start = keyconditions.partition_of(page.keys.each, view.key), page.start
    page.can_go_on = bool(view.name) or len(view.key.names) > 1
    if start is not None:
        if not page.can_go_on:
            raise invalid(f"The provided exclusive start key is invalid: ExclusiveStartKey: {start}")
        if view.entry(start)[0] != partition:  # type: ignore[index]
            raise invalid("The provided starting key is outside query boundaries based on provided conditions")
        if not page.keys.holds.holds(start):
            raise invalid("The provided starting key does not match the range key predicate")
    entries, holds = view.queried(partition, forward, start), page.keys.holds.holds
    if len(page.keys.each) == len(partition):
        return entries
    return (entry for entry in entries if holds(table.items[entry[2]]))


def _scanned(view: View, start: Item | None, segment: int, segments: int) -> Iterable[Entry]:
    low, high = segment * RING // segments, (segment + 1) * RING // segments
    if start is not None and not low <= place(view.entry(start)[0]) < high:  # type: ignore[index]
        problem = "Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment."
        raise invalid(f"{_BAD_START}: {problem} TotalSegments: {segments} Segment: {segment}")
    return view.scanned(low, high, start)


def _check_filter(view: View, kept: Condition, parameter: str) -> None:
    for path in kept.paths:
        if path[0] in view.key.names:
            problem = f"{parameter} can only contain non-primary key attributes"
            raise invalid(f"{problem}: Primary key attribute: {path[0]}")


def _check_reach(table: StoredTable, view: View, page: Page) -> None:
    """A global index can give only what it holds; a local one fetches the rest from the table."""
    selected, filtered = page.projection.paths if page.projection else (), page.filter.paths if page.filter else ()
    for key in (view.key, table.key):
        keys.check_scalar(key, (*selected, *filtered))
    if page.keys is not None:
        check_filter_reach(view, filtered)
    if not view.is_global or view.kept is None:
        return
    if page.select == "ALL_ATTRIBUTES":
        problem = f"Select type ALL_ATTRIBUTES is not supported for global secondary index {view.name}"
        raise invalid(f"{INVALID}{problem} because its projection type is not ALL")
    check_selection_reach(view, selected)


def check_filter_reach(view: View, filtered: Sequence[Path]) -> None:
    """Raises Rejected for a filter of a query on what an index does not hold. A scan's finds nothing there."""
    if missing := view.lacks(filtered):
        problem = f"Secondary index {view.name} does not project one or more filter attributes: [{missing}]"
        raise invalid(INVALID + problem)


def check_selection_reach(view: View, selected: Sequence[Path]) -> None:
    if view.is_global and (missing := view.lacks(selected)):
        raise invalid(f"{INVALID}Global secondary index {view.name} does not project [{missing}]")


def read_page(table: StoredTable, view: View, entries: Iterable[Entry], page: Page, body: Body) -> Body:
    reaches = not view.is_global and (
        page.select == "ALL_ATTRIBUTES" or bool(page.projection and view.lacks(page.projection.paths))
    )
    items: list[Item] = []
    counts_only, scanned, read, count, last = page.select == "COUNT", 0, 0, 0, None
    consumed = Consumed(table)
    for _, _, primary in entries:
        if last is not None and (scanned == page.limit or read > MAX_PAGE_BYTES):
            break
        whole = table.items[primary]
        held = view.copy(whole)
        length = table.sizes[primary] if held is whole else size(held)
        scanned, read, last = scanned + 1, read + length, whole
        if reaches:
            consumed.add("", capacity.of_read(table.sizes[primary], page.consistent))
        image = whole if reaches else held
        if page.filter is None or page.filter.holds(image):
            count += 1
            if not counts_only:
                items.append(image if page.projection is None else projected(image, page.projection.tree))
    else:
        last = last if scanned == page.limit and page.can_go_on else None
    answer: Body = {} if counts_only else {"Items": items}
    answer |= {"Count": count, "ScannedCount": scanned}
    if last is not None:
        answer["LastEvaluatedKey"] = {name: last[name] for name in (*table.key.names, *view.key.names)}
    units = capacity.of_read(read, page.consistent)
    return {**answer, **capacity.reported(body, lambda: consumed.add(view.name, units))}
