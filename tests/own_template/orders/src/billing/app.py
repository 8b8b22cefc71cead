"""Writes an invoice for each order."""

import logging
import os
import uuid
from decimal import Decimal

import boto3
from boto3.dynamodb.types import TypeDeserializer

from billing.prices import total

logger = logging.getLogger()
logger.setLevel(os.environ["LOG_LEVEL"])

table = boto3.resource("dynamodb").Table(os.environ["INVOICES_TABLE"])
deserializer = TypeDeserializer()


def lambda_handler(event, context):
    logger.info("%d records, request %s", len(event["Records"]), context.aws_request_id)
    for record in event["Records"]:
        order = {name: deserializer.deserialize(value) for name, value in record["dynamodb"]["NewImage"].items()}
        table.put_item(
            Item={
                "invoiceId": str(uuid.uuid4()),
                "order": {"number": order["orderId"], "customer": order.get("customer", "unknown")},
                "amount": total(order.get("lines", [])) * Decimal("1.19"),
                "currency": os.environ["CURRENCY"],
            }
        )
    return {"invoices": len(event["Records"])}
