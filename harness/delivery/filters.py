"""Which records a mapping's filters let through: the event patterns of FilterCriteria. Pure.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html, S-84. A pattern is checked
when the mapping is made, so that an operator that is not imitated is reported before the first record arrives.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from harness.errors import NotImitated, Problem, UserError, nearest
from harness.pipeline.resources import Mapping, queue_url

OR = "$or"
MOST = 5  # of a mapping; AWS takes up to ten of who has asked for that
_MISSING = object()
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def passes(record: dict[str, Any], patterns: Sequence[dict[str, Any]]) -> bool:
    """Whether any pattern matches the record of Lambda's event; without patterns every record passes."""
    return not patterns or any(_fits(record, pattern) for pattern in patterns)


def check(patterns: Sequence[dict[str, Any]]) -> None:
    """Raises UserError for an invalid pattern or too many, and NotImitated for an operator that is not imitated."""
    if len(patterns) > MOST:
        message = (
            f"got {len(patterns)} filters; AWS takes at most {MOST} for a mapping (ten where it was asked for that)"
        )
        raise UserError([Problem(message, "filter_criteria")])
    for index, pattern in enumerate(patterns):
        _check_pattern(pattern, f"filter_criteria[{index}]")


def check_mapping(mapping: Mapping) -> None:
    """Raises NotImitated for a mapping that the dispatcher does not support, and UserError for an invalid filter."""
    if mapping.tumbling_window_in_seconds:
        raise NotImitated(f"tumbling_window_in_seconds: {mapping.tumbling_window_in_seconds}; only 0 is imitated")
    check(mapping.filter_criteria)
    if mapping.on_failure_arn:
        queue_url(mapping.on_failure_arn)


def unsupported(mapping: Mapping) -> list[str]:
    """Why the dispatcher does not support this mapping; empty if it does. Raises UserError for an invalid filter."""
    try:
        check_mapping(mapping)
    except NotImitated as error:
        return [str(error)]
    return []


def _fits(value: Any, pattern: dict[str, Any]) -> bool:
    if isinstance(value, list):
        return any(_fits(element, pattern) for element in value or [{}])
    fields = value if isinstance(value, dict) else {}
    return all(_field_fits(fields, name, rule) for name, rule in pattern.items())


def _field_fits(fields: dict[str, Any], name: str, rule: Any) -> bool:
    if name == OR:
        return any(_fits(fields, alternative) for alternative in rule)
    value = fields.get(name, _MISSING)
    if isinstance(rule, dict):
        return _fits(value, rule)
    # Only leaves can be matched: an object counts as absent.
    leaves = [leaf for leaf in (value if isinstance(value, list) else [value]) if not isinstance(leaf, dict)]
    return any(_leaf_fits(leaf, matcher) for matcher in rule for leaf in leaves or [_MISSING])


def _leaf_fits(value: Any, matcher: Any) -> bool:
    if not isinstance(matcher, dict):
        return _equal(value, matcher)
    ((name, argument),) = matcher.items()
    return _OPERATORS[name](value, argument)


def _equal(value: Any, wanted: Any) -> bool:
    # In Python True == 1; in JSON they differ.
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return bool(value == wanted)


def _exists(value: Any, argument: bool) -> bool:
    return (value is not _MISSING) == argument


def _anything_but(value: Any, argument: Any) -> bool:
    unwanted = argument if isinstance(argument, list) else [argument]
    return value is not _MISSING and not any(_equal(value, one) for one in unwanted)


def _numeric(value: Any, argument: list[Any]) -> bool:
    # DynamoDB's numbers are strings in the event, so they never match (S-84).
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return all(_COMPARE[sign](value, bound) for sign, bound in zip(argument[::2], argument[1::2], strict=True))


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "prefix": lambda value, argument: isinstance(value, str) and value.startswith(argument),
    "suffix": lambda value, argument: isinstance(value, str) and value.endswith(argument),
    "equals-ignore-case": lambda value, argument: isinstance(value, str) and value.lower() == argument.lower(),
    "anything-but": _anything_but,
    "exists": _exists,
    "numeric": _numeric,
}


def _check_pattern(pattern: Any, path: str) -> None:
    if not isinstance(pattern, dict) or not pattern:
        raise UserError([Problem(f"a pattern is an object with at least one field, got {pattern!r}", path)])
    for name, rule in pattern.items():
        inner = f"{path}.{name}"
        if name == OR:
            _check_list(rule, inner)
            for index, alternative in enumerate(rule):
                _check_pattern(alternative, f"{inner}[{index}]")
        elif isinstance(rule, dict):
            _check_pattern(rule, inner)
        else:
            _check_list(rule, inner)
            for index, matcher in enumerate(rule):
                _check_matcher(matcher, f"{inner}[{index}]")


def _check_list(rule: Any, path: str) -> None:
    if not isinstance(rule, list) or not rule:
        raise UserError([Problem(f"the values of a field are a list with at least one entry, got {rule!r}", path)])


def _check_matcher(matcher: Any, path: str) -> None:
    if isinstance(matcher, list):
        raise UserError([Problem(f"a list inside a list, got {matcher!r}", path)])
    if not isinstance(matcher, dict):
        return
    if len(matcher) != 1:
        raise UserError([Problem(f"one operator at a time, got {matcher!r}", path)])
    ((name, argument),) = matcher.items()
    if name not in _OPERATORS:
        raise NotImitated(f"{path}: filter operator '{name}'. {nearest(name, _OPERATORS)}")
    if not _VALID[name](argument):
        raise NotImitated(f"{path}: filter operator '{name}' with {argument!r}")


def _is_text(argument: Any) -> bool:
    return isinstance(argument, str)


def _are_bounds(argument: Any) -> bool:
    return (
        isinstance(argument, list)
        and len(argument) in (2, 4)
        and all(sign in _COMPARE for sign in argument[::2])
        and all(isinstance(bound, int | float) and not isinstance(bound, bool) for bound in argument[1::2])
    )


def _are_plain(argument: Any) -> bool:
    unwanted = argument if isinstance(argument, list) else [argument]
    return bool(unwanted) and all(isinstance(one, str | int | float) for one in unwanted)


_VALID: dict[str, Callable[[Any], bool]] = {
    "prefix": _is_text,
    "suffix": _is_text,
    "equals-ignore-case": _is_text,
    "anything-but": _are_plain,
    "exists": lambda argument: isinstance(argument, bool),
    "numeric": _are_bounds,
}
