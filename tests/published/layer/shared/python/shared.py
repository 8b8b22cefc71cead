"""Of the layer."""

import os

import boto3

out = boto3.resource("dynamodb").Table(os.environ["OUT"])


def copy(event):
    for record in event["Records"]:
        out.put_item(Item={"k": record["dynamodb"]["NewImage"]["id"]["S"]})
