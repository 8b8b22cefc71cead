"""Copies orders."""

import os

import boto3

out = boto3.resource("dynamodb").Table(os.environ["OUT"])


def handler(event, context):
    for record in event["Records"]:
        order = record["dynamodb"]["NewImage"]
        out.put_item(Item={"k": order["id"]["S"], "price": int(order["pr" + "ice"]["N"])})
