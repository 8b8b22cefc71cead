"""The kinds of streams that a mapping can read, by the service that has them."""

from harness.sources.base import Record, Source
from harness.sources.dynamodb import DynamoDBStream
from harness.sources.kinesis import KinesisStream

SOURCES: dict[str, Source] = {"dynamodb": DynamoDBStream(), "kinesis": KinesisStream()}


def source_at(stream_arn: str) -> Source:
    """By the service in the ARN."""
    return SOURCES[stream_arn.split(":")[2]]


def source_of(record: Record) -> Source:
    """By the word under which the record keeps what is its own."""
    return next(source for word, source in SOURCES.items() if word in record)
