"""The expressions of one call: where they get names and values from, in which order they are refused, and their plans.

A plan depends on the text, the names and the types of the values; it is kept, and gets the values when it is used.
Errors of an expression come in this order: its syntax, names and values, operands; then what no expression uses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from harness.dynamodb import grammar
from harness.dynamodb.conditions import Compiler, Values
from harness.dynamodb.paths import Branches, Path, branches, check_apart
from harness.dynamodb.values import INVALID, Body, Item, Rejected, Value, check_names, checked, invalid, type_of

_NAME_KEY, _VALUE_KEY = re.compile(r"#[A-Za-z0-9_]+"), re.compile(r":[A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled expression; `make` is what a condition or an update does with it."""

    act: Any
    paths: tuple[Path, ...]
    used: frozenset[str]
    checks: tuple[Callable[[Values], None], ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    plan: Compiled
    values: Values

    def holds(self, item: Item | None) -> bool:
        return bool(self.plan.act(item or {}, self.values))

    @property
    def paths(self) -> tuple[Path, ...]:
        return self.plan.paths


@dataclass(frozen=True, slots=True)
class Selection:
    paths: tuple[Path, ...]
    tree: Branches


Pairs = tuple[tuple[str, str], ...]


@lru_cache(maxsize=4096)
def _condition_plan(text: str, names: Pairs, types: Pairs) -> Compiled:
    compiler = Compiler(dict(names), dict(types))
    predicate = compiler.condition(grammar.condition(text))
    return Compiled(predicate, tuple(compiler.paths), frozenset(compiler.used), tuple(compiler.checks))


@lru_cache(maxsize=4096)
def _projection_plan(text: str, names: Pairs) -> Compiled:
    compiler = Compiler(dict(names), {})
    paths = tuple(compiler.path(name) for name in grammar.projection(text))
    check_apart(paths)
    return Compiled(Selection(paths, branches(paths)), paths, frozenset(compiler.used))


@contextmanager
def named(parameter: str) -> Iterator[None]:
    """Errors of an expression name its parameter."""
    try:
        yield
    except Rejected as error:
        raise invalid(f"Invalid {parameter}: {error.message}") from None


@dataclass(slots=True)
class Placeholders:
    """The names and values of one call, and how its expressions use them."""

    names: Mapping[str, str]
    values: dict[str, Value]
    pairs: tuple[Pairs, Pairs]
    used: set[str] = field(default_factory=set)

    @staticmethod
    def of(call: Body) -> Placeholders:
        """Raises Rejected for names and values that nothing could use."""
        names, values = call.get("ExpressionAttributeNames"), call.get("ExpressionAttributeValues")
        canonical: dict[str, Value] = {}
        if names is not None:
            _check_keys("ExpressionAttributeNames", names, _NAME_KEY)
            for key, name in names.items():
                with _of_key("ExpressionAttributeNames", key):
                    check_names((name,))
        if values is not None:
            _check_keys("ExpressionAttributeValues", values, _VALUE_KEY)
            for key, value in values.items():
                with _of_key("ExpressionAttributeValues", key):
                    canonical[key] = checked(value)
        types = tuple([(key, type_of(value)) for key, value in canonical.items()])
        return Placeholders(names or {}, canonical, (tuple((names or {}).items()), types))

    def condition(self, parameter: str, text: str) -> Condition:
        with named(parameter):
            plan = _condition_plan(text, *self.pairs)
            self.use(plan)
        return Condition(plan, self.values)

    def projection(self, parameter: str, text: str) -> Selection:
        with named(parameter):
            plan = _projection_plan(text, self.pairs[0])
            self.use(plan)
        return plan.act  # type: ignore[no-any-return]

    def use(self, plan: Compiled) -> None:
        self.used |= plan.used
        for check in plan.checks:
            check(self.values)

    def finish(self) -> None:
        """Raises Rejected for a name or a value that no expression used."""
        for parameter, defined in (
            ("ExpressionAttributeNames", self.names),
            ("ExpressionAttributeValues", self.values),
        ):
            unused = [key for key in defined if key not in self.used]
            if unused:
                problem = f"Value provided in {parameter} unused in expressions: keys"
                raise invalid(f"{problem}: {{{', '.join(unused)}}}")


@contextmanager
def _of_key(parameter: str, key: str) -> Iterator[None]:
    """Errors of a name or a value say whose it is."""
    try:
        yield
    except Rejected as error:
        if error.code != "ValidationException":
            raise
        problem = error.message.removeprefix(INVALID) if parameter.endswith("Names") else error.message
        raise invalid(f"{parameter} contains invalid value: {problem} for key {key}") from None


def _check_keys(parameter: str, defined: Mapping[str, Any], pattern: re.Pattern[str]) -> None:
    if not defined:
        raise invalid(f"{parameter} must not be empty")
    for key in defined:
        if not pattern.fullmatch(key):
            raise invalid(f'{parameter} contains invalid key: Syntax error; key: "{key}"')
