"""A scenario as it is when everything in it is known: one variant of what the user wrote, checked."""

# Annotations are no texts here: a model looks at its own.
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from harness.documents import parse
from harness.errors import Mistake, Mistakes, UserError, shown
from harness.faults.base import Fault
from harness.models import EMPTY, After, Before, Instead, Keywords, Model, derived
from harness.pipeline.resources import SETTINGS, DataStream, Table
from harness.pipeline.stack import checked
from harness.scenario.fault_entry import parse_fault
from harness.scenario.fields import (
    IN_SECONDS,
    OWN_SCHEMA,
    SEEDS_SCHEMA,
    Handler,
    checker_class,
    find,
    find_folder,
    find_handler,
    implementation,
    parse_seeds,
)

Expression = Annotated[str, Keywords(minLength=1), After(checked)]


class Sink(Model):
    """A table of the template where effects land; its rows are read as plain JSON."""

    role: Annotated[Literal["ledger", "view"], "A row for each effect, or the latest state of each item."] = "ledger"
    intent: Annotated[Expression, "Where a row says which intent it is of."] = "intent"
    item: Annotated[
        Expression | None,
        "Where a row says of which item; `item` in a ledger, the key in a view unless given.",
    ] = None
    count: Annotated[
        Expression | None,
        "Where a row says how many effects it stands for, else one; in a view, how many changes it counts.",
    ] = None


class SourceAttribution(Model):
    """The table or the Kinesis stream that triggers the function."""

    intent: Annotated[Expression, "Where an item says which intent has made it what it is."] = "intent"
    item: Annotated[Expression | None, "Where an item says its name; `id` or else its key unless given."] = None


def _named(value: Any) -> Any:
    """A function that is a text is the function of that name."""
    return {"name": value} if isinstance(value, str) else value


def _optional(name: str) -> tuple[Any, None]:
    """A setting of the mapping as a field, which is None where the scenario leaves it to the template."""
    kind = SETTINGS[name].kind
    *notes, description = kind.__metadata__
    notes += [IN_SECONDS] if name.endswith("_in_seconds") else []
    bounded = Annotated[(kind.__origin__, *notes)] if notes else kind.__origin__
    return Annotated[bounded | None, description], None


_ONLY_IN_TEMPLATES = ("enabled", "on_failure_arn", "stands")
_MappingSettings = derived(
    "_MappingSettings", Model, {name: _optional(name) for name in SETTINGS if name not in _ONLY_IN_TEMPLATES}
)


class MappingOverrides(_MappingSettings):  # type: ignore[misc, valid-type]
    """Settings of the event source mapping; those that are given override the template's.

    Source of the bounds: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
    """

    def settings(self) -> dict[str, Any]:
        """The settings that the scenario gives, by the names of harness.pipeline.resources.Mapping."""
        return {name: value for name in self.FIELDS if (value := getattr(self, name)) is not None}


NAME_PATTERN = r"^[a-z][a-z0-9-]*$"
TEMPLATE = "template.yaml"
_BESIDE = Path()  # the handler, until that is known
_VARIABLES = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
_TEXT = {"type": "string"}


def _located(value: Any, folders: Sequence[Path]) -> Handler:
    if not isinstance(value, str):
        raise ValueError(f"got {shown(value)}; expected the path of a Python file")
    return find_handler(value, folders)


def _folder(value: Any, folders: Sequence[Path]) -> Path:
    if not isinstance(value, str):
        raise ValueError(f"got {shown(value)}; expected the path of a folder")
    return find_folder(value, folders)


def _read_items(value: Any, folders: Sequence[Path]) -> tuple[dict[str, Any], ...]:
    if not isinstance(value, str):
        raise ValueError(f"got {shown(value)}; expected the path of a file with a list of items")
    file = find(value, folders)
    try:
        items = parse(file.read_bytes(), str(file)).value
    except UserError as error:
        raise ValueError(str(error)) from error
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) and item for item in items):
        raise ValueError(f"'{value}' holds {shown(items)}; expected a list of items, each with attributes")
    return tuple(items)


def _template(value: Any, folders: Sequence[Path]) -> Path:
    if not isinstance(value, str | None):
        raise ValueError(f"got {shown(value)}; expected the path of a CloudFormation template")
    return _BESIDE if value is None else find(value, folders)


def _as_texts(value: Any) -> Any:
    """Numbers, true and false become the words that stand in the file, because the values are texts."""
    if not isinstance(value, dict):
        return value
    return {name: _word(inner) for name, inner in value.items()}


def _word(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _writer(value: Any, folders: Sequence[Path]) -> str:
    if not isinstance(value, str):
        raise ValueError(f"got {shown(value)}; expected a writer, such as put")
    _writer_class(value, folders)
    return value


def _own_checker(value: Any, folders: Sequence[Path]) -> str:
    if not isinstance(value, str) or ":" not in value:
        raise ValueError(f"got {shown(value)}; expected module:Class: the built-in checkers always run")
    checker_class(value, folders)
    return value


def _writer_class(word: str, folders: Sequence[Path], source: str = Table.service) -> Any:
    """A class that is no Writer, but has its methods, gets the rest of the contract from Writer."""
    from harness.workload import STREAM_WRITERS, WRITERS
    from harness.workload.base import Writer

    kinesis = source == DataStream.service
    table, noun = (STREAM_WRITERS, "a writer into a Kinesis stream") if kinesis else (WRITERS, "a writer")
    writer = implementation(word, table, noun, folders=folders)
    if not callable(getattr(writer, "write", None)) or not isinstance(getattr(writer, "OPERATION", None), str):
        raise ValueError(f"'{word}' is not {noun}: it needs a text OPERATION and a method write(change, note)")
    return writer if issubclass(writer, Writer) else type(writer.__name__, (writer, Writer), {})


class FunctionOverrides(Model):
    """Settings of the function; those that are given override the template's."""

    name: Annotated[str | None, "Its logical id in the template, where several functions have a stream."] = None
    timeout: Annotated[
        Annotated[int, Keywords(minimum=1, maximum=900), IN_SECONDS] | None,
        "Whole seconds after which an execution is ended.",
    ] = None
    environment: Annotated[
        dict[str, str], Before(_as_texts, _VARIABLES), "Environment variables, added to the template's."
    ] = EMPTY


class Pipeline(Model):
    """The deployed stack: a handler, its template, and what is set instead of the template's settings."""

    handler: Annotated[
        Annotated[Handler, Instead(_located, _TEXT)] | None,
        "The handler's file, as path.py, path.mjs, path.ts or path.py:function; the function is `handler` unless "
        "named. Without one it is the template's own.",
    ] = None
    template: Annotated[
        Path,
        Instead(_template, _TEXT),
        "The CloudFormation or SAM template; `template.yaml` beside the handler unless named.",
    ] = _BESIDE
    code: Annotated[
        Annotated[Path, Instead(_folder, _TEXT)] | None,
        "The folder of the function's code, where the template only says where AWS has it.",
    ] = None
    parameters: Annotated[
        dict[str, str],
        Before(_as_texts, _VARIABLES),
        "Values of the template's parameters; those without a default need one.",
    ] = EMPTY
    mapping: Annotated[MappingOverrides, "Overrides of the event source mapping's settings."] = MappingOverrides()
    function: Annotated[
        FunctionOverrides,
        Before(_named, lambda overrides: {"anyOf": [_TEXT, overrides]}),
        "The function by its logical id, or overrides of its settings.",
    ] = FunctionOverrides()
    source: Annotated[SourceAttribution, "Where the source's items say what they are about."] = SourceAttribution()
    sinks: Annotated[
        dict[str, Sink], "Where effects land, by logical id, for a template that does not say so itself."
    ] = EMPTY
    leaves_out: Annotated[
        bool,
        "Whether the function leaves changes out on purpose: one that has no effect without the faults either is then "
        "not lost.",
    ] = False
    shards: Annotated[
        int, Keywords(minimum=1, maximum=8), "How many shards the embedded platform gives a table's stream."
    ] = 1

    @classmethod
    def complete(cls, values: dict[str, Any], refused: set[str], context: Any) -> None:
        handler: Handler | None = values.get("handler")
        named = values.get("template", _BESIDE) != _BESIDE
        if handler and handler.missing and not named:  # with a template what else is wrong can be told, too
            raise Mistakes([Mistake(("handler",), handler.missing)])
        if named or {"template", "handler"} & refused:
            return
        if handler is None:
            raise Mistakes([Mistake(("template",), "name a template, or a handler with one beside it")])
        values["template"] = handler.file.parent / TEMPLATE
        if not values["template"].is_file():
            message = f"no '{TEMPLATE}' beside '{handler.file.name}': name a template"
            raise Mistakes([Mistake(("template",), message)])


class Sdk(Model):
    """boto3's retry settings. Source: its configuration guide, "Retries"."""

    retry_mode: Annotated[
        Literal["legacy", "standard", "adaptive"] | None, "The SDK's retry mode; boto3's own default unless given."
    ] = None
    max_attempts: Annotated[
        Annotated[int, Keywords(minimum=1, maximum=20)] | None,
        "All requests of one call at most; the retry mode's own number unless given.",
    ] = None


class Workload(Model):
    """The changes that are wanted, and the writers that make them."""

    writer: Annotated[str, Instead(_writer, _TEXT), "The writer pattern: a word of the table, or module:attr."]
    data: Annotated[
        Annotated[tuple[dict[str, Any], ...], Instead(_read_items, _TEXT)] | None,
        "A file, YAML or JSON, with a list of items of your own, which are written instead.",
    ] = None
    intents: Annotated[int, Keywords(minimum=1, maximum=10_000), "How many changes are wanted in all."]
    items: Annotated[
        Annotated[int, Keywords(minimum=1)] | None, "Over how many items they are spread; one each unless given."
    ] = None
    writers: Annotated[int, Keywords(minimum=1, maximum=64), "How many writer processes there are."] = 1
    share: Annotated[
        bool,
        "Whether the writers take turns at each item, so that one may overwrite another's change; else an item has one "
        "writer.",
    ] = False
    titles: Annotated[dict[str, str], "Titles of items, by their ids (todo-0, todo-1, …)."] = EMPTY
    sdk: Annotated[Sdk, "How the writers' SDK retries."] = Sdk()

    @classmethod
    def complete(cls, values: dict[str, Any], refused: set[str], context: Any) -> None:
        """`intents` is the number of items in `data`, unless the scenario gives it."""
        data, items = values.get("data"), values.get("items")
        if "intents" not in refused and (data or "data" in refused):
            values.setdefault("intents", len(data or ()))
        intents = values.get("intents", items)
        if items and "data" not in refused and items > intents:
            message = f"got {items}; expected at most {intents}: every item has at least one intent"
            raise Mistakes([Mistake(("items",), message)])
        if items and data and items > len(data):
            message = f"got {items}; expected at most {len(data)}, as many as `data` holds"
            raise Mistakes([Mistake(("items",), message)])

    @property
    def item_count(self) -> int:
        most = min(self.intents, len(self.data)) if self.data else self.intents
        return most if self.items is None else self.items

    def writer_class(self, source: str, folders: Sequence[Path]) -> Any:
        """The class of the writer (harness.workload.base.Writer) for a source of this service.

        folders: the scenario's, where the module of a writer of the user's own may lie.

        Raises ValueError where the writer cannot write into such a source.
        """
        return _writer_class(self.writer, folders, source)


MAX_SECONDS = 1_000_000_000  # more than thirty years


_SPAN = Annotated[float, Keywords(exclusiveMinimum=0, maximum=MAX_SECONDS), IN_SECONDS]


class Limits(Model):
    """How far a run may go."""

    drive: Annotated[_SPAN, "How long faults act at most; they heal earlier if the pipeline becomes quiet."] = 3600
    drain: Annotated[
        _SPAN,
        "How long the pipeline may take to become quiet after that; a run that takes longer is unknown.",
    ] = 93_600
    steps: Annotated[
        int,
        Keywords(minimum=1),
        "How many steps the embedded platform may take; a run that needs more is unknown.",
    ] = 1_000_000
    spin: Annotated[
        _SPAN,
        "Processor time that the function may take there without any call; a run in which it takes more is unknown.",
    ] = 10


class Scenario(Model):
    """One variant: every value is known."""

    scenario: Annotated[
        str,
        Keywords(maxLength=100, pattern=NAME_PATTERN, examples=["duplicate-put"]),
        "The scenario's name.",
    ]
    question: Annotated[str, Keywords(minLength=1), "What a run of it answers, as a question."]
    pipeline: Annotated[Pipeline, "What is under test."]
    workload: Annotated[Workload, "What is written into the source, and how."]
    faults: Annotated[
        tuple[Annotated[Fault, Instead(parse_fault, {})], ...],
        "The faults of a run: a word alone, or a word with its fields.",
    ] = ()
    checkers: Annotated[
        tuple[Annotated[str, Instead(_own_checker, OWN_SCHEMA)], ...],
        "Checkers of your own, each as module:Class; the built-in ones always run.",
    ] = ()
    seeds: Annotated[
        tuple[int, ...],
        Instead(lambda value, folders: parse_seeds(value), SEEDS_SCHEMA),
        "One run for each seed: a number, a list of numbers, or a range such as 0..49.",
    ] = (0,)
    limits: Annotated[Limits, "The bounds of a run."] = Limits()
