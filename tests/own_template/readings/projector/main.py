"""Keeps the newest reading of each sensor."""

import os

import boto3

client = boto3.client("dynamodb")


def project(event, context):
    failures = []
    for record in event["Records"]:
        reading = record["dynamodb"]["NewImage"]
        place = f"{reading['site']['S']}/{reading['sensor']['N']}"
        try:
            client.put_item(
                TableName=os.environ["NEWEST"],
                Item={"place": {"S": place}, "celsius": reading["celsius"], "change": reading["intent"]},
            )
        except client.exceptions.ProvisionedThroughputExceededException:
            failures.append({"itemIdentifier": record["dynamodb"]["SequenceNumber"]})
    return {"batchItemFailures": failures}
