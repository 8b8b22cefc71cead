"""The AWS services that the embedded platform imitates: each takes a Request and returns a Reply.

Start with `dynamodb`: `items` stores what it writes, `streams` the records of its changes. `functions` serves Lambda's
Invoke, `kinesis` data streams, and `moto` queues, topics and buckets.
"""
