"""Reads a CloudFormation template as the pipeline that it describes.

The pipeline is the function that a stream of a DynamoDB table or of Kinesis triggers, the mapping between them, and the
tables, queues, buckets and topics beside them. The rest of a template is ignored.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Values
from dataclasses import fields, replace
from os.path import isdir  # false for a name that no file can have, where Path raises
from pathlib import Path
from typing import Any, TypeVar

from harness.documents import load_template
from harness.errors import DocumentPath, NotImitated, Problem, UserError, nearest, shown
from harness.pipeline.dependencies import folder_of, layers_of, with_layers
from harness.pipeline.node import bundle_of, missing_module, runtime_of
from harness.pipeline.properties import (
    AnyLanguageFunctionProperties,
    BucketProperties,
    DataStreamProperties,
    FunctionProperties,
    MappingProperties,
    QueueProperties,
    TableProperties,
    TopicProperties,
    properties,
)
from harness.pipeline.resources import (
    BUCKET,
    DATA_STREAM,
    FUNCTION,
    LATEST,
    MAPPING,
    QUEUE,
    RETENTION_SECONDS,
    ROLE,
    SHORTEST_INDEX_NAME,
    TABLE,
    TOPIC,
    Bucket,
    DataStream,
    Mapping,
    Queue,
    Resource,
    Table,
    Topic,
    attribute,
)
from harness.pipeline.sam import cloudformation
from harness.pipeline.scope import PropertiesReader, Scope
from harness.pipeline.stack import LEDGER, ON_FAILURE, ROLES, SOURCE, VIEW, Endpoint, Function, Stack

# The paths in a scenario that a problem of the template is reported at.
FUNCTION_PATH, SINKS_PATH = "pipeline.function", "pipeline.sinks"
NO_VIEW = f"only a table or a bucket can be '{VIEW}'; a sink of another kind is a '{LEDGER}'"
_KEY_SETTING, _KEY_VALUES = "idempotency_key", ("honoured", "ignored")
R = TypeVar("R", Table, Queue, DataStream)


def read(
    template: Path,
    stack_name: str,
    *,
    handler: Path | None = None,
    function: str = "handler",
    parameters: Values[str, str] | None = None,
    mapping: Values[str, Any] | None = None,
    timeout: int | None = None,
    environment: Values[str, str] | None = None,
    logical_id: str | None = None,
    sinks: Values[str, str] | None = None,
    any_language: bool = False,
    code: Path | None = None,
    code_problems: list[Problem] | None = None,
) -> Stack:
    """The stack that the template describes, under a name, with the other arguments in place of what the template says.

    handler: a Python file, whose `function` Lambda is to call; its folder becomes the function's code.
    parameters: the template's.
    mapping: settings by their names in resources.Mapping. timeout: in seconds. environment: added to the template's.
    logical_id: of the function, where several have a stream. sinks: roles by logical id, before the template's.
    any_language: whether a function may be one that is not Python.
    code: the folder of the function's code, where the template does not say which of this machine it is.
    code_problems: takes that the handler is missing, which is raised otherwise: all else can be checked without it.
    Raises UserError with every problem found, NotImitated where a name that the pipeline needs cannot be known.
    """
    document = cloudformation(load_template(template), parameters or {})
    function_model = AnyLanguageFunctionProperties if any_language else FunctionProperties
    reader = _StackReader(template, Scope(document, stack_name, parameters or {}), sinks or {}, function_model)
    reader.code_problems = code_problems
    problems = reader.sink_problems()
    try:
        stack = reader.stack(handler, function, logical_id, code)
    except UserError as error:
        raise UserError([*problems, *error.problems]) from error
    if problems:
        raise UserError(problems)
    changed = replace(
        stack.function,
        timeout=stack.function.timeout if timeout is None else timeout,
        environment={**stack.function.environment, **(environment or {})},
    )
    stands = stack.mapping.starting_position == LATEST and "starting_position" not in (mapping or {})
    overridden = replace(_overridden(stack.mapping, mapping or {}), stands=stands)
    return replace(stack, function=changed, mapping=overridden)


def stream_functions(template: Path, parameters: Values[str, str] | None = None) -> list[str]:
    """The logical ids of the functions that a stream triggers. Raises UserError where there is none."""
    document = cloudformation(load_template(template), parameters or {})
    return _StackReader(template, Scope(document, "names", parameters or {}), {}, FunctionProperties).functions()


def _overridden(mapping: Mapping, overrides: Values[str, Any]) -> Mapping:
    names = [field.name for field in fields(Mapping)]
    unknown = [name for name in overrides if name not in names]
    if unknown:
        raise UserError(Problem(f"'{name}' is not a mapping setting. {nearest(name, names)}") for name in unknown)
    return replace(mapping, **overrides)


class _StackReader(PropertiesReader):
    """`sinks` are the roles that the scenario gives, by logical id: they come before the template's."""

    def __init__(
        self, template: Path, scope: Scope, sinks: Values[str, str], function_model: type[FunctionProperties]
    ) -> None:
        super().__init__(scope)
        self._template = template
        self._sinks = sinks
        self._function_model = function_model
        self._unread: list[str] = []  # why the source of a mapping is not known
        self.code_problems: list[Problem] | None = None  # as `read` takes them

    def functions(self) -> list[str]:
        """Those that a stream triggers, in the order of the mappings. Raises UserError where there is none."""
        names = [self._triggered(name) for name in self._triggers()]
        return [*dict.fromkeys(name for name in names if name)] or [self._mapping_ids(None)[0]]

    def stack(self, handler: Path | None, function_name: str, logical_id: str | None, folder: Path | None) -> Stack:
        tables = self.each(TABLE, self._table)
        data_streams = self.each(DATA_STREAM, self._data_stream)
        queues = self.each(QUEUE, self._queue)
        buckets = self.each(BUCKET, self._bucket)
        topics = self.each(TOPIC, self._topic)
        mapping_id, others = self._mapping_ids(logical_id)
        settings = self.read(mapping_id, MappingProperties)
        function = self._function(self._function_id(mapping_id, settings.function_name), handler, function_name, folder)
        endpoints = self._endpoints(function.logical_id)
        mapping = settings.to_mapping()
        if mapping.on_failure_arn not in (None, *(queue.arn for queue in queues)):
            path = properties(mapping_id, "DestinationConfig")
            self.set_aside(path, "a destination other than the template's queues is not imitated")
        source_arn, placed = settings.event_source_arn.partition("/consumer/")[0], self._placed
        tables = [placed(table, table.stream_arn == source_arn, SOURCE) for table in tables]
        data_streams = [placed(stream, stream.arn == source_arn, SOURCE) for stream in data_streams]
        queues = [placed(queue, queue.arn == mapping.on_failure_arn, ON_FAILURE) for queue in queues]
        if any(stream.role == SOURCE for stream in data_streams):
            self._check_views([*tables, *buckets])
        elif not any(table.role == SOURCE for table in tables):
            message = "is neither the stream of a table of the template nor a Kinesis stream of it"
            self.add(properties(mapping_id, "EventSourceArn"), message)
        self.raise_problems()
        return Stack(
            name=self.scope.stack_name,
            template=self._template,
            parameters=self.scope.parameters,
            tables=tuple(tables),
            data_streams=tuple(data_streams),
            queues=tuple(queues),
            function=function,
            mapping=mapping,
            mapping_id=mapping_id,
            not_imitated=tuple(self.not_imitated),
            buckets=tuple(buckets),
            topics=tuple(topics),
            endpoints=endpoints,
            other_mapping_ids=others,
            other_code=self._other_code(function.logical_id),
            noted=(*self.noted, *self.scope.resolver.made_up.values()),
        )

    def _mapping_ids(self, wanted: str | None) -> tuple[str, tuple[str, ...]]:
        """The mapping of a stream that triggers the wanted function, and those that trigger others."""
        triggers = self._triggers()
        fed = {name: self._triggered(name) for name in triggers}
        functions = {function for function in fed.values() if function}
        if wanted is not None and wanted not in functions:
            message = f"no function '{wanted}' of {self._template} has a stream. {nearest(wanted, functions)}"
            raise UserError([Problem(message, FUNCTION_PATH)])
        if wanted is None and len(functions) > 1:
            message = f"{len(functions)} functions of {self._template} have a stream: name the one that is meant"
            raise UserError([Problem(f"{message}. {nearest('', functions)}", FUNCTION_PATH)])
        fitting = [name for name in triggers if wanted in (None, fed[name])]
        if len(fitting) != 1:
            many = f"there are {len(fitting)}: {', '.join(fitting)}"
            count = many if fitting else "; ".join(["there is none", *self._unread])
            message = f"a pipeline has one {MAPPING} of a stream of DynamoDB or Kinesis; {count}"
            raise UserError([self.scope.document.problem(("Resources",), message)])
        return fitting[0], tuple(name for name in triggers if name not in fitting)

    def _triggers(self) -> list[str]:
        triggers = [name for name in self.each(MAPPING, self._stream_trigger) if name]
        self.raise_problems()
        return triggers

    def _triggered(self, mapping_id: str) -> str | None:
        """The function that a mapping triggers, where it is one of the template."""
        try:
            name = str(self.scope.resolver.resolve(properties(mapping_id, "FunctionName")))
            return self._function_id(mapping_id, name)
        except (NotImitated, UserError):  # reported when the mapping is read
            return None

    def _stream_trigger(self, mapping_id: str) -> str | None:
        try:
            source = str(self.scope.resolver.resolve(properties(mapping_id, "EventSourceArn")))
        except NotImitated as error:  # a source of another kind, and no part of this pipeline
            self._unread.append(str(error))
            return None
        of_table = ":dynamodb:" in source and "/stream/" in source
        return mapping_id if of_table or ":kinesis:" in source else None

    def _function_id(self, mapping_id: str, name: str) -> str:
        names = {self.scope.physical(logical_id): logical_id for logical_id in self.scope.of_type(FUNCTION)}
        physical = name.removeprefix(attribute(FUNCTION, ""))
        if physical not in names:
            message = f"'{name}' is not a function of the template. {nearest(physical, names)}"
            raise UserError([self.scope.document.problem(properties(mapping_id, "FunctionName"), message)])
        return names[physical]

    def _table(self, logical_id: str) -> Table:
        settings = self.read(logical_id, TableProperties)
        table = settings.to_table(logical_id, self.scope.physical(logical_id), self._role(logical_id))
        kept = tuple(index for index in table.indexes if len(index.name) >= SHORTEST_INDEX_NAME)
        if len(kept) == len(table.indexes):
            return table
        message = f"an index whose name is shorter than {SHORTEST_INDEX_NAME} characters, as AWS has none, is left out"
        self.note(properties(logical_id), message)
        used = {*table.key_names, *(key for index in kept for key in (index.partition_key, index.sort_key))}
        types = {name: type for name, type in table.attribute_types.items() if name in used}
        return replace(table, indexes=kept, attribute_types=types)

    def _data_stream(self, logical_id: str) -> DataStream:
        settings = self.read(logical_id, DataStreamProperties)
        if settings.retention_period_hours * 3600 != RETENTION_SECONDS:
            path = properties(logical_id, "RetentionPeriodHours")
            self.note(
                path, f"embedded, records stay {RETENTION_SECONDS // 3600} hours: it matters where a batch is stuck"
            )
        return DataStream(logical_id, self.scope.physical(logical_id), settings.shards, role=self._role(logical_id))

    def _queue(self, logical_id: str) -> Queue:
        settings = self.read(logical_id, QueueProperties)
        name, role = self.scope.physical(logical_id), self._role(logical_id)
        return Queue(logical_id, name, settings.fifo_queue, settings.content_based_deduplication, role=role)

    def _bucket(self, logical_id: str) -> Bucket:
        self.read(logical_id, BucketProperties)
        return Bucket(logical_id, self.scope.physical(logical_id), role=self._role(logical_id))

    def _topic(self, logical_id: str) -> Topic:
        self.read(logical_id, TopicProperties)
        return Topic(logical_id, self.scope.physical(logical_id), role=self._role(logical_id))

    def _function(self, logical_id: str, handler: Path | None, function_name: str, folder: Path | None) -> Function:
        settings = self.read(logical_id, self._function_model)
        if settings.reserved_concurrent_executions == 0:
            path = properties(logical_id, "ReservedConcurrentExecutions")
            self.set_aside(path, "with no concurrency the function never runs")
        root, entry = folder or self._root(logical_id, settings.runtime), settings.handler
        if handler is not None:
            root, entry = handler.parent, f"{handler.stem}.{function_name}"
        runtime, metadata, bundle = runtime_of(handler, settings.runtime), ("Resources", logical_id, "Metadata"), None
        try:
            bundle = bundle_of(handler, self.scope.document.at(metadata))
        except ValueError as error:
            self.add((*metadata, "BuildProperties"), str(error))
        code = None if handler else self.scope.document.at(properties(logical_id, "Code"))
        if bundle is None and (message := missing_module(root, entry, runtime, code)):
            problem = self.scope.document.problem(properties(logical_id, "Handler"), message)
            (self._problems if self.code_problems is None else self.code_problems).append(problem)
        return Function(
            logical_id,
            self.scope.physical(logical_id),
            self._with_layers(logical_id, root),
            entry,
            runtime,
            settings.timeout,
            settings.memory_size,
            settings.environment.variables,
            self._role_id(logical_id),
            self._role_arn(logical_id),
            bundle,
        )

    def _endpoints(self, function_id: str) -> tuple[Endpoint, ...]:
        """As in `Metadata: {harness: {endpoints: {WEBHOOK_URL: {idempotency_key: honoured}}}}` of the function."""
        path = ("Resources", function_id, "Metadata", "harness", "endpoints")
        declared = self.scope.resolver.resolve(path) or {}
        if not isinstance(declared, dict):
            self.add(path, "maps variables of the function to settings such as {idempotency_key: honoured}")
            return ()
        for variable, declaration in declared.items():
            settings = declaration if isinstance(declaration, dict) else {"": declaration}
            for name, value in settings.items():
                if name != _KEY_SETTING or value not in _KEY_VALUES:
                    expected = f"is {' or '.join(_KEY_VALUES)}, as in {{{_KEY_SETTING}: {_KEY_VALUES[0]}}}"
                    self.add((*path, variable), f"{_KEY_SETTING} {expected}")
        honoured = {_KEY_SETTING: _KEY_VALUES[0]}
        return tuple(Endpoint(variable, settings == honoured) for variable, settings in declared.items())

    def _role_id(self, logical_id: str) -> str | None:
        role = self.scope.document.at(properties(logical_id, "Role"))
        target = role.get("Fn::GetAtt") if isinstance(role, dict) else None
        name = str(target[0] if isinstance(target, list) else target).partition(".")[0]
        return name if name in self.scope.of_type(ROLE) else None

    def _role_arn(self, logical_id: str) -> str:
        """Of a role that the template makes, or names by its ARN."""
        if made := self._role_id(logical_id):
            return attribute(ROLE, self.scope.physical(made))
        role = self.scope.document.at(properties(logical_id, "Role"))
        return role if isinstance(role, str) else ""

    def _root(self, logical_id: str, runtime: str) -> Path:
        """A local folder, as `aws cloudformation package` takes it; else the code lies beside the template."""
        path = properties(logical_id, "Code")
        if isinstance(written := self.scope.document.at(path), dict) and "ImageUri" in written:
            self.add(path, "the code must not be an image: embedded, this Python runs it")
        return folder_of(self.scope.document, logical_id, self._template.parent, runtime)

    def _with_layers(self, logical_id: str, root: Path) -> Path:
        layers, elsewhere = layers_of(self.scope.document, logical_id, self._template.parent)
        for layer in elsewhere:
            what = f"what the layer {shown(layer)} holds is not here"
            self.note(properties(logical_id, "Layers"), f"{what}: what the handler needs of it must be installed")
        return with_layers(root, layers) if isdir(root) else root

    def _other_code(self, function_id: str) -> dict[str, Path]:
        """The folders of the other functions: their code must be uploaded before the stack is made."""
        others = [name for name in self.scope.of_type(FUNCTION) if name != function_id]
        code = {name: self.scope.document.at(properties(name, "Code")) for name in others}
        return {name: self._template.parent / folder for name, folder in code.items() if isinstance(folder, str)}

    def _role(self, logical_id: str) -> str | None:
        if logical_id in self._sinks:
            return self._sinks[logical_id]
        role: str | None = self.scope.document.at(_role_path(logical_id))
        type, message = self.scope.types[logical_id], ""
        if role is not None and role not in ROLES:
            message = f"'{role}' is not a role. {nearest(role, ROLES)}"
        elif type == DATA_STREAM and role not in (None, SOURCE):
            message = f"a Kinesis stream can only be the '{SOURCE}', not '{role}'"
        elif role == SOURCE and type not in (TABLE, DATA_STREAM):
            message = f"only a table can be '{role}'; a sink of another kind is a '{LEDGER}'"
        elif role == VIEW and type not in (TABLE, BUCKET):
            message = NO_VIEW
        if message:
            self.add(_role_path(logical_id), message)
        return role

    def _placed(self, resource: R, is_mapped: bool, role: str) -> R:
        """The mapping says which resource is the source, and which queue takes what failed."""
        path = _role_path(resource.logical_id)
        if is_mapped and resource.role not in (None, role):
            self.add(path, f"is '{resource.role}', but for the mapping it is '{role}'")
        if resource.role == role and not is_mapped:
            self.add(path, f"is '{role}', but the mapping does not use it so")
        return replace(resource, role=role) if is_mapped else resource

    def _check_views(self, sinks: Iterable[Resource]) -> None:
        """A view is compared with the items of the source, and a Kinesis stream has none."""
        for sink in sinks:
            if sink.role == VIEW:
                message = f"is a '{VIEW}' of a table's items, and the source is a Kinesis stream: make it a '{LEDGER}'"
                self.add(_role_path(sink.logical_id), message)

    def sink_problems(self) -> list[Problem]:
        """Sinks of the scenario that the template does not have, or not so."""
        tables = self.scope.of_type(TABLE)
        names = [*tables, *(name for type in (QUEUE, BUCKET, TOPIC) for name in self.scope.of_type(type))]
        kinds = f"no table, queue, bucket or topic of {self._template}"
        problems: list[Problem] = []
        for name, role in self._sinks.items():
            if name not in names:
                problems.append(Problem(f"'{name}' is {kinds}. {nearest(name, names)}", f"{SINKS_PATH}.{name}"))
            elif role == VIEW and self.scope.types[name] not in (TABLE, BUCKET):
                problems.append(Problem(NO_VIEW, f"{SINKS_PATH}.{name}.role"))
        return problems


def _role_path(logical_id: str) -> DocumentPath:
    return ("Resources", logical_id, "Metadata", "harness", "role")
