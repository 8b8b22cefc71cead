"""Attribute values in the DynamoDB wire format, in canonical form: the spelling that DynamoDB keeps (S-34)."""

from __future__ import annotations

import base64
import json
from decimal import ROUND_HALF_EVEN, Clamped, Context, Decimal, InvalidOperation, Overflow
from typing import Any

Item = dict[str, dict[str, Any]]

MAX_DIGITS = 38
MAX_EXPONENT, MIN_EXPONENT = 125, -130
SETS = {"SS": "string", "NS": "number", "BS": "binary"}
ARITHMETIC = Context(prec=MAX_DIGITS, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, Overflow, Clamped])


class InvalidValue(ValueError):
    """An attribute value that DynamoDB refuses; the message is the one of its ValidationException."""


def number(text: str) -> str:
    """The number without leading and trailing zeros, sign of zero or exponent: `1.0` and `1` are one value.

    Rules: HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.Number. Raises InvalidValue.
    """
    if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS and (text[0] != "0" or text == "0"):
        return text
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise InvalidValue(f"The parameter cannot be converted to a numeric value: {text}") from None
    if not value.is_finite() or text != text.strip() or "_" in text:
        raise InvalidValue(f"The parameter cannot be converted to a numeric value: {text}")
    if not value:
        return "0"
    digits = value.as_tuple().digits
    if len(str(int("".join(map(str, digits)))).rstrip("0")) > MAX_DIGITS:
        raise InvalidValue("Attempting to store more than 38 significant digits in a Number")
    if value.adjusted() > MAX_EXPONENT:
        raise InvalidValue("Number overflow. Attempting to store a number with magnitude larger than supported range")
    if value.adjusted() < MIN_EXPONENT:
        raise InvalidValue("Number underflow. Attempting to store a number with magnitude smaller than supported range")
    plain = format(value, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain.lstrip("+")


def canonical(value: dict[str, Any]) -> dict[str, Any]:
    """An attribute value that holds a number or a set, in canonical form; any other object unchanged.

    Made to be the `object_hook` of json.loads, which calls it for the innermost objects first.
    No member of a DynamoDB request other than an attribute value has the name N, NS, SS or BS and text as content.
    """
    if len(value) != 1:
        return value
    ((kind, content),) = value.items()
    if kind == "N" and isinstance(content, str):
        return {"N": number(content)}
    if kind in SETS and isinstance(content, list) and all(isinstance(element, str) for element in content):
        return {kind: ordered(kind, content)}
    return value


def canonical_item(item: Item) -> Item:
    """A canonical copy of the item, made of plain dicts."""
    copy: Item = json.loads(json.dumps(item, default=lambda mapping: dict(mapping.items())), object_hook=canonical)
    return copy


def ordered(kind: str, elements: list[str]) -> list[str]:
    """The elements of a set in canonical order. Raises InvalidValue for duplicates."""
    if not elements:
        name = SETS[kind]
        raise InvalidValue(f"One or more parameter values were invalid: An {name} set  may not be empty")
    distinct = sorted({number(text) for text in elements}, key=Decimal) if kind == "NS" else sorted(set(elements))
    if len(distinct) != len(elements):
        listed = ", ".join(elements)
        raise InvalidValue(
            f"One or more parameter values were invalid: Input collection [{listed}] contains duplicates."
        )
    return distinct


def size(item: Item) -> int:
    """Bytes of an item as AWS counts them (CapacityUnitCalculations.html): names in UTF-8, and values."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return _number_size(content)
        case "B":
            return len(base64.b64decode(content))
        case "SS" | "NS" | "BS":
            return sum(_value_size({kind[0]: element}) for element in content)
        case "L":
            return 3 + sum(1 + _value_size(element) for element in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_size(member) for name, member in content.items())
        case _:  # BOOL and NULL
            return 1


def _number_size(text: str) -> int:
    """One byte for every two digits, counted from the point, without zeros at the ends, plus one; one for a minus."""
    whole, _, fraction = text.lstrip("-").partition(".")
    digits = "0" * (len(whole) % 2) + whole + fraction + "0" * (len(fraction) % 2)
    pairs = [digits[start : start + 2] for start in range(0, len(digits), 2)]
    significant = "".join("0" if pair == "00" else "1" for pair in pairs).strip("0")
    return len(significant) + 1 + text.startswith("-")
