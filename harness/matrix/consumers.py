"""The consumers of the matrix: the handlers of lambda/, and the sinks in which the effects of each of them land."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UserError
from harness.history import Operation
from harness.pipeline.requirements import REQUIREMENTS
from harness.pipeline.resources import Bucket, Queue, Resource, Table, Topic
from harness.pipeline.stack import Endpoint, Stack

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
