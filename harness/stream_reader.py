"""Reads a stream from its beginning, apart from any mapping."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

_MAX_PAGES = 100_000


@dataclass
class StreamReader:
    """Reads one table's stream from its beginning, and goes on where it stopped."""

    client: Any
    arn: str
    _after: dict[str, str] = field(default_factory=dict)

    def new_records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The shard and each record that was not read before, shard by shard."""
        shards = self.client.describe_stream(StreamArn=self.arn)["StreamDescription"]["Shards"]
        for shard in shards:
            yield from ((shard["ShardId"], record) for record in self._of_shard(shard["ShardId"]))

    def _of_shard(self, shard: str) -> Iterator[dict[str, Any]]:
        iterator = self._iterator(shard)
        for _ in range(_MAX_PAGES):
            page = self.client.get_records(ShardIterator=iterator)
            for record in page["Records"]:
                number = record["dynamodb"]["SequenceNumber"]
                if int(number) > int(self._after.get(shard, -1)):
                    self._after[shard] = number
                    yield record
            iterator = page.get("NextShardIterator")
            if not page["Records"] or iterator is None:
                return

    def _iterator(self, shard: str) -> str:
        """After what was read last; where that has left the stream, at the oldest record there is (S-46)."""
        at = {"StreamArn": self.arn, "ShardId": shard}
        iterator: str
        if shard in self._after:
            position = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": self._after[shard]}
            try:
                iterator = self.client.get_shard_iterator(**at, **position)["ShardIterator"]
                return iterator
            except ClientError as error:
                if error.response["Error"]["Code"] != "TrimmedDataAccessException":
                    raise
        iterator = self.client.get_shard_iterator(**at, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        return iterator
