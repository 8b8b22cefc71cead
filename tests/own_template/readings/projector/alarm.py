"""Logs the readings that are too hot."""

import os

import boto3

alarms = boto3.resource("dynamodb").Table(os.environ.get("ALARMS", ""))


def log(event, context):
    for record in event["Records"]:
        reading = record["dynamodb"]["NewImage"]
        if float(reading["celsius"]["N"]) > 40:
            alarms.put_item(Item={"reading": record["eventID"], "intent": reading["intent"]["S"]})
