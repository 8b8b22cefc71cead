"""What a trial does: the items that it writes, and the faults that it makes at the places that its first run shows.

Items are of a file, of sample events, or made up from what the handler reads and what its filters ask for.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from harness.documents import TEMPLATES
from harness.faults.points import ANSWERED_BY, BATCH_CALLS, FUNCTION, TRANSACTIONS, WRITER
from harness.history import INVOKE, Operation
from harness.pipeline.dependencies import imports_of
from harness.pipeline.resources import DataStream, Table
from harness.pipeline.stack import BY_NAME, Stack
from harness.trying.reads import (
    DATA,
    IMAGES,
    JSON,
    LIST,
    MAP,
    NUMBER,
    SET,
    TEXT,
    TIME,
    TRUTH,
    Attribute,
    HandlerReads,
    reads_of,
)
from harness.workload.items import AttributeValue, Change, own_items, typed

ITEMS, CHANGES = 4, 2  # of each item: its INSERT, and a MODIFY with other values
_MOST_SAMPLES, _LARGEST_SAMPLE = 200, 1_000_000  # files that are looked at, and bytes of one
_LEFT_OUT = {"node_modules", ".venv", "venv", ".git", ".aws-sam", "cdk.out", "runs"}
_EXACT = (str, int, float, bool)
_KEY_KINDS = {"S": TEXT, "N": NUMBER}
Item = dict[str, AttributeValue]


class MadeUp:
    """Makes items up for a source, and learns from what the handler says of them. `told` says where they come from."""

    def __init__(self, stack: Stack, data: Sequence[Mapping[str, Any]] | None) -> None:
        self._source = stack.source
        self._data = data
        function = stack.function
        self.reads = HandlerReads()
        if function.has_agent:
            files = imports_of(function.root, function.handler).files
            wrappers = DATA if isinstance(self._source, DataStream) else IMAGES
            self.reads = reads_of(function.root, files, wrappers)
        for pattern in reversed(stack.mapping.filter_criteria):
            _ask(self.reads.attributes, pattern)
        self._samples = [] if data else list(_samples(stack.template.parent, self._source))[:ITEMS]

    @property
    def told(self) -> str:
        """What the items are made of."""
        if self._data:
            return f"{len(self._data)} items of yours"
        names = ", ".join(dict.fromkeys((*self._source.key_names, *self.reads.attributes)))
        of_samples = f" as in {len(self._samples)} sample events" if self._samples else ""
        return f"{ITEMS} made-up items{of_samples}, each written twice: {names}"

    def changes(self) -> list[Change]:
        """Each item twice, the second time with other values where they are made up. Raises UserError for bad data."""
        if self._data:
            own = own_items(self._data, self._source, BY_NAME)
            return [
                Change(item.name, number, "", item.key, item.attributes)
                for number in range(1, CHANGES + 1)
                for item in own
            ]
        changes = []
        for number in range(1, CHANGES + 1):
            for index in range(ITEMS):
                item = self._item(index, number)
                key = {name: item[name] for name in self._source.key_names}
                changes.append(Change(f"item-{index}", number, "", key, item))
        return changes

    def learn(self, error: str) -> bool:
        """Takes in why a handler failed on these items, as in `KeyError: 'price' at app.py:3`.

        Whether the items are others now: whether it is worth trying again.
        """
        match = re.match(r"(\w+): (.*?)(?: at (\S+:\d+))?$", error, re.DOTALL)
        if match is None or self._data:
            return False
        kind, message, place = match.groups()
        there = self.reads.at(place or "")
        if kind == "KeyError":
            return self._needs(message.strip("'\""), there)
        of_numbers = kind in ("ValueError", "TypeError", "InvalidOperation", "ConversionSyntax", "AttributeError")
        if kind == "JSONDecodeError":
            return _become(there, JSON)
        if "isoformat" in message or "does not match format" in message:
            return _become(there, TIME)
        if kind == "AttributeError" and "items" in message:
            return _become(there, MAP)
        return (of_numbers and _become(there, NUMBER)) or self._forget_hints()

    def _forget_hints(self) -> bool:
        """Whether there were any: what an item must begin with may be what the handler refuses."""
        hinted = [each for each in self.reads.every() if each.beginning or each.words]
        for each in hinted:
            each.beginning, each.words = "", []
        return bool(hinted)

    def _needs(self, name: str, there: Sequence[Attribute]) -> bool:
        types = {"S": TEXT, "N": NUMBER, "BOOL": TRUTH, "L": LIST, "M": MAP, "SS": SET}
        if name in types:
            return _become(there, types[name])
        if name in self.reads.attributes or name in (*IMAGES, "Records"):
            return False
        self.reads.attributes[name] = Attribute()
        return True

    def _item(self, index: int, number: int) -> Item:
        attributes = self.reads.attributes
        item: Item = {}
        if self._samples:
            item |= self._samples[index % len(self._samples)]
        for name, attribute in attributes.items():
            if name not in item and name not in self._source.key_names:
                kind = _KEY_KINDS.get(self._source.attribute_types.get(name, ""), attribute.kind(name))  # of an index
                item[name] = _in_dynamodb(_value(name, attribute, kind, index, number), kind)
        for name in self._source.key_names:
            sample = item.get(name, {})
            item[name] = self._key(name, attributes.get(name, Attribute()), index, sample)
        return item

    def _key(self, name: str, attribute: Attribute, index: int, sample: AttributeValue) -> AttributeValue:
        type = self._source.attribute_types[name]
        if type == "N":
            return {"N": str(int(float(sample.get("N", 1))) + index)}
        if type == "B":
            return {"B": base64.b64encode(f"{name}-{index}".encode()).decode()}
        if "S" in sample:
            return {"S": f"{sample['S']}{f'-{index}' if index >= len(self._samples) else ''}"}
        exact = [word for word in attribute.words if isinstance(word, str)]
        if exact and len(self._source.key_names) > 1 and name != self._source.key_names[0]:
            return {"S": exact[index % len(exact)]}  # such as a sort key that says of what kind an item is
        text = attribute.beginning + (
            f"{name}{attribute.separator}{index}" if attribute.separator else f"{name}-{index}"
        )
        return {"S": text}


def _become(attributes: Sequence[Attribute], kind: str) -> bool:
    """Whether any of them was something else before."""
    others = [each for each in attributes if each.kinds[:1] != [kind]]
    for each in others:
        each.kinds.insert(0, kind)
        each.words = []
    return bool(others)


def _value(name: str, attribute: Attribute, kind: str, index: int, number: int) -> Any:
    """A value for the `number`th change of an item: others for other items, and for other changes."""
    step = index + number - 1
    if attribute.words and kind in (TEXT, NUMBER, TRUTH):
        return attribute.words[step % len(attribute.words)]
    if kind == NUMBER:
        bound = attribute.bound
        return 10 * (index + 1) + number - 1 if bound is None else int(bound) + (-step if index % 2 else step + 1)
    if kind == TRUTH:
        return True
    if kind == TIME:
        return f"{datetime(2030, 1, step % 28 + 1, tzinfo=UTC):{attribute.layout or '%Y-%m-%dT%H:%M:%S+00:00'}}"
    if kind in (JSON, LIST, SET, MAP):
        parts = {part: _value(part, each, each.kind(part), index, number) for part, each in attribute.parts.items()}
        return json.dumps(parts) if kind == JSON else parts if kind == MAP else [parts or f"{name}-{index}"]
    return _text(name, attribute, index, number)


def _text(name: str, attribute: Attribute, index: int, number: int) -> str:
    if "mail" in name.lower():
        return f"{name.lower()}-{index}@example.com"
    if "url" in name.lower():
        return f"https://example.com/{index}"
    text = f"{attribute.beginning}{name}{attribute.separator or '-'}{index}"
    return text if number == 1 else f"{text}-changed"


def _in_dynamodb(value: Any, kind: str) -> AttributeValue:
    if kind == SET and all(isinstance(each, str) for each in value):
        return {"SS": value}
    return typed(value)


def _ask(attributes: dict[str, Attribute], pattern: Any) -> None:
    """What a filter asks of an item's attributes."""
    for wrapper in ("dynamodb", "data"):
        inner = pattern.get(wrapper, {}) if isinstance(pattern, dict) else {}
        for image in ("Keys", "OldImage", "NewImage") if wrapper == "dynamodb" else (None,):
            fields = inner.get(image, {}) if image and isinstance(inner, dict) else inner
            for name, rule in fields.items() if isinstance(fields, dict) else ():
                _ask_of(attributes.setdefault(name, Attribute()), rule)


def _ask_of(attribute: Attribute, rule: Any) -> None:
    if isinstance(rule, dict):
        for name, inner in rule.items():
            if name in ("S", "N", "BOOL", "NULL") and isinstance(inner, list):
                _ask_of(attribute, [float(word) if name == "N" and _is_number(word) else word for word in inner])
            elif name == "M" and isinstance(inner, dict):
                _ask_of(attribute, inner)
            else:
                _ask_of(attribute.parts.setdefault(name, Attribute()), inner)
        return
    words = rule if isinstance(rule, list) else []
    exact = [
        int(word) if isinstance(word, float) and word.is_integer() else word
        for word in words
        if isinstance(word, _EXACT)
    ]
    attribute.words = exact + [word for word in attribute.words if not exact]
    for word in words:
        if isinstance(word, dict) and isinstance(word.get("prefix"), str):
            attribute.beginning = word["prefix"]
        if isinstance(word, dict) and isinstance(word.get("numeric"), list):
            attribute.words = [_fitting(word["numeric"])]


def _is_number(word: Any) -> bool:
    return isinstance(word, str) and bool(re.fullmatch(r"-?\d+(\.\d+)?", word))


def _fitting(comparison: Sequence[Any]) -> int:
    """A number that fits a filter such as [">", 5, "<=", 10]."""
    operator, bound = comparison[0], comparison[1] if len(comparison) > 1 else 0
    return int(bound) + {">": 1, "<": -1}.get(operator, 0)


def _samples(folder: Path, source: Table | DataStream) -> Iterator[Item]:
    """The items of the source in sample events beside the template."""
    files = [file for file in sorted(folder.rglob("*.json")) if _belongs(file, folder)]
    for file in files[:_MOST_SAMPLES]:
        try:
            content = json.loads(file.read_text("utf-8")) if file.stat().st_size < _LARGEST_SAMPLE else None
        except (ValueError, OSError):
            continue
        records = content.get("Records") if isinstance(content, dict) else None
        for record in records if isinstance(records, list) else ():
            item = _of_record(record, source) if isinstance(record, dict) else None
            if item and all(source.attribute_types[name] in item.get(name, ()) for name in source.key_names):
                yield item


def _belongs(file: Path, folder: Path) -> bool:
    """Whether it lies in the folder of a template, and in none of another template or of what is installed."""
    between = [parent for parent in file.parents if parent.is_relative_to(folder) and parent != folder]
    others = (parent / name for parent in between for name in TEMPLATES)
    return not _LEFT_OUT & set(file.relative_to(folder).parts) and not any(each.is_file() for each in others)


def _of_record(record: dict[str, Any], source: Table | DataStream) -> Item | None:
    if isinstance(source, Table):
        image = record.get("dynamodb", {}).get("NewImage")
        return image if isinstance(image, dict) and all(isinstance(value, dict) for value in image.values()) else None
    try:
        content = json.loads(base64.b64decode(record["kinesis"]["data"]))
    except (KeyError, TypeError, ValueError):
        return None
    return (
        {"id": {"S": "sample"}, **{name: typed(value) for name, value in content.items()}}
        if isinstance(content, dict)
        else None
    )


MAPPING = "mapping"
READS = re.compile(r"\.(Get|BatchGet|List|Query|Scan|Describe|Head|Receive|TransactGet|GET|HEAD)")
MOST_PLACES = 3  # of one call to one target: its first, its second, and its last before the function first ends
LATE_SECONDS = 400.0  # a redelivery when all later batches have been delivered
_TRIES = 4  # more than a handler makes of one call
_ATTEMPTS = 12  # more than boto3 makes of one call


class FaultPlace(NamedTuple):
    """One fault at one place. fault: what happens, in words. where: at what. party: who has it.

    entry: as in a scenario.
    """

    fault: str
    where: str
    party: str
    entry: dict[str, Any]

    @property
    def is_again(self) -> bool:
        """Whether the writer makes a change again with another value."""
        return bool(self.entry.get("duplicate_put", {}).get("changed"))


def places(operations: Sequence[Operation], stack: Stack, written_by: str) -> list[FaultPlace]:
    """operations: of the run without faults. written_by: the operation of DynamoDB with which the writer writes."""
    return [
        *_of_writes(operations, stack),
        *_of_executions(stack),
        *_of_deliveries(operations),
        *_of_the_writer(stack, written_by),
    ]


def is_write(call: str) -> bool:
    """Whether a call of the function may change something: `service.Operation`."""
    return "." in call and not READS.search(call) and not call.startswith("lambda.")


def target_of(operation: Operation, names: Mapping[str, str]) -> str:
    """What a call goes to, by logical ids where there are any. names: the logical id of each resource, by its name."""
    return ", ".join(names.get(target, target) for target in operation.value["table"].split(",") if target)


def _of_writes(operations: Sequence[Operation], stack: Stack) -> Iterator[FaultPlace]:
    names = {each.name: each.logical_id for each in stack.resources}
    calls: dict[str, int] = {}  # how many points there were so far
    found: dict[tuple[str, str], list[int]] = {}
    executions: dict[tuple[str, str], str] = {}
    for operation in operations:
        if operation.role != FUNCTION or operation.type != INVOKE or not is_write(operation.f):
            continue
        calls[operation.f] = nth = calls.get(operation.f, 0) + 1
        key = operation.f, target_of(operation, names)
        executions.setdefault(key, operation.process)
        if operation.process == executions[key]:
            found.setdefault(key, []).append(nth)
    for (call, target), numbers in found.items():
        where = f"{call} {target}".strip()
        chosen = dict.fromkeys([*numbers[: MOST_PLACES - 1], numbers[-1]])
        for nth in chosen:
            at = {"process": FUNCTION, "call": call, "nth": nth}
            yield FaultPlace("crash before", where, FUNCTION, {"crash": {**at, "when": "before"}})
            yield FaultPlace("crash after", where, FUNCTION, {"crash": {**at, "when": "after"}})
            yield FaultPlace("lost reply to", where, FUNCTION, {"lose_reply": at})
            yield FaultPlace("timeout after", where, FUNCTION, {"timeout": {**at, "when": "after"}})
            yield from _refusals(call, where, nth)


def _refusals(call: str, where: str, nth: int) -> Iterator[FaultPlace]:
    at = {"process": FUNCTION, "call": call}
    if call in BATCH_CALLS:
        yield FaultPlace("a part left undone by", where, FUNCTION, {"leave_unprocessed": {**at, "nth": nth}})
    if call in TRANSACTIONS:
        entry = {**at, "nth": nth, "code": "TransactionCanceledException", "reason": "conflict"}
        yield FaultPlace("conflict of", where, FUNCTION, {"refuse": entry})
    if call in ANSWERED_BY["TransactionConflictException"]:  # which the SDK does not repeat
        for fault, numbers in (("refusal of", [nth]), ("refusals for a while of", [*range(nth, nth + _TRIES)])):
            entry = {**at, "nth": numbers, "code": "TransactionConflictException"}
            yield FaultPlace(fault, where, FUNCTION, {"refuse": entry})
    elif call not in TRANSACTIONS:
        entry = {**at, "nth": [*range(nth, nth + _ATTEMPTS)], "code": "ThrottlingException"}
        yield FaultPlace("refusals for a while of", where, FUNCTION, {"refuse": entry})


def _of_executions(stack: Stack) -> Iterator[FaultPlace]:
    at = {"nth": 1}
    yield FaultPlace(
        "crash at the end of", "an execution", FUNCTION, {"crash": {**at, "call": "acknowledge", "when": "before"}}
    )
    yield FaultPlace("error at the end of", "an execution", FUNCTION, {"function_error": {**at, "call": "acknowledge"}})
    if stack.mapping.report_batch_item_failures:
        for position in (0, 0.5):
            yield FaultPlace(
                "records reported as failed by",
                "an execution",
                FUNCTION,
                {"partial_failure": {**at, "position": position}},
            )


def _of_deliveries(operations: Sequence[Operation]) -> Iterator[FaultPlace]:
    count = sum(1 for operation in operations if operation.f == "deliver" and operation.type == INVOKE)
    for nth in dict.fromkeys((1, count)):
        yield FaultPlace("redelivery of", "a batch", MAPPING, {"redeliver": {"nth": nth}})
        yield FaultPlace(
            "redelivery beside", "a batch that is handled", MAPPING, {"redeliver": {"nth": nth, "concurrently": True}}
        )
        yield FaultPlace("late redelivery of", "a batch", MAPPING, {"redeliver": {"nth": nth, "seconds": LATE_SECONDS}})


def _of_the_writer(stack: Stack, written_by: str) -> Iterator[FaultPlace]:
    kinesis = isinstance(stack.source, DataStream)
    noun, call = ("a record", "kinesis.PutRecord") if kinesis else ("a write", f"dynamodb.{written_by}")
    yield FaultPlace("done twice:", noun, WRITER, {"duplicate_put": {"nth": 1}})
    yield FaultPlace("done twice, with another value:", noun, WRITER, {"duplicate_put": {"nth": 1, "changed": True}})
    entry = {"process": WRITER, "call": call, "nth": 1}
    yield FaultPlace("lost reply to", f"{noun} of the writer", WRITER, {"lose_reply": entry})
