"""The items of a table, in the orders in which they are read: by key, and by the key of each index.

A partition key has a place on a ring, by its hash; a scan goes round the ring, and its segments are arcs of it. Within
a partition items stand by sort key. An index holds the items that have its key, and orders equal keys by the table's.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from harness.dynamodb.paths import Path
from harness.dynamodb.values import Body, Item, rank, value_size

Primary = tuple[str, ...]  # the contents of a key, in the order of the schema
Entry = tuple[Any, Any, Primary]  # rank of the sort key, place among equals, and whose it is
RING = 1 << 64
MAX_PARTITION_BYTES, MAX_SORT_BYTES = 2048, 1024  # of each attribute of a key


def place(partition: Primary) -> int:
    whole = "\0".join(partition).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(whole, digest_size=8).digest(), "big")


@dataclass(frozen=True, slots=True)
class Key:
    """Attributes of a key and their types: first those of the partition, and then those of the order.

    A table has one of either kind at most, a global index four.
    """

    names: tuple[str, ...]
    types: tuple[str, ...]
    partition: int = 1  # how many attributes

    def of(self, item: Item) -> Primary | None:
        """The contents of the key; None for an item that lacks it, or has another type there."""
        try:
            return tuple([item[name][kind] for name, kind in zip(self.names, self.types, strict=True)])
        except KeyError:
            return None

    def longest(self, position: int) -> int:
        """How many bytes the attribute may have."""
        return MAX_PARTITION_BYTES if position < self.partition else MAX_SORT_BYTES

    def order(self, contents: Primary) -> tuple[Any, ...]:
        """What orders the items of a partition."""
        sorted_by = zip(self.types[self.partition :], contents[self.partition :], strict=True)
        return tuple([rank(kind, content) for kind, content in sorted_by])

    def can_have(self, contents: Primary) -> bool:
        """What was there before an index may be too long for it, or empty, and is left out then."""
        sizes = [value_size({kind: content}) for kind, content in zip(self.types, contents, strict=True)]
        return all(contents) and all([size <= self.longest(position) for position, size in enumerate(sizes)])


@dataclass(slots=True)
class View:
    """Items in the order of one key. `primary`: the table's key; `name`: of the index, or "" for the table itself.

    kept: the attributes that an index has a copy of; None for all.
    """

    name: str
    key: Key
    primary: Key
    is_global: bool = False
    kept: frozenset[str] | None = None
    description: Body = field(default_factory=dict)
    _partitions: dict[Primary, list[Entry]] = field(default_factory=dict)
    _ring: list[tuple[int, Primary]] = field(default_factory=list)

    def entry(self, item: Item) -> tuple[Primary, Entry] | None:
        """The partition and the entry of an item; None for one that does not belong here."""
        contents, primary = self.key.of(item), self.primary.of(item)
        if contents is None or primary is None or (self.name and not self.key.can_have(contents)):
            return None
        among = (place(primary[:1]), primary[0], *self.primary.order(primary)) if self.name else None
        return contents[: self.key.partition], (self.key.order(contents), among, primary)

    def put(self, item: Item) -> None:
        entered = self.entry(item)
        if entered is None:
            return
        partition, entry = entered
        entries = self._partitions.get(partition)
        if entries is None:
            self._partitions[partition] = [entry]
            insort(self._ring, (place(partition), partition))
        else:
            insort(entries, entry)

    def remove(self, item: Item) -> None:
        entered = self.entry(item)
        if entered is None:
            return
        partition, entry = entered
        entries = self._partitions[partition]
        del entries[bisect_left(entries, entry)]
        if not entries:
            del self._partitions[partition]
            del self._ring[bisect_left(self._ring, (place(partition), partition))]

    def queried(self, partition: Primary, forward: bool, start: Item | None) -> Iterator[Entry]:
        """The entries of a partition after the start key, which need not exist any more."""
        entries = self._partitions.get(partition, [])
        if not forward:
            before = len(entries) if start is None else bisect_left(entries, self._entered(start)[1])
            return (entries[index] for index in range(before - 1, -1, -1))
        first = 0 if start is None else bisect_right(entries, self._entered(start)[1])
        return (entries[index] for index in range(first, len(entries)))

    def scanned(self, low: int, high: int, start: Item | None) -> Iterator[Entry]:
        """All entries between two places of the ring, after the start key."""
        first = bisect_left(self._ring, (low, ()))
        if start is not None:
            partition, entry = self._entered(start)
            first = bisect_left(self._ring, (place(partition), partition))
        for at, each in self._ring[first:]:
            if at >= high:
                return
            entries = self._partitions[each]
            yield from entries[bisect_right(entries, entry) if start is not None and each == partition else 0 :]

    def _entered(self, key: Item) -> tuple[Primary, Entry]:
        entered = self.entry(key)
        assert entered is not None  # start keys are checked
        return entered

    def lacks(self, paths: Iterable[Path]) -> str:
        """The names of attributes that the index has no copy of."""
        return ", ".join(dict.fromkeys(str(path[0]) for path in paths if self.kept and path[0] not in self.kept))

    def copy(self, item: Item) -> Item:
        """What the index holds of an item."""
        if self.kept is None:
            return item
        return {name: value for name, value in item.items() if name in self.kept}


@dataclass(slots=True)
class StoredTable:
    """One table. `views`: itself by "", and its indexes by their names; `description`: what DescribeTable says."""

    name: str
    key: Key
    description: Body
    views: dict[str, View]
    types: dict[str, str]
    tags: dict[str, str] = field(default_factory=dict)
    expires_by: str | None = None
    stream: Any = None  # the latest one, enabled or not
    items: dict[Primary, Item] = field(default_factory=dict)
    sizes: dict[Primary, int] = field(default_factory=dict)

    @property
    def indexes(self) -> list[View]:
        return [view for name, view in self.views.items() if name]

    def write(self, primary: Primary, after: Item | None, length: int = 0) -> None:
        """Puts an item of so many bytes in the place of the one before, or takes that one away."""
        before = self.items.get(primary)
        for view in self.views.values():
            if before is not None and after is not None and (not view.name or view.entry(before) == view.entry(after)):
                continue
            if before is not None:
                view.remove(before)
            if after is not None:
                view.put(after)
        if after is not None:
            self.items[primary] = after
            self.sizes[primary] = length
        elif before is not None:
            del self.items[primary], self.sizes[primary]

    def add(self, index: View) -> None:
        self.views[index.name] = index
        for item in self.items.values():
            index.put(item)
