"""Which cells there are, and which of them are wanted. Pure, but for what it is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from harness.errors import Problem, UserError, nearest
from harness.matrix.cells import AIMS, AXES, Cell
from harness.matrix.consumers import SINKS, TABLE, Consumer
from harness.workload import WRITERS

# Those whose names begin with blind_ leave out what makes their counterpart right; those that remove their items again
# leave a view nothing to be compared with.
STANDARD_WRITERS = ("put", "stamped_put", "create_once", "versioned_put", "update_set", "update_add", "batch_put")
_FEWER_WRITERS = ("put",)


@dataclass(frozen=True, slots=True)
class Filters:
    """Globs by axis; an axis without one is as the matrix is without filters."""

    writer: tuple[str, ...] = ()
    consumer: tuple[str, ...] = ()
    fault: tuple[str, ...] = ()
    sink: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(getattr(self, axis) for axis in AXES)

    def words(self) -> list[str]:
        """As they stand on the command line."""
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
    known = {"writer": tuple(WRITERS), "consumer": tuple(consumers), "fault": tuple(AIMS), "sink": tuple(SINKS)}
    standard = {**known, "writer": STANDARD_WRITERS, "fault": tuple(word for word in AIMS if AIMS[word].standard)}
    problems = [
        Problem(f"--{axis}: no {axis} is called '{glob}'. {nearest(glob, known[axis])}")
        for axis in AXES
        for glob in getattr(filters, axis)
        if not _matching(known[axis], [glob])
    ]
    if problems:
        raise UserError(problems)
    chosen = {axis: _matching(known[axis], getattr(filters, axis)) or standard[axis] for axis in AXES}
    return Axes(**chosen)


def cells(
    axes: Axes, filters: Filters, consumers: Mapping[str, Consumer], sinks: Mapping[str, Sequence[str]]
) -> list[Cell]:
    """`sinks` are those that each consumer uses. Sink by sink, writer by writer: as the report has them."""
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
    """Without a filter some are met by fewer writers, so that the whole takes minutes: what writes to no table, what
    builds upon another consumer, and what imports packages, at three times the cost of a run."""
    own = consumers[consumer]
    if filters.writer or (sink == TABLE and not own.requires and not own.imports & set(consumers)):
        return axes.writer
    return _FEWER_WRITERS


def left_out(
    axes: Axes,
    filters: Filters,
    consumers: Mapping[str, Consumer],
    sinks: Mapping[str, Sequence[str]],
    nowhere: Mapping[str, str],
) -> list[dict[str, str]]:
    """What is not in the matrix, each with the reason, and with the filter that asks for it. `nowhere` says of the
    consumers without a sink why that is so."""
    told = []
    if not filters.writer:
        others = [word for word in WRITERS if word not in axes.writer]
        told.append(_left("writers", others, "not among the standard ones", "--writer '*'"))
    if not filters.fault:
        others = [word for word in AIMS if word not in axes.fault]
        told.append(_left("faults", others, "not among the standard ones", "--fault '*'"))
    fewer = [
        f"{consumer} ({sink})"
        for consumer in axes.consumer
        for sink in sinks[consumer]
        if sink in axes.sink and writers_for(consumers, consumer, sink, axes, filters) != axes.writer
    ]
    why = "the sink is no table, or it is built upon another consumer, or needs packages, which take their time"
    told.append(_left(f"writers other than {' and '.join(_FEWER_WRITERS)} for", fewer, why, "--writer '*'"))
    told += [_left("consumer", [consumer], reason, "") for consumer, reason in nowhere.items()]
    return [each for each in told if each["names"]]


def _left(what: str, names: Sequence[str], reason: str, ask: str) -> dict[str, str]:
    return {"what": what, "names": ", ".join(names), "reason": reason, "ask": ask}


def parse_cell(text: str, consumers: Mapping[str, Consumer]) -> Cell:
    """A cell by its name. Raises UserError with the nearest word of each axis where there is none."""
    words = text.split("/")
    if len(words) != len(AXES):
        raise UserError(f"--cell: got '{text}'; expected {'/'.join(AXES)}, such as put/naive/redelivered/table")
    known = {"writer": WRITERS, "consumer": consumers, "fault": AIMS, "sink": SINKS}
    problems = [
        Problem(f"--cell: no {axis} is called '{word}'. {nearest(word, known[axis])}")
        for axis, word in zip(AXES, words, strict=True)
        if word not in known[axis]
    ]
    if problems:
        raise UserError(problems)
    return Cell(*words)


def _matching(known: Iterable[str], globs: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in known if any(fnmatchcase(word, glob) for glob in globs))
