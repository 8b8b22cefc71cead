"""A stack: what a template describes, as values, with the name of every resource.

Attribution says where an item of the source, or what landed in a sink, names its intent and its item: by JMESPath
expressions over plain JSON. Source: https://jmespath.org/specification.html
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping as Values
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import jmespath
from jmespath.exceptions import JMESPathError

from harness.pipeline.resources import FUNCTION, Bucket, DataStream, Mapping, Queue, Resource, Table, Topic, attribute

_NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Attribution:
    """`count` says how many effects a row stands for: one, unless the expression gives a number."""

    intent: str
    item: str
    count: str | None = None

    def intent_in(self, content: Any) -> str | None:
        return _text(self.intent, content)

    def item_in(self, content: Any) -> str | None:
        return _text(self.item, content)

    def count_in(self, content: Any) -> int:
        count = _search(self.count, content) if self.count else None
        return int(count) if isinstance(count, int | float) else 1

    @property
    def intent_name(self) -> str:
        return _last_name(self.intent)

    @property
    def item_name(self) -> str:
        return _last_name(self.item)


BY_NAME = Attribution("intent", "item", "count")  # of an effect, unless the scenario says otherwise


def by_key(key_names: tuple[str, ...]) -> Attribution:
    """Of an item of a table: its `id`, or where that is no part of the key all of the key."""
    if "id" in key_names:
        return Attribution("intent", "id")
    parts = ", ".join(f'to_string("{name}")' for name in key_names)
    return Attribution("intent", f"join('/', [{parts}])")


def by_content(key_names: tuple[str, ...]) -> Attribution:
    """Of an object that holds the latest state of an item: as the item's key names it, or else an `item` of its own."""
    key = " && ".join(f'"{name}"' for name in ("id",) * ("id" in key_names) or key_names)
    return Attribution("intent", f"{key} && {by_key(key_names).item} || item")


def checked(expression: str) -> str:
    """Raises ValueError when it is not JMESPath."""
    try:
        jmespath.compile(expression)
    except JMESPathError as error:
        raise ValueError(f"'{expression}' is not JMESPath: {str(error).splitlines()[0]}") from error
    return expression


def item_as_json(item: Values[str, Any]) -> dict[str, Any]:
    """An item without DynamoDB's types, as JSON has it: sets are lists, and bytes are texts in base64.

    boto3's TypeDeserializer gives decimals, sets and bytes, which JSON has not, and importing it loads boto3.
    """
    return {name: _value_as_json(value) for name, value in item.items()}


def _value_as_json(value: Values[str, Any]) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return _number(content)
        case "M":
            return item_as_json(content)
        case "L":
            return [_value_as_json(element) for element in content]
        case "NS":
            return [_number(element) for element in content]
        case "B":
            return _base64(content)
        case "BS":
            return [_base64(element) for element in content]
        case "NULL":
            return None
    return content


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdecimal() else float(text)


def _base64(content: bytes | str) -> str:
    return base64.b64encode(content).decode() if isinstance(content, bytes) else content


def _last_name(expression: str) -> str:
    """The attribute of a request that has what the expression gives for a row."""
    names: list[str] = _NAME.findall(expression)
    return names[-1] if names else expression


def _search(expression: str, content: Any) -> Any:
    try:
        return jmespath.search(expression, content)
    except JMESPathError:  # a function of JMESPath got a value of another type than it takes
        return None


def _text(expression: str, content: Any) -> str | None:
    value = _search(expression, content)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value)


SOURCE, LEDGER, VIEW, STATE, ON_FAILURE = "source", "ledger", "view", "state", "on_failure"
ROLES = (SOURCE, LEDGER, VIEW, STATE, ON_FAILURE)
R = TypeVar("R", bound=Resource)


_NODE = re.compile(r"nodejs(1[89]|[2-9]\d)\.x")


def is_python(runtime: str) -> bool:
    return runtime.startswith("python3.")


def is_node(runtime: str) -> bool:
    return _NODE.fullmatch(runtime) is not None


class Bundle(NamedTuple):
    """What esbuild makes of a function: `entry_points` are files of its folder, `options` those of its command line."""

    entry_points: tuple[str, ...]
    options: tuple[str, ...]


class Endpoint(NamedTuple):
    """An HTTP endpoint of the harness; its URL is in a variable of the function.

    honours_key: whether a request whose `Idempotency-Key` came before is not applied again.
    """

    variable: str
    honours_key: bool

    def url(self, server: str) -> str:
        return f"{server}/{self.variable}"


@dataclass(frozen=True, slots=True)
class Function:
    """`root` is the folder that is zipped, `handler` is `module.function` in it; timeout in seconds, memory in MB.

    role_id: its role's logical id, where the template makes one. role_arn: of its role, or empty where it is not known.
    bundle: of a function in JavaScript or TypeScript that esbuild has to build; its handler is in what that makes.
    """

    logical_id: str
    name: str
    root: Path
    handler: str
    runtime: str
    timeout: int
    memory: int
    environment: Values[str, str]
    role_id: str | None = None
    role_arn: str = ""
    bundle: Bundle | None = None

    @property
    def arn(self) -> str:
        return attribute(FUNCTION, self.name)

    @property
    def has_agent(self) -> bool:
        """Whether the agent is around its handler: it is Python, as a function of another language is not."""
        return is_python(self.runtime)


@dataclass(frozen=True, slots=True)
class Stack:
    """`mapping_id` is the mapping's logical id. `not_imitated` names what the embedded platform must refuse.

    `parameters` are the values of the template's parameters, those without any left out. `attributions` are those
    that the scenario gives, by logical id. other_mapping_ids: mappings of streams that feed other functions.
    other_code: the folders of other functions, by their logical ids. sends_elsewhere: whether what the function sends
    to services that are not imitated is accepted, and an effect. noted: what is made up or left out, and no matter
    for what a run shows.
    """

    name: str
    template: Path
    parameters: Values[str, str]
    tables: tuple[Table, ...]
    queues: tuple[Queue, ...]
    function: Function
    mapping: Mapping
    mapping_id: str
    not_imitated: tuple[str, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    topics: tuple[Topic, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    attributions: Values[str, Attribution] = field(default_factory=dict)
    other_mapping_ids: tuple[str, ...] = ()
    other_code: Values[str, Path] = field(default_factory=dict)
    noted: tuple[str, ...] = ()
    sends_elsewhere: bool = False
    data_streams: tuple[DataStream, ...] = ()

    @property
    def resources(self) -> tuple[Resource, ...]:
        """What the stack keeps things in."""
        return (*self.tables, *self.data_streams, *self.queues, *self.buckets, *self.topics)

    def of(self, kind: type[R], role: str) -> list[R]:
        """The resources of this kind that have this role."""
        return [each for each in self.resources if isinstance(each, kind) and each.role == role]

    @property
    def views(self) -> list[Table | Bucket]:
        return [*self.of(Table, VIEW), *self.of(Bucket, VIEW)]

    @property
    def source(self) -> Table | DataStream:
        """What the mapping reads the records of."""
        sources: tuple[Table | DataStream, ...] = (*self.tables, *self.data_streams)
        return next(each for each in sources if each.role == SOURCE)

    @property
    def time_to_live(self) -> str | None:
        """The attribute that says when an item of the source expires, where it is a table that has one."""
        return next((table.time_to_live for table in self.of(Table, SOURCE)), None)

    def attribution(self, resource: Resource) -> Attribution:
        """Where what is in it says which intent and which item it is about."""
        attribution = self.attributions.get(resource.logical_id)
        if attribution is None and isinstance(resource, Table | DataStream) and resource.role != LEDGER:
            return by_key(resource.key_names)
        if attribution is None and resource.role == VIEW:
            return by_content(self.source.key_names)
        return attribution or BY_NAME

    @property
    def attribute_names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Under which attributes, beside the usual ones, a request says which intent it is of, and which item."""
        sinks = [each for name, each in self.attributions.items() if name != self.source.logical_id]
        keys = [name for name in self.source.key_names if "id" not in self.source.key_names]
        intents, items = (each.intent_name for each in sinks), (each.item_name for each in sinks)
        return tuple(dict.fromkeys(intents)), tuple(dict.fromkeys((*items, *keys)))

    @property
    def described(self) -> dict[str, Any]:
        """For the history: what the operations need to be understood.

        sinks: the source and each sink by logical id: role, name in calls, where its rows name the intent, and for a
        view where they count. names: the logical id of each resource, by its name. mapping: the settings that explain
        what it did.
        standing_still: functions that are not measured.
        """
        stores = [each for each in self.resources if each.role in (SOURCE, LEDGER, VIEW)]
        rows = {
            each.logical_id: {"role": str(each.role), "name": each.name, "intent": self.attribution(each).intent}
            for each in stores
        }
        endpoints = [endpoint.variable for endpoint in self.endpoints]
        rows |= {name: {"role": LEDGER, "name": f"/{name}", "intent": BY_NAME.intent} for name in endpoints}
        for view in self.views:
            count = self.attribution(view).count
            rows[view.logical_id] |= {"count": count} if count else {}
        mapping = {
            "starting_position": self.mapping.starting_position,
            "report_batch_item_failures": self.mapping.report_batch_item_failures,
        }
        others = sorted(self.other_code) if self.other_mapping_ids else []
        names = {each.name: each.logical_id for each in self.resources}
        return {"sinks": rows, "names": names, "mapping": mapping, **({"standing_still": others} if others else {})}

    @property
    def sinks(self) -> frozenset[str]:
        """The names, as requests have them, of what effects land in. Endpoints get theirs when they start."""
        return frozenset(each.name for each in self.resources if each.role in (LEDGER, VIEW))
