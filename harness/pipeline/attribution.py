"""Attribution: where an item of the source, or what landed in a sink, says which intent and which item it is about.

Both are JMESPath expressions over plain JSON. Source: https://jmespath.org/specification.html
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

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


def checked(expression: str) -> str:
    """Raises ValueError when it is not JMESPath."""
    try:
        jmespath.compile(expression)
    except JMESPathError as error:
        raise ValueError(f"'{expression}' is not JMESPath: {str(error).splitlines()[0]}") from error
    return expression


def item_as_json(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item without DynamoDB's types, as JSON has it: sets are lists, and bytes are texts in base64.

    boto3's TypeDeserializer gives decimals, sets and bytes, which JSON has not, and importing it loads boto3.
    """
    return {name: _value_as_json(value) for name, value in item.items()}


def _value_as_json(value: Mapping[str, Any]) -> Any:
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
