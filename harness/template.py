"""Reads a CloudFormation template as the pipeline that it describes: the function that a stream triggers, of a
DynamoDB table or of Kinesis, the mapping between them, and what is around. The rest of a template is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping as Values
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from harness import resources
from harness.documents import load_template
from harness.errors import NotImitated, Problem, UserError, nearest
from harness.mapping import Mapping
from harness.names import Names
from harness.resources import AnyFunctionSettings, FunctionSettings, MappingProperties, TableSettings
from harness.roles import Roles
from harness.sam import cloudformation
from harness.settings import SettingsReader, properties
from harness.sink_resources import BucketSettings, DataStreamSettings, QueueSettings, TopicSettings
from harness.stack import ON_FAILURE, SOURCE, Endpoint, Function, Stack, is_python
from harness.stores import Bucket, DataStream, Queue, Table, Topic, function_arn

WANTED = "pipeline.function"  # where a scenario says what its template leaves open


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
) -> Stack:
    """The stack that the template describes, under a name, with what is given set instead of what the template says.

    handler: a Python file, whose `function` Lambda is to call; its folder becomes the function's code.
    parameters: the template's.
    mapping: settings by the names of harness.mapping. timeout: in seconds. environment: added to the template's.
    logical_id: of the function, where several have a stream. sinks: roles by logical id, before the template's.
    any_language: whether a function may be one that is not Python.
    Raises UserError with every problem found, NotImitated where a name that the pipeline needs cannot be known.
    """
    reader = _Reader(template, stack_name, parameters or {}, sinks or {})
    reader.function_settings = AnyFunctionSettings if any_language else FunctionSettings
    stack = reader.stack(handler, function, logical_id)
    changed = replace(
        stack.function,
        timeout=stack.function.timeout if timeout is None else timeout,
        environment={**stack.function.environment, **(environment or {})},
    )
    return replace(stack, function=changed, mapping=_overridden(stack.mapping, mapping or {}))


def _overridden(mapping: Mapping, given: Values[str, Any]) -> Mapping:
    known = [field.name for field in fields(Mapping)]
    unknown = [name for name in given if name not in known]
    if unknown:
        raise UserError(Problem(f"'{name}' is not a mapping setting. {nearest(name, known)}") for name in unknown)
    return replace(mapping, **given)


_KEY_SETTING, _KEY_VALUES = "idempotency_key", ("honoured", "ignored")


class _Reader:
    """Says which resource is which."""

    function_settings: type[FunctionSettings]

    def __init__(self, template: Path, stack_name: str, given: Values[str, str], sinks: Values[str, str]) -> None:
        self._template = template
        self._document = cloudformation(load_template(template), given)
        self._names = Names(self._document, stack_name, given)
        self._settings = SettingsReader(self._names)
        self._roles = Roles(template, self._names, self._settings, sinks)
        self._unread: list[str] = []  # why the source of a mapping is not known

    def stack(self, handler: Path | None, function_name: str, logical_id: str | None) -> Stack:
        self._roles.refuse_strange_sinks()
        tables = self._settings.each(resources.TABLE, self._table)
        data_streams = self._settings.each(resources.DATA_STREAM, self._data_stream)
        queues = self._settings.each(resources.QUEUE, self._queue)
        buckets = self._settings.each(resources.BUCKET, self._bucket)
        topics = self._settings.each(resources.TOPIC, self._topic)
        mapping_id, others = self._mapping_ids(logical_id)
        settings = self._settings.read(mapping_id, MappingProperties)
        function = self._function(self._function_id(mapping_id, settings.function_name), handler, function_name)
        endpoints = self._endpoints(function.logical_id)
        mapping = settings.to_mapping()
        if mapping.on_failure_arn not in (None, *(queue.arn for queue in queues)):
            place = properties(mapping_id, "DestinationConfig")
            self._settings.set_aside(place, "a destination other than the template's queues is not imitated")
        read, placed = settings.event_source_arn, self._roles.placed
        tables = [placed(table, table.stream_arn == read, SOURCE) for table in tables]
        data_streams = [placed(stream, stream.arn == read, SOURCE) for stream in data_streams]
        queues = [placed(queue, queue.arn == mapping.on_failure_arn, ON_FAILURE) for queue in queues]
        if any(stream.role == SOURCE for stream in data_streams):
            self._roles.refuse_views(tables)
        elif not any(table.role == SOURCE for table in tables):
            told = "is neither the stream of a table of the template nor a Kinesis stream of it"
            self._settings.add(properties(mapping_id, "EventSourceArn"), told)
        self._settings.raise_problems()
        return Stack(
            name=self._names.stack_name,
            template=self._template,
            parameters=self._names.parameters,
            tables=tuple(tables),
            data_streams=tuple(data_streams),
            queues=tuple(queues),
            function=function,
            mapping=mapping,
            mapping_id=mapping_id,
            not_imitated=tuple(self._settings.not_imitated),
            buckets=tuple(buckets),
            topics=tuple(topics),
            endpoints=endpoints,
            other_mapping_ids=others,
            other_code=self._other_code(function.logical_id),
        )

    def _mapping_ids(self, wanted: str | None) -> tuple[str, tuple[str, ...]]:
        """The mapping of a stream that feeds the function that is wanted, and those that feed others."""
        triggers = [name for name in self._settings.each(resources.MAPPING, self._if_of_a_stream) if name]
        self._settings.raise_problems()
        fed = {name: self._fed(name) for name in triggers}
        functions = {function for function in fed.values() if function}
        if wanted is not None and wanted not in functions:
            message = f"no function '{wanted}' of {self._template} has a stream. {nearest(wanted, functions)}"
            raise UserError([Problem(message, WANTED)])
        if wanted is None and len(functions) > 1:
            message = f"{len(functions)} functions of {self._template} have a stream: name the one that is meant"
            raise UserError([Problem(f"{message}. {nearest('', functions)}", WANTED)])
        own = [name for name in triggers if wanted in (None, fed[name])]
        if len(own) != 1:
            found = f"there are {len(own)}: {', '.join(own)}" if own else "; ".join(["there is none", *self._unread])
            message = f"a pipeline has one {resources.MAPPING} of a stream of DynamoDB or Kinesis; {found}"
            raise UserError([self._document.problem(("Resources",), message)])
        return own[0], tuple(name for name in triggers if name not in own)

    def _fed(self, mapping_id: str) -> str | None:
        """The function that a mapping feeds, where it is one of the template."""
        try:
            name = str(self._names.resolver.resolve(properties(mapping_id, "FunctionName")))
            return self._function_id(mapping_id, name)
        except (NotImitated, UserError):  # said where it matters
            return None

    def _if_of_a_stream(self, mapping_id: str) -> str | None:
        try:
            source = str(self._names.resolver.resolve(properties(mapping_id, "EventSourceArn")))
        except NotImitated as error:  # a source of another kind, and no part of this pipeline
            self._unread.append(str(error))
            return None
        of_table = ":dynamodb:" in source and "/stream/" in source
        return mapping_id if of_table or ":kinesis:" in source else None

    def _function_id(self, mapping_id: str, name: str) -> str:
        names = {self._names.physical(logical_id): logical_id for logical_id in self._names.of_type(resources.FUNCTION)}
        physical = name.removeprefix(function_arn(""))
        if physical not in names:
            message = f"'{name}' is not a function of the template. {nearest(physical, names)}"
            raise UserError([self._document.problem(properties(mapping_id, "FunctionName"), message)])
        return names[physical]

    def _table(self, logical_id: str) -> Table:
        settings = self._settings.read(logical_id, TableSettings)
        return settings.to_table(logical_id, self._names.physical(logical_id), self._roles.of(logical_id))

    def _data_stream(self, logical_id: str) -> DataStream:
        settings = self._settings.read(logical_id, DataStreamSettings)
        if settings.retention_period_hours != DataStreamSettings.RETENTION_HOURS:
            place = properties(logical_id, "RetentionPeriodHours")
            self._settings.set_aside(place, f"only {DataStreamSettings.RETENTION_HOURS} hours are imitated")
        return DataStream(logical_id, self._names.physical(logical_id), settings.shards, self._roles.of(logical_id))

    def _queue(self, logical_id: str) -> Queue:
        settings = self._settings.read(logical_id, QueueSettings)
        name, role = self._names.physical(logical_id), self._roles.of(logical_id)
        return Queue(logical_id, name, settings.fifo_queue, role, settings.content_based_deduplication)

    def _bucket(self, logical_id: str) -> Bucket:
        self._settings.read(logical_id, BucketSettings)
        return Bucket(logical_id, self._names.physical(logical_id), self._roles.of(logical_id))

    def _topic(self, logical_id: str) -> Topic:
        self._settings.read(logical_id, TopicSettings)
        return Topic(logical_id, self._names.physical(logical_id), self._roles.of(logical_id))

    def _function(self, logical_id: str, handler: Path | None, function_name: str) -> Function:
        settings = self._settings.read(logical_id, self.function_settings)
        root, entry = self._root(logical_id), settings.handler
        if handler is not None:
            root, entry = handler.parent, f"{handler.stem}.{function_name}"
        module = root / entry.rpartition(".")[0].replace(".", "/")
        there = module.with_name(f"{module.name}.py").is_file() or (module / "__init__.py").is_file()
        if is_python(settings.runtime) and not there:
            message = f"'{entry}' is not a handler in {root}: there is no {module.name}.py."
            known = nearest(module.name, (file.stem for file in root.glob("*.py")))
            self._settings.add(properties(logical_id, "Handler"), f"{message} {known}")
        return Function(
            logical_id,
            self._names.physical(logical_id),
            root,
            entry,
            settings.runtime,
            settings.timeout,
            settings.memory_size,
            settings.environment.variables,
            self._role_id(logical_id),
        )

    def _endpoints(self, function_id: str) -> tuple[Endpoint, ...]:
        """As in `Metadata: {harness: {endpoints: {WEBHOOK_URL: {idempotency_key: honoured}}}}` of the function."""
        place = ("Resources", function_id, "Metadata", "harness", "endpoints")
        declared = self._names.resolver.resolve(place) or {}
        if not isinstance(declared, dict):
            self._settings.add(place, "maps variables of the function to settings such as {idempotency_key: honoured}")
            return ()
        for variable, given in declared.items():
            settings = given if isinstance(given, dict) else {"": given}
            for name, value in settings.items():
                if name != _KEY_SETTING or value not in _KEY_VALUES:
                    told = f"is {' or '.join(_KEY_VALUES)}, as in {{{_KEY_SETTING}: {_KEY_VALUES[0]}}}"
                    self._settings.add((*place, variable), f"{_KEY_SETTING} {told}")
        honoured = {_KEY_SETTING: _KEY_VALUES[0]}
        return tuple(Endpoint(variable, given == honoured) for variable, given in declared.items())

    def _role_id(self, logical_id: str) -> str | None:
        role = self._document.at(properties(logical_id, "Role"))
        named = role.get("Fn::GetAtt") if isinstance(role, dict) else None
        name = str(named[0] if isinstance(named, list) else named).partition(".")[0]
        return name if name in self._names.of_type(resources.ROLE) else None

    def _root(self, logical_id: str) -> Path:
        """A local folder, as `aws cloudformation package` takes it; else the code lies beside the template."""
        code = self._document.at(properties(logical_id, "Code"))
        if isinstance(code, dict) and ("ZipFile" in code or "ImageUri" in code):
            self._settings.add(
                properties(logical_id, "Code"), "the code must be in a folder: neither inline nor an image"
            )
        return self._template.parent / code if isinstance(code, str) else self._template.parent

    def _other_code(self, function_id: str) -> dict[str, Path]:
        """Their folders: a stack with them is not made unless somebody puts their code where AWS finds it."""
        others = [name for name in self._names.of_type(resources.FUNCTION) if name != function_id]
        code = {name: self._document.at(properties(name, "Code")) for name in others}
        return {name: self._template.parent / folder for name, folder in code.items() if isinstance(folder, str)}
