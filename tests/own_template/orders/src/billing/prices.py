"""What an order costs."""

from decimal import Decimal


def total(lines):
    return sum((line["price"] * line["quantity"] for line in lines), Decimal(0))
