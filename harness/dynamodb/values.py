"""Attribute values: checked and made canonical when they come in, so that equal values are equal dicts.

A value stays in the wire format, as in {"N": "1"}. Canonical: a number has one spelling, a set one order, and a binary
is its shortest base64 text. Nobody changes a value in place: images of items share them.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterable
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any

Value = dict[str, Any]
Item = dict[str, Value]
Body = dict[str, Any]

MAX_ITEM_BYTES = 400 * 1024
MAX_LEVELS = 32
MAX_DIGITS, MAX_EXPONENT, MIN_EXPONENT = 38, 125, -130
MAX_NAME_BYTES = 65_535
SETS = ("SS", "NS", "BS")
SCALARS = ("S", "N", "B")
TYPES = (*SCALARS, *SETS, "L", "M", "BOOL", "NULL")
LONG_NAMES = {
    **{"S": "STRING", "N": "NUMBER", "B": "BINARY", "SS": "STRING_SET", "NS": "NUMBER_SET", "BS": "BINARY_SET"},
    **{"L": "LIST", "M": "MAP", "BOOL": "BOOLEAN", "NULL": "NULL"},
}
INVALID = "One or more parameter values were invalid: "
_ONE_TYPE = "must contain exactly one of the supported datatypes"
NO_TYPE = f"Supplied AttributeValue is empty, {_ONE_TYPE}"
SEVERAL_TYPES = f"Supplied AttributeValue has more than one datatypes set, {_ONE_TYPE}"
TOO_LARGE = "Item size has exceeded the maximum allowed size"
_NO_NUMBER = "The parameter cannot be converted to a numeric value"
_UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
_OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
TOO_DEEP = "Nesting Levels have exceeded supported limits"
# Room for every digit between the largest number and the smallest: sums are exact, and then refused if too long.
_EXACT = Context(prec=MAX_EXPONENT - MIN_EXPONENT + 2 * MAX_DIGITS)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


class Rejected(Exception):
    """An error with which DynamoDB answers; `more` are further members of its body."""

    def __init__(self, code: str, message: str, **more: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.more = more
        self.counts = code == "ValidationException"  # whether it is told as a violation of the request

    @property
    def reason(self) -> Body:
        """How a batch or a transaction tells it of one of its parts."""
        code = "ValidationError" if self.code == "ValidationException" else self.code.removesuffix("Exception")
        return {"Code": code, "Message": self.message, **self.more}


def invalid(message: str, counts: bool = True) -> Rejected:
    """`counts`: PutItem, UpdateItem and DeleteItem tell it as one of the violations of the request."""
    error = Rejected("ValidationException", message)
    error.counts = counts
    return error


def wrong_operand(problem: str, operator: str, more: str = "") -> Rejected:
    """A function or an operator that does not take its operands."""
    return invalid(f"{problem} for operator or function; operator or function: {operator}{more}")


def unreadable(message: str) -> Rejected:
    return Rejected("SerializationException", message)


def checked(value: Any, level: int = 0) -> Value:
    """The value in canonical form. Raises Rejected."""
    if type(value) is not dict:
        raise unreadable("Unexpected value type in payload")
    if len(value) != 1:
        if len(value) > 1:
            for kind, content in value.items():
                checked({kind: content}, level)
            raise invalid(SEVERAL_TYPES, counts=False)
        raise invalid(NO_TYPE, counts=False)
    ((kind, content),) = value.items()
    json_type = _JSON_TYPES.get(kind)
    if json_type is None:
        raise invalid(NO_TYPE, counts=False)
    if type(content) is not json_type:
        raise unreadable("Unexpected field type")
    if kind == "S":
        return value
    if level >= MAX_LEVELS - 1 and kind in ("L", "M"):  # the item is the first level
        raise invalid(TOO_DEEP, counts=False)
    return {kind: _CHECKS[kind](content, level + 1)}


def checked_item(item: Any) -> Item:
    """A canonical copy of an item or a key."""
    if type(item) is not dict:
        raise unreadable("Unexpected field type")
    check_names(item)
    return {name: checked(value) for name, value in item.items()}


def check_names(names: Iterable[str]) -> None:
    """Raises Rejected for a name of an attribute that is empty or too long."""
    for name in names:
        if not name:
            raise invalid(f"{INVALID}Empty attribute name")
        if len(name) > MAX_NAME_BYTES // 4 and _length(name) > MAX_NAME_BYTES:
            raise invalid(f"{INVALID}Attribute name is too large, must be less than {MAX_NAME_BYTES + 1} bytes")


def _binary(content: str) -> str:
    try:
        return b64encode(b64decode(content, validate=True)).decode()
    except (NotBase64, ValueError):
        raise unreadable("Invalid base64 text in a binary value") from None


def _checked_null(content: bool, level: int) -> bool:
    if not content:
        raise invalid(f"{INVALID}Null attribute value types must have the value of true")
    return True


def _checked_map(content: Item, level: int) -> Item:
    check_names(content)
    return {name: checked(member, level) for name, member in content.items()}


def _checked_set(kind: str) -> Callable[[Any, int], list[str]]:
    empty = {"SS": "An string set  may not be empty", "NS": "An number set  may not be empty"}

    def check(content: list[Any], level: int) -> list[str]:
        if any(type(element) is not str for element in content):
            raise unreadable("Unexpected field type")
        if not content:
            raise invalid(INVALID + empty.get(kind, "Binary sets should not be empty"))
        elements = content if kind == "SS" else [(number if kind == "NS" else _binary)(each) for each in content]
        distinct = in_order(kind, set(elements))
        if len(distinct) != len(elements):
            if kind == "NS":
                raise invalid("Input collection contains duplicates")
            of_type = "of type BS " if kind == "BS" else " "
            raise invalid(f"{INVALID}Input collection [{', '.join(content)}]{of_type}contains duplicates.")
        return distinct

    return check


_JSON_TYPES: dict[str, type] = {
    **dict.fromkeys(SCALARS, str),
    **dict.fromkeys(("BOOL", "NULL"), bool),
    **dict.fromkeys((*SETS, "L"), list),
    "M": dict,
}
_CHECKS: dict[str, Callable[[Any, int], Any]] = {
    "N": lambda content, level: number(content),
    "B": lambda content, level: _binary(content),
    "BOOL": lambda content, level: content,
    "NULL": _checked_null,
    "L": lambda content, level: [checked(element, level) for element in content],
    "M": _checked_map,
    **{kind: _checked_set(kind) for kind in SETS},
}


def number(text: str) -> str:
    """The number without needless zeros, sign or exponent: `1.0` and `1` are one value. Raises Rejected."""
    if text.isdigit() and text.isascii() and len(text) <= MAX_DIGITS and (text[0] != "0" or text == "0"):
        return text
    if not text:
        raise invalid(_NO_NUMBER, counts=False)
    if not _NUMBER.fullmatch(text):
        raise invalid(f"{_NO_NUMBER}: {text}", counts=False)
    return spelled(Decimal(text))


def spelled(value: Decimal) -> str:
    """The canonical text of a number. Raises Rejected for one out of range."""
    if not value:
        return "0"
    if value.adjusted() > MAX_EXPONENT:
        raise invalid(_OVERFLOW, counts=False)
    if value.adjusted() < MIN_EXPONENT:
        raise invalid(_UNDERFLOW, counts=False)
    if _digits(value) > MAX_DIGITS:
        raise invalid("Attempting to store more than 38 significant digits in a Number", counts=False)
    plain = format(value, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _digits(value: Decimal) -> int:
    return len("".join(map(str, value.as_tuple().digits)).strip("0"))


def total(left: str, right: str, sign: str = "+") -> str:
    """The exact sum or difference of two canonical numbers. Raises Rejected where it has more than 38 digits."""
    add = _EXACT.add if sign == "+" else _EXACT.subtract
    value = add(Decimal(left), Decimal(right))
    if _digits(value) > MAX_DIGITS:
        raise invalid(_OVERFLOW, counts=False)  # AWS says so of too many digits too
    return spelled(value)


def type_of(value: Value) -> str:
    return next(iter(value))


def in_order(kind: str, elements: set[str]) -> list[str]:
    """The distinct elements of a set in canonical order."""
    return sorted(elements, key=_ORDER[kind[0]])


_ORDER: dict[str, Callable[[str], Any]] = {"S": str, "N": Decimal, "B": b64decode}


def rank(kind: str, content: str) -> Any:
    """What orders the values of one scalar type: numbers by value, text and binaries by unsigned bytes."""
    return _ORDER[kind](content)  # Python orders text by code points, which is the order of its UTF-8


def compare(left: Value, right: Value) -> int | None:
    """-1, 0 or 1; None where the types are not the same scalar type."""
    kind = type_of(left)
    if kind not in _ORDER or kind not in right:
        return None
    low, high = rank(kind, left[kind]), rank(kind, right[kind])
    return int(low > high) - int(low < high)


def size(item: Item) -> int:
    """Bytes of an item as AWS counts them (CapacityUnitCalculations.html): names in UTF-8, and values."""
    length = 0
    for name, value in item.items():
        text = value.get("S")  # most are texts
        length += len(name) if name.isascii() else _length(name)
        length += value_size(value) if text is None else len(text) if text.isascii() else _length(text)
    return length


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def value_size(value: Value) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return _length(content)
    if kind == "N":
        return _number_size(content)
    if kind == "B":
        return len(b64decode(content))
    if kind in SETS:
        return sum([value_size({kind[0]: element}) for element in content])
    if kind == "L":
        return 3 + sum([1 + value_size(element) for element in content])
    if kind == "M":
        return 3 + sum([1 + _length(name) + value_size(member) for name, member in content.items()])
    return 1  # BOOL and NULL


@lru_cache(maxsize=4096)
def _number_size(text: str) -> int:
    """One byte for every two digits, counted from the point, without zeros at the ends, plus one; one for a minus."""
    whole, _, fraction = text.lstrip("-").partition(".")
    digits = "0" * (len(whole) % 2) + whole + fraction + "0" * (len(fraction) % 2)
    pairs = [digits[start : start + 2] for start in range(0, len(digits), 2)]
    significant = "".join(["0" if pair == "00" else "1" for pair in pairs]).strip("0")
    return len(significant) + 1 + text.startswith("-")


def check_size(item: Item, message: str = TOO_LARGE) -> int:
    """The size of the item. Raises Rejected where it is more than 400 KB."""
    length = size(item)
    if length > MAX_ITEM_BYTES:
        raise invalid(message, counts=False)
    return length
