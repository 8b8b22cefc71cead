"""Conditions: a tree whose operands are checked becomes a function of an item and the values of a call."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.dynamodb.grammar import Call, Literal, Name
from harness.dynamodb.paths import Path, read, spelled
from harness.dynamodb.reserved import RESERVED
from harness.dynamodb.values import MAX_LEVELS, SCALARS, SETS, TYPES, Item, Value, compare, invalid, type_of

Values = Mapping[str, Value]
Reading = Callable[[Item, Values], Value | None]
Predicate = Callable[[Item, Values], bool]
MAX_IN = 100
_ORDERS: dict[str, tuple[int, ...]] = {"<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (1, 0)}
_ARITY = {"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2}
_CONDITION_FUNCTIONS = {**_ARITY, "size": 1}
_UPDATE_FUNCTIONS = {"if_not_exists": 2, "list_append": 2}
_SIZED = ("S", "B", *SETS, "L", "M")
_WRONG_TYPE = "Incorrect operand type for operator or function; operator or function: {}, operand type: {}"


@dataclass(frozen=True, slots=True)
class Operand:
    """How an operand is read, and what is clear about it beforehand: its type, its path, its placeholder."""

    read: Reading
    type: str | None = None
    path: Path | None = None
    placeholder: str | None = None


class Compiler:
    """Puts names into paths, and notes which names and values an expression uses."""

    def __init__(self, names: Mapping[str, str], types: Mapping[str, str], in_update: bool = False) -> None:
        self._names = names
        self._types = types
        self._in_update = in_update
        self.function: Callable[[Call], Operand] = self._size  # makes an operand of a function
        self.used: set[str] = set()
        self.paths: list[Path] = []
        self.checks: list[Callable[[Values], None]] = []  # of what only the values themselves can tell

    def path(self, name: Name) -> Path:
        path = tuple([self._step(step) for step in name.steps])
        if len(path) > MAX_LEVELS:
            raise invalid(f"The document path has too many nesting levels; nesting levels: {len(path)}")
        self.paths.append(path)
        return path

    def _step(self, step: str | int) -> str | int:
        if type(step) is int:
            return step
        word = str(step)
        if word[0] != "#":
            if word.upper() in RESERVED:
                raise invalid(f"Attribute name is a reserved keyword; reserved keyword: {word}")
            return word
        if word not in self._names:
            problem = "An expression attribute name used in the document path is not defined; attribute name"
            raise invalid(f"{problem}: {word}")
        self.used.add(word)
        return self._names[word]

    def operand(self, node: Any) -> Operand:
        if isinstance(node, Name):
            path = self.path(node)
            if len(path) == 1:
                name = str(path[0])
                return Operand(lambda item, values: item.get(name), path=path)
            return Operand(lambda item, values: read(item, path), path=path)
        if isinstance(node, Literal):
            placeholder = node.placeholder
            if placeholder not in self._types:
                problem = "An expression attribute value used in expression is not defined; attribute value"
                raise invalid(f"{problem}: {placeholder}")
            self.used.add(placeholder)
            return Operand(lambda item, values: values[placeholder], self._types[placeholder], None, placeholder)
        return self.function(node)

    def _size(self, call: Call) -> Operand:
        operands = self.arguments(call)
        if call.operator == "size":
            (sized,) = operands
            if sized.type is not None and sized.type not in _SIZED:
                raise invalid(_WRONG_TYPE.format("size", sized.type))
            return Operand(lambda item, values: _size(sized.read(item, values)), "N")
        raise invalid(f"The function is not allowed to be used this way in an expression; function: {call.operator}")

    def arguments(self, call: Call) -> list[Operand]:
        """The operands of a function that stands where it may."""
        allowed, other = _CONDITION_FUNCTIONS, _UPDATE_FUNCTIONS
        kind = "a condition"
        if self._in_update:
            allowed, other, kind = other, allowed, "an update"
        if call.operator in other:
            raise invalid(f"The function is not allowed in {kind} expression; function: {call.operator}")
        if call.operator not in allowed:
            raise invalid(f"Invalid function name; function: {call.operator}")
        operands = [self.operand(node) for node in call.operands]
        if len(operands) != allowed[call.operator]:
            raise invalid(
                "Incorrect number of operands for operator or function; operator or function: "
                f"{call.operator}, number of operands: {len(operands)}"
            )
        return operands

    def condition(self, call: Call) -> Predicate:
        if call.is_function:
            return self._test(call)
        if call.operator not in ("AND", "OR", "NOT"):
            return self._comparison(call)
        parts = [self.condition(part) for part in call.operands]
        if call.operator == "NOT":
            (negated,) = parts
            return lambda item, values: not negated(item, values)
        if call.operator == "AND":
            return lambda item, values: all([part(item, values) for part in parts])
        return lambda item, values: any([part(item, values) for part in parts])

    def _comparison(self, call: Call) -> Predicate:
        operator = call.operator
        first, *rest = operands = [self.operand(node) for node in call.operands]
        self._check_distinct(operator, operands)
        if operator in ("=", "<>"):
            (second,) = rest
            wanted = operator == "="
            return lambda item, values: _equal(first.read(item, values), second.read(item, values)) is wanted
        if operator == "IN":
            if len(rest) > MAX_IN:
                problem = "The IN operator is provided with too many operands; number of operands"
                raise invalid(f"{problem}: {len(rest)}")
            return lambda item, values: any(
                [_equal(first.read(item, values), option.read(item, values)) for option in rest]
            )
        for operand in operands:
            if operand.type not in (None, *SCALARS):
                raise invalid(_WRONG_TYPE.format(operator, operand.type))
        if operator == "BETWEEN":
            low, high = rest
            self._check_bounds(low, high)
            return lambda item, values: _is_between(*[each.read(item, values) for each in (first, low, high)])
        (second,), orders = rest, _ORDERS[operator]
        return lambda item, values: _compares(first.read(item, values), orders, second.read(item, values))

    def _check_distinct(self, operator: str, operands: list[Operand]) -> None:
        first, *rest = operands
        if first.path is not None and any(first.path == other.path for other in rest):
            raise invalid(
                "The first operand must be distinct from the remaining operands for this operator or function; "
                f"operator: {operator}, first operand: {spelled(first.path)}"
            )

    def _check_bounds(self, low: Operand, high: Operand) -> None:
        if low.placeholder is None or high.placeholder is None:
            return
        lower, upper = low.placeholder, high.placeholder

        def check(values: Values) -> None:
            order = compare(values[lower], values[upper])
            if order in (-1, 0):
                return
            problem = "same data type for lower and upper bounds"
            if order == 1:
                problem = "upper bound to be greater than or equal to lower bound"
            bounds = [f"AttributeValue: {{{type_of(v)}:{v[type_of(v)]}}}" for v in (values[lower], values[upper])]
            raise invalid(
                f"The BETWEEN operator requires {problem}; lower bound operand: {bounds[0]}, "
                f"upper bound operand: {bounds[1]}"
            )

        self.checks.append(check)

    def _test(self, call: Call) -> Predicate:
        """A function that is a condition by itself."""
        operands, name = self.arguments(call), call.operator
        if name == "size":
            raise invalid("The function is not allowed to be used this way in an expression; function: size")
        first = operands[0]
        if name in ("attribute_exists", "attribute_not_exists"):
            if first.path is None:
                raise invalid(f"Operator or function requires a document path; operator or function: {name}")
            wanted = name == "attribute_exists"
            return lambda item, values: (first.read(item, values) is not None) is wanted
        second = operands[1]
        if name == "attribute_type":
            self._check_type_name(second)
            return lambda item, values: _has_type(first.read(item, values), second.read(item, values))
        self._check_distinct(name, operands)
        if name == "begins_with":
            for operand in operands:
                if operand.type not in (None, "S", "B"):
                    raise invalid(_WRONG_TYPE.format(name, operand.type))
        test = begins_with if name == "begins_with" else contains
        return lambda item, values: test(first.read(item, values), second.read(item, values))

    def _check_type_name(self, operand: Operand) -> None:
        placeholder = operand.placeholder
        if placeholder is None or operand.type != "S":
            kinds = operand.type or f"{{{','.join(TYPES)}}}"
            raise invalid(_WRONG_TYPE.format("attribute_type", kinds))

        def check(values: Values) -> None:
            if values[placeholder]["S"] not in TYPES:
                problem = f"Invalid attribute type name found; type: {values[placeholder]['S']}"
                raise invalid(f"{problem}, valid types: {{{','.join(TYPES)}}}")

        self.checks.append(check)


def _equal(left: Value | None, right: Value | None) -> bool:
    return left is not None and left == right


def _compares(left: Value | None, orders: tuple[int, ...], right: Value | None) -> bool:
    return left is not None and right is not None and compare(left, right) in orders


def _is_between(value: Value | None, low: Value | None, high: Value | None) -> bool:
    return _compares(value, (0, 1), low) and _compares(value, (-1, 0), high)


def _has_type(value: Value | None, kind: Value | None) -> bool:
    return value is not None and kind is not None and kind["S"] in value


def _size(value: Value | None) -> Value | None:
    """What size() gives: characters, bytes, or elements; None for a value that has no size."""
    if value is None:
        return None
    kind = type_of(value)
    if kind == "B":
        return {"N": str(len(b64decode(value[kind])))}
    return {"N": str(len(value[kind]))} if kind in _SIZED else None


def begins_with(whole: Value | None, start: Value | None) -> bool:
    if whole is None or start is None or list(whole) != list(start):
        return False
    if "S" in whole:
        return bool(whole["S"].startswith(start["S"]))
    return "B" in whole and b64decode(whole["B"]).startswith(b64decode(start["B"]))


def contains(whole: Value | None, part: Value | None) -> bool:
    """A text in a text, bytes in bytes, an element in a set or a list."""
    if whole is None or part is None:
        return False
    kind, part_kind = type_of(whole), type_of(part)
    if kind == "L":
        return part in whole["L"]
    if kind in SETS:
        return kind[0] == part_kind and part[part_kind] in whole[kind]
    if kind != part_kind or kind not in ("S", "B"):
        return False
    if kind == "S":
        return part["S"] in whole["S"]
    return b64decode(part["B"]) in b64decode(whole["B"])
