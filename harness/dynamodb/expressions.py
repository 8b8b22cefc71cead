"""The expressions of one call: where they get names and values from, in which order they are refused, and their plans.

A plan depends on the text, the names and the types of the values; it is kept, and gets the values when it is used.
Errors of an expression come in this order: its syntax, names and values, operands; then what no expression uses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from harness.dynamodb import grammar
from harness.dynamodb.conditions import Compiler, Values
from harness.dynamodb.grammar import Call, Literal, Name
from harness.dynamodb.paths import Branches, Path, branches, check_apart
from harness.dynamodb.values import INVALID, Body, Item, Rejected, Value, check_names, checked, invalid

_NAME_KEY, _VALUE_KEY = re.compile(r"#[A-Za-z0-9_]+"), re.compile(r":[A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled expression; `act` is what a condition, an update or a projection makes of an item."""

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
    """Of a projection: the paths, and the same as a tree."""

    paths: tuple[Path, ...]
    tree: Branches

    @staticmethod
    def of(paths: Iterable[Path]) -> Selection:
        each = tuple(paths)
        return Selection(each, branches(each))


Pairs = tuple[tuple[str, str], ...]


@lru_cache(maxsize=4096)
def _condition_plan(source: str | Call, names: Pairs, types: Pairs) -> Compiled:
    compiler = Compiler(dict(names), dict(types))
    predicate = compiler.condition(grammar.condition(source) if isinstance(source, str) else source)
    return Compiled(predicate, tuple(compiler.paths), frozenset(compiler.used), tuple(compiler.checks))


@lru_cache(maxsize=4096)
def _projection_plan(text: str, names: Pairs) -> Compiled:
    compiler = Compiler(dict(names), {})
    paths = tuple(compiler.path(name) for name in grammar.projection(text))
    check_apart(paths)
    return Compiled(Selection.of(paths), paths, frozenset(compiler.used))


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

    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    _pairs: tuple[Pairs, Pairs] | None = None

    @staticmethod
    def of(call: Body, counted: bool = False) -> Placeholders:
        """Raises Rejected for names and values that nothing could use.

        counted: the call counts the violations of its request, and does not say of a wrong set whose it is.
        """
        names, values = call.get("ExpressionAttributeNames"), call.get("ExpressionAttributeValues")
        canonical: dict[str, Value] = {}
        if names is not None:
            _check_keys("ExpressionAttributeNames", names, _NAME_KEY)
            for key, name in names.items():
                try:
                    check_names((name,))
                except Rejected as error:
                    raise _of_key("ExpressionAttributeNames", key, error.message.removeprefix(INVALID), error) from None
        if values is not None:
            _check_keys("ExpressionAttributeValues", values, _VALUE_KEY)
            for key, value in values.items():
                try:
                    canonical[key] = checked(value)
                except Rejected as error:
                    if error.code != "ValidationException" or (counted and error.counts):
                        raise
                    raise _of_key("ExpressionAttributeValues", key, error.message, error) from None
        return Placeholders(names or {}, canonical)

    @property
    def pairs(self) -> tuple[Pairs, Pairs]:
        """The names, and the types of the values: what a plan depends on beside the text."""
        if self._pairs is None:
            types = [(key, kind) for key, value in self.values.items() for kind in value]
            self._pairs = tuple(self.names.items()), tuple(types)
        return self._pairs

    def name(self, path: Path) -> Name:
        """A placeholder for each name of a path that was not in an expression of the API."""
        steps = [step if isinstance(step, int) else self._named(step) for step in path]
        return Name(tuple(steps))

    def _named(self, name: str) -> str:
        placeholder = f"#n{len(self.names)}"
        self.names[placeholder], self._pairs = name, None
        return placeholder

    def literal(self, value: Value) -> Literal:
        placeholder = f":v{len(self.values)}"
        self.values[placeholder], self._pairs = value, None
        return Literal(placeholder)

    def condition(self, parameter: str, source: str | Call) -> Condition:
        """Of a text of the API, or of a tree."""
        with named(parameter):
            plan = _condition_plan(source, *self.pairs)
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


def _of_key(parameter: str, key: str, problem: str, error: Rejected) -> Rejected:
    """The error of a name or a value that says whose it is."""
    return invalid(f"{parameter} contains invalid value: {problem} for key {key}", error.counts)


def _check_keys(parameter: str, defined: Mapping[str, Any], pattern: re.Pattern[str]) -> None:
    if not defined:
        raise invalid(f"{parameter} must not be empty")
    for key in defined:
        if not pattern.fullmatch(key):
            raise invalid(f'{parameter} contains invalid key: Syntax error; key: "{key}"')
