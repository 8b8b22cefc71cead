"""Time to live: an item that has expired stays readable until DynamoDB deletes it, some time later (S-52).

Only tables with a stream are looked after: what expires elsewhere makes no difference within a run. An item that lives
longer than a day is left alone, as AWS may leave it longer than any run waits.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from harness.schedule import Seed
from harness.services.attribute_value import Item
from harness.services.item_storage import ItemStorage, Touch
from harness.services.streams import Stream, Streams

Later = Callable[[int, Callable[[], None]], None]  # so many microseconds from now, do this
MOST_LATE = 3600 * 1_000_000  # microseconds between an item's end and its deletion
_HORIZON = 24 * 3600 * 1_000_000


class Expiry:
    """`now` is in microseconds since the Unix epoch."""

    def __init__(
        self, storage: ItemStorage, streams: Streams, seed: Seed, now: Callable[[], int], later: Later
    ) -> None:
        self._storage = storage
        self._streams = streams
        self._seed = seed
        self._now = now
        self._later = later
        self._attributes: dict[str, str] = {}  # by table

    def enable(self, table: str, attribute: str) -> None:
        """For items that are written from now on."""
        self._attributes[table] = attribute

    def attribute(self, table: str) -> str | None:
        return self._attributes.get(table)

    def written(self, stream: Stream, touch: Touch, after: Item | None) -> None:
        """To be told of every change: the item as it is now has an end, or none."""
        ends = self._end(stream.table, after)
        if ends is None or ends > self._now() + _HORIZON:
            return
        late = self._seed.between(0, MOST_LATE, "expiry", stream.table, json.dumps(touch.key, sort_keys=True), ends)
        self._later(max(ends - self._now(), 0) + late, lambda: self._expire(stream, touch, ends))

    def _expire(self, stream: Stream, touch: Touch, ends: int) -> None:
        """Unless it was changed meanwhile to end at another time, or is gone."""
        image = self._storage.image(touch.table, touch.key)
        if self._end(stream.table, image) == ends:
            self._storage.delete(touch.table, touch.key)
            self._streams.changed(stream, touch.key, image, None, expired=True)

    def _end(self, table: str, image: Item | None) -> int | None:
        """In microseconds; an attribute that is no number of seconds ends nothing."""
        value = (image or {}).get(self._attributes.get(table, ""), {}).get("N")
        return None if value is None else int(float(value) * 1_000_000)
