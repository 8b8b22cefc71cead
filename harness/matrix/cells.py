"""The cells of the matrix: the consumers and faults on its axes, which cells are wanted, and the scenario of one."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from harness.errors import Problem, UserError, nearest
from harness.history import Operation
from harness.pipeline.dependencies import REQUIREMENTS
from harness.pipeline.resources import Bucket, Queue, Resource, Table, Topic
from harness.pipeline.stack import Endpoint, Stack
from harness.workload import WRITERS

HANDLERS = Path("lambda")
TEMPLATE = "template.yaml"
TABLE, VIEW, QUEUE, FIFO_QUEUE, BUCKET, TOPIC = "table", "view", "queue", "fifo_queue", "bucket", "topic"
ENDPOINT, FORGETFUL_ENDPOINT = "endpoint", "forgetful_endpoint"
SINKS = {
    TABLE: "rows of a DynamoDB table",
    VIEW: "the latest state of each item, in a DynamoDB table",
    QUEUE: "messages of a standard SQS queue",
    FIFO_QUEUE: "messages of a FIFO SQS queue",
    BUCKET: "objects of an S3 bucket",
    TOPIC: "messages of an SNS topic",
    ENDPOINT: "requests to an HTTP endpoint that honours Idempotency-Key",
    FORGETFUL_ENDPOINT: "requests to an HTTP endpoint that ignores Idempotency-Key",
}
# The parameter of lambda/sinks/template.yaml that makes an endpoint the one or the other.
PARAMETERS = {ENDPOINT: {"IdempotencyKey": "honoured"}, FORGETFUL_ENDPOINT: {"IdempotencyKey": "ignored"}}


@dataclass(frozen=True, slots=True)
class Consumer:
    """A handler, by the name of its file.

    does: the first paragraph of its docstring. imports: the modules that it imports.
    requires: whether pip installs packages for it.
    """

    name: str
    handler: Path
    does: str
    imports: frozenset[str]
    requires: bool


def consumers(folder: Path = HANDLERS) -> dict[str, Consumer]:
    """Every file with a handler beside a template.yaml; raises UserError when there is none.

    The handlers of lambda/sources/ have other templates: they are some of these again, for a Kinesis stream too.
    """
    by_name: dict[str, Consumer] = {}
    for file in sorted(file for template in folder.glob(f"*/{TEMPLATE}") for file in template.parent.glob("*.py")):
        tree = ast.parse(file.read_text("utf-8"))
        if any(isinstance(node, ast.FunctionDef) and node.name == "handler" for node in tree.body):
            does = paragraph(ast.get_docstring(tree))
            requires = (file.parent / REQUIREMENTS).is_file()
            if file.stem in by_name:
                raise UserError(f"{by_name[file.stem].handler} and {file} have one name: rename one of them")
            by_name[file.stem] = Consumer(file.stem, file, does, frozenset(_imported(tree)), requires)
    if not by_name:
        raise UserError(f"no handler lies in {folder}/*/: run this in the folder of the project")
    return by_name


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def paragraph(docstring: str | None) -> str:
    """The first paragraph, on one line."""
    return " ".join((docstring or "").strip().partition("\n\n")[0].split())


def sinks_of(operations: Iterable[Operation], stack: Stack) -> list[str]:
    """The words for the sinks in which a run left something."""
    used = {word for operation in operations for word in _landed_in(operation, stack)}
    return [word for word in SINKS if word in used]


def _landed_in(operation: Operation, stack: Stack) -> Iterator[str]:
    if operation.f == "state" and operation.value["role"] == VIEW:
        yield VIEW
    if operation.f != "effect":
        return
    resources: tuple[Resource | Endpoint, ...] = (*stack.resources, *stack.endpoints)
    for resource in resources:
        if operation.value["sink"] == _name(resource):
            yield from _words(resource)


def _name(resource: Resource | Endpoint) -> str:
    return resource.variable if isinstance(resource, Endpoint) else resource.logical_id


def _words(resource: Resource | Endpoint) -> tuple[str, ...]:
    match resource:
        case Table():
            return (TABLE,)
        case Queue():
            return (FIFO_QUEUE if resource.fifo else QUEUE,)
        case Bucket():
            return (BUCKET,)
        case Topic():
            return (TOPIC,)
    return (ENDPOINT, FORGETFUL_ENDPOINT)


AXES = ("writer", "consumer", "fault", "sink")
# Two changes of each of two items, one after another: an older change can come late, and both items can be mixed up.
_WORKLOAD = {"intents": 4, "items": 2}
_MAPPING = {"batch_size": 2, "report_batch_item_failures": True}


@dataclass(frozen=True, slots=True)
class Cell:
    writer: str
    consumer: str
    fault: str
    sink: str

    def __str__(self) -> str:
        return "/".join(astuple(self))


def scenario_of(cell: Cell, consumer: Consumer, aim: Aim) -> dict[str, Any]:
    """The scenario of the cell, as a user would write it.

    ReportBatchItemFailures is on for every handler: one that returns None reports no failure.
    """
    pipeline: dict[str, Any] = {"handler": consumer.handler.as_posix(), "mapping": dict(_MAPPING)}
    if cell.sink in PARAMETERS:
        pipeline["parameters"] = dict(PARAMETERS[cell.sink])
    return {
        "scenario": "matrix-cell",
        "question": f"Is '{cell.consumer}' exactly-once behind '{cell.writer}' when {aim.does}?",
        "pipeline": pipeline,
        "workload": {"writer": cell.writer, **_WORKLOAD},
        "faults": [dict(fault) for fault in aim.faults],
        "expect": "valid",
    }


# The fault passes by half of the points that fit, so that it fires elsewhere with another seed, and then never again.
_SOMEWHERE = {"probability": 0.5, "times": 1}
_WRITER = {"process": "writer", "call": "dynamodb.*"}
_FUNCTION = {"process": "function"}
_HOURS_LATER = 7200  # longer than most markers live, and less than the 24 hours of a stream (S-46)


@dataclass(frozen=True, slots=True)
class Aim:
    """A kind of harm, aimed so that it fires once in a run. faults: as in a scenario."""

    does: str
    faults: tuple[dict[str, Any], ...]


def _once(word: str, **fields: Any) -> tuple[dict[str, Any], ...]:
    return ({word: {**fields, **_SOMEWHERE}},)


AIMS: dict[str, Aim] = {
    "writer_reply_lost": Aim(
        "a reply to the writer is lost, and its SDK sends the request again", _once("lose_reply", **_WRITER)
    ),
    "put_twice": Aim("the application makes one change twice, the same", _once("duplicate_put")),
    "put_twice_changed": Aim(
        "the application makes one change twice, with another note in the item", _once("duplicate_put", changed=True)
    ),
    "crash_before_effect": Aim("the function dies just before an effect", _once("crash", when="before")),
    "crash_after_effect": Aim("the function dies just after an effect", _once("crash", when="after")),
    "reply_lost": Aim(
        "a reply to the function is lost, and its SDK sends the request again", _once("lose_reply", **_FUNCTION)
    ),
    "redelivered_beside": Aim(
        "a batch comes again while it is still being handled", _once("redeliver", concurrently=True)
    ),
    "redelivered_late": Aim(
        "a batch that was acknowledged comes again two hours later", _once("redeliver", seconds=_HOURS_LATER)
    ),
    "none": Aim("nothing goes wrong", ()),
    "redelivered": Aim("a batch that was acknowledged comes again at once", _once("redeliver")),
    "put_twice_late": Aim(
        "the application makes one change twice, and the second one is under way for 20 seconds",
        (*_once("duplicate_put", concurrently=True), {"delay": {**_WRITER, "process": "writer/1", "seconds": 20}}),
    ),
    "writer_request_lost": Aim(
        "a request of the writer is lost, and its SDK sends it again", _once("lose_request", **_WRITER)
    ),
    "writer_throttled": Aim("AWS throttles a call of the writer", _once("refuse", **_WRITER)),
    "left_unprocessed": Aim("AWS leaves half of a batch write", _once("leave_unprocessed")),
    "timeout_before_effect": Aim(
        "the function hangs before an effect until it times out", _once("timeout", when="before")
    ),
    "timeout_after_effect": Aim(
        "the function hangs after an effect until it times out", _once("timeout", when="after")
    ),
    "error_after_handler": Aim(
        "the function raises when it has handled its batch", _once("function_error", call="acknowledge")
    ),
    "partial_failure": Aim("the function reports half of its batch as failed", _once("partial_failure")),
    "throttled": Aim("AWS throttles a call of the function", _once("refuse", **_FUNCTION)),
    "request_lost": Aim(
        "a request of the function is lost, and its SDK sends it again", _once("lose_request", **_FUNCTION)
    ),
    "slow_call": Aim("a call of the function takes half a second", _once("delay", **_FUNCTION, seconds=0.5)),
    "result_lost": Aim(
        "the function's answer to the mapping is lost",
        _once("lose_reply", process="dispatcher", call="lambda.Invoke"),
    ),
    "rolled_back": Aim("the mapping's checkpoint rolls back to the beginning", _once("roll_back")),
    "mapping_recreated": Aim("the mapping is deleted and made again", _once("recreate_mapping")),
    "mapping_disabled": Aim("the mapping is disabled for a while", _once("disable_mapping")),
    "function_throttled": Aim("the function may not run for a while", _once("throttle_function")),
    "function_killed": Aim("the function's process is killed from outside", _once("kill_function")),
    "platform_killed": Aim("LocalStack is killed and started again", _once("kill_platform")),
    "platform_restarted": Aim("LocalStack is restarted", _once("restart_platform")),
    "platform_paused": Aim("LocalStack stands still for a while", _once("pause_platform")),
    "platform_slow": Aim("LocalStack is slow for a while", _once("slow_platform")),
}
STANDARD_FAULTS = tuple(AIMS)[:8]  # those of a matrix without filters


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
