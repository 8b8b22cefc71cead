"""Which resources and parameters a part of a template names. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_VARIABLE = re.compile(r"\$\{([^!.}]+)")


def mentioned(value: Any, key: str = "") -> Iterator[str]:
    """The names that stand where a resource may be named."""
    if isinstance(value, dict):
        for inner_key, inner in value.items():
            yield from mentioned(inner, inner_key)
    elif isinstance(value, list):
        for element in value[:1] if key == "Fn::GetAtt" else value:
            yield from mentioned(element, key)
    elif isinstance(value, str) and key in ("Ref", "DependsOn"):
        yield value
    elif isinstance(value, str) and key == "Fn::GetAtt":
        yield value.partition(".")[0]
    elif isinstance(value, str) and key == "Fn::Sub":
        yield from _VARIABLE.findall(value)
