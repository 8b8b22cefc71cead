"""Which cells there are, and which of them are wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from harness.errors import Problem, UserError, nearest
from harness.matrix.cells import AIMS, AXES, STANDARD_FAULTS, Cell
from harness.matrix.consumers import SINKS, TABLE, Consumer
from harness.workload import WRITERS

# Not the blind_ writers, which leave out what makes their counterparts right; nor those that remove their items again,
# after which there is nothing to compare a view with.
STANDARD_WRITERS = ("put", "stamped_put", "create_once", "versioned_put", "update_set", "update_add", "batch_put")
_FEWER_WRITERS = ("put",)


@dataclass(frozen=True, slots=True)
class Filters:
    """Globs by axis. An axis without a glob has the standard words."""

    writer: tuple[str, ...] = ()
    consumer: tuple[str, ...] = ()
    fault: tuple[str, ...] = ()
    sink: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(getattr(self, axis) for axis in AXES)

    def words(self) -> list[str]:
        """The filters as words of the command line."""
        return [word for axis in AXES for glob in getattr(self, axis) for word in (f"--{axis}", glob)]


@dataclass(frozen=True, slots=True)
class Axes:
    """The words of each axis that are wanted."""

    writer: tuple[str, ...]
    consumer: tuple[str, ...]
    fault: tuple[str, ...]
    sink: tuple[str, ...]


def axes(filters: Filters, consumers: Iterable[str]) -> Axes:
    """Raises UserError for every glob that nothing matches, each with the nearest word."""
    words = {"writer": tuple(WRITERS), "consumer": tuple(consumers), "fault": tuple(AIMS), "sink": tuple(SINKS)}
    standard = words | {"writer": STANDARD_WRITERS, "fault": STANDARD_FAULTS}
    problems = [
        Problem(f"--{axis}: no {axis} is called '{glob}'. {nearest(glob, words[axis])}")
        for axis in AXES
        for glob in getattr(filters, axis)
        if not _matching(words[axis], [glob])
    ]
    if problems:
        raise UserError(problems)
    chosen = {axis: _matching(words[axis], getattr(filters, axis)) or standard[axis] for axis in AXES}
    return Axes(**chosen)


def cells(
    axes: Axes, filters: Filters, consumers: Mapping[str, Consumer], sinks: Mapping[str, Sequence[str]]
) -> list[Cell]:
    """The cells in the order of the report: sink by sink, writer by writer. sinks: those that each consumer uses."""
    return [
        Cell(writer, consumer, fault, sink)
        for sink in axes.sink
        for writer in axes.writer
        for consumer in axes.consumer
        if sink in sinks[consumer] and writer in writers_for(consumers, consumer, sink, axes, filters)
        for fault in axes.fault
    ]


def writers_for(
    consumers: Mapping[str, Consumer], consumer: str, sink: str, axes: Axes, filters: Filters
) -> tuple[str, ...]:
    """Without a filter some consumers are played with fewer writers, so that the whole matrix takes minutes.

    These are the ones that write to another sink than a table, that import another consumer, and that need packages,
    which make a run three times as long.
    """
    handler = consumers[consumer]
    if filters.writer or (sink == TABLE and not handler.requires and not handler.imports & set(consumers)):
        return axes.writer
    return _FEWER_WRITERS


def left_out(
    axes: Axes,
    filters: Filters,
    consumers: Mapping[str, Consumer],
    sinks: Mapping[str, Sequence[str]],
    nowhere: Mapping[str, str],
) -> list[dict[str, str]]:
    """What is not in the matrix, each with the reason, and with the filter that asks for it.

    nowhere: the consumers that no run leaves an effect of, each with the reason.
    """
    entries = []
    if not filters.writer:
        others = [word for word in WRITERS if word not in axes.writer]
        entries.append(_left("writers", others, "not among the standard ones", "--writer '*'"))
    if not filters.fault:
        others = [word for word in AIMS if word not in axes.fault]
        entries.append(_left("faults", others, "not among the standard ones", "--fault '*'"))
    fewer = [
        f"{consumer} ({sink})"
        for consumer in axes.consumer
        for sink in sinks[consumer]
        if sink in axes.sink and writers_for(consumers, consumer, sink, axes, filters) != axes.writer
    ]
    why = "the sink is no table, or it is built upon another consumer, or needs packages, which take their time"
    entries.append(_left(f"writers other than {' and '.join(_FEWER_WRITERS)} for", fewer, why, "--writer '*'"))
    entries += [_left("consumer", [consumer], reason, "") for consumer, reason in nowhere.items()]
    return [entry for entry in entries if entry["names"]]


def _left(what: str, names: Sequence[str], reason: str, ask: str) -> dict[str, str]:
    return {"what": what, "names": ", ".join(names), "reason": reason, "ask": ask}


def parse_cell(text: str, consumers: Mapping[str, Consumer]) -> Cell:
    """A cell by its name. Raises UserError for every word that is unknown, with the nearest one of its axis."""
    parts = text.split("/")
    if len(parts) != len(AXES):
        raise UserError(f"--cell: got '{text}'; expected {'/'.join(AXES)}, such as put/naive/redelivered/table")
    words = {"writer": WRITERS, "consumer": consumers, "fault": AIMS, "sink": SINKS}
    problems = [
        Problem(f"--cell: no {axis} is called '{word}'. {nearest(word, words[axis])}")
        for axis, word in zip(AXES, parts, strict=True)
        if word not in words[axis]
    ]
    if problems:
        raise UserError(problems)
    return Cell(*parts)


def _matching(words: Iterable[str], globs: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in words if any(fnmatchcase(word, glob) for glob in globs))
