"""The AWS services that the embedded platform imitates: DynamoDB, Streams, Kinesis, Lambda; SQS, SNS and S3 by moto.

Each takes a Request and returns a Reply. Start with `dynamodb`: `items` stores what it writes, `streams` the records of
its changes. `functions` serves Lambda's Invoke, `kinesis` data streams, `moto` queues, topics and buckets.
"""
