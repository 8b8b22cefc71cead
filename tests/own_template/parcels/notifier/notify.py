"""Sends a message for each step of a parcel."""

import json
import os

import boto3

sqs = boto3.client("sqs")


def handler(event, context):
    for record in event["Records"]:
        parcel = record["dynamodb"]["NewImage"]
        body = {"parcel": {"tracking": parcel["tracking"]["S"], "weight": parcel["grams"]["N"]}, "via": "mail"}
        sqs.send_message(QueueUrl=os.environ["QUEUE_URL"], MessageBody=json.dumps(body))
