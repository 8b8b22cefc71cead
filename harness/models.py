"""Models: classes whose fields say what a mapping of a document may hold. Values are read by them.

A field is an annotation: a type, with `Annotated` for what else is known of it: a text describes it, `Keywords` bound
it, and `Before`, `After` and `Instead` are functions. A dataclass is read in the same way, which is how a fault is.
"""

# Annotations are no texts here: a class looks at its own when it is made.
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING
from dataclasses import fields as dataclass_fields
from enum import Enum
from functools import cache
from sys import float_info
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    Self,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

from harness.errors import DocumentPath

Schema = dict[str, Any]
Function = Callable[[Any], Any]
REQUIRED: Any = ...  # in the place of a default
EMPTY: Any = {}  # the default of a mapping; nobody changes a default
_WORDS: dict[str, bool] = {"true": True, "false": False}
SCALARS: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_CHECKS: dict[str, Callable[[Any, Any], bool]] = {
    "minimum": lambda value, bound: value >= bound,
    "exclusiveMinimum": lambda value, bound: value > bound,
    "maximum": lambda value, bound: value <= bound,
    "minLength": lambda value, bound: len(value) >= bound,
    "maxLength": lambda value, bound: len(value) <= bound,
    "pattern": lambda value, pattern: re.fullmatch(pattern, value) is not None,
    "examples": lambda value, examples: True,
}


class Why(Enum):
    """What is wrong with a value, where that is no sentence of a function."""

    UNKNOWN_KEY = 1
    MISSING = 2
    NOT_VALID = 3


class Refusal(NamedTuple):
    """`why` may be what a function raised."""

    path: DocumentPath
    why: Why | ValueError


class Refusals(ValueError):
    """Everything that is wrong with a value; the paths begin at it."""

    def __init__(self, *refusals: Refusal) -> None:
        self.refusals = refusals
        super().__init__(", ".join(str(refusal.why) for refusal in refusals))


class Keywords:
    """Keywords of JSON Schema that hold for a value, such as `minimum=1`: those of `_CHECKS`.

    A pattern is one of the whole text.
    """

    def __init__(self, **schema: Any) -> None:
        self.schema = schema

    def hold(self, value: Any) -> bool:
        return all(_CHECKS[keyword](value, argument) for keyword, argument in self.schema.items())


class Before:
    """A function that gets the value as it is written, and returns what is read by the type. Raises ValueError.

    schema: that of what may be written, or a function that makes it from the type's.
    """

    def __init__(self, function: Function, schema: Callable[[Schema], Schema] | Schema | None = None) -> None:
        self.function = function
        self.schema = schema


class After:
    """A function that gets the value which the type has read, and returns the field's. Raises ValueError."""

    def __init__(self, function: Function, schema: Schema | None = None) -> None:
        self.function = function
        self.schema = schema


class Instead:
    """A function that reads the value in place of the type, and gets the context too. Raises ValueError.

    written: the schema of what may be written, or its type.
    """

    def __init__(self, function: Callable[[Any, Any], Any], written: Any) -> None:
        self.function = function
        self.written = written


class Field(NamedTuple):
    kind: Any
    default: Any = REQUIRED


def _is_of_class(kind: Any) -> bool:
    origin: Any = get_origin(kind)
    return origin is ClassVar


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Model:
    """A mapping whose keys are known. What is not given has its default, which nobody may change.

    EXACT: unknown keys are refused, and so are texts for numbers and truth values. SCHEMA: what else its schema says.
    """

    EXACT: ClassVar[bool] = True
    SCHEMA: ClassVar[Schema] = {}
    FIELDS: ClassVar[dict[str, Field]] = {}

    def __init_subclass__(cls) -> None:
        kinds = {name: kind for name, kind in cls.__annotations__.items() if not _is_of_class(kind)}
        own = {name: Field(kind, vars(cls).get(name, REQUIRED)) for name, kind in kinds.items()}
        cls.FIELDS = {**cls.FIELDS, **own}

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} does not change: use replaced")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and all(getattr(self, name) == getattr(other, name) for name in self.FIELDS)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.FIELDS)})"

    def gives(self, name: str) -> bool:
        """Whether the field was given, be it with the value of its default."""
        return name in self.__dict__

    def replaced(self, **values: Any) -> Self:
        return type(self)(**{**self.__dict__, **values})

    @staticmethod
    def key(name: str) -> str:
        """What a field is called in the document."""
        return name

    @classmethod
    def complete(cls, values: dict[str, Any], refused: set[str], context: Any) -> None:
        """Adds what follows from the fields that are given. Raises ValueError where they do not go together.

        refused: the fields with a value that is not valid.
        """


M = TypeVar("M", bound=Model)


def derived(name: str, base: type[M], fields: Mapping[str, tuple[Any, Any]]) -> type[M]:
    """A model with more fields, each with its kind and its default."""
    defaults = {field: default for field, (_, default) in fields.items() if default is not REQUIRED}
    kinds = {field: kind for field, (kind, _) in fields.items()}
    model: type[M] = type(name, (base,), {"__annotations__": kinds, "__module__": base.__module__, **defaults})
    return model


@cache
def fields_of(kind: Any) -> dict[str, Field]:
    """Of a model or a dataclass. Raises NameError where an annotation names what is not there."""
    if issubclass(kind, Model):
        return kind.FIELDS  # type: ignore[no-any-return]
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: Field(hints[field.name], _default(field)) for field in dataclass_fields(kind) if field.init}


def _default(field: Any) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return REQUIRED if field.default is MISSING else field.default


def read(kind: Any, value: Any, context: Any = None, exact: bool = True) -> Any:
    """The value as the kind has it; a list becomes a tuple where the kind is one. Raises Refusals.

    context: passed on to the functions of Instead. exact: as in a Model.
    """
    try:
        return _read(kind, value, context, exact)
    except Refusals:
        raise
    except ValueError as error:
        raise Refusals(Refusal((), error)) from error


def _read(kind: Any, value: Any, context: Any, exact: bool) -> Any:
    if kind is Any:
        return value
    origin = get_origin(kind)
    if origin is Annotated:
        return _annotated(kind, value, context, exact)
    if origin is Union or origin is UnionType:
        return _of_union(get_args(kind), value, context, exact)
    if origin is Literal:
        return _valid(value, any(value == word and type(value) is type(word) for word in get_args(kind)))
    if kind in SCALARS:
        return _scalar(kind, value, exact)
    container = origin or kind
    if container is dict:
        inner = (get_args(kind) or (str, Any))[1]
        entries = _valid(value, isinstance(value, dict)).items()
        return dict(_each(((key, inner, entry) for key, entry in entries), context, exact))
    if container is tuple or container is list:
        kinds = _kinds_of_entries(kind, len(_valid(value, isinstance(value, list))))
        pairs = zip(kinds, _valid(value, len(kinds) == len(value)), strict=True)
        return container(entry for _, entry in _each(((at, *pair) for at, pair in enumerate(pairs)), context, exact))
    return _model(kind, value, context)


def _valid(value: Any, is_valid: bool) -> Any:
    if not is_valid:
        raise Refusals(Refusal((), Why.NOT_VALID))
    return value


def _kinds_of_entries(kind: Any, length: int) -> tuple[Any, ...]:
    kinds = get_args(kind) or (Any, ...)
    return kinds if get_origin(kind) is tuple and kinds[-1] is not ... else kinds[:1] * length


def _annotated(kind: Any, value: Any, context: Any, exact: bool) -> Any:
    notes = kind.__metadata__
    for note in notes:
        if isinstance(note, Instead):
            return note.function(value, context)
        if isinstance(note, Before):
            value = note.function(value)
    value = read(kind.__origin__, value, context, exact)
    for note in notes:
        if isinstance(note, Keywords):
            _valid(value, note.hold(value))
        elif isinstance(note, After):
            value = note.function(value)
    return value


def _of_union(kinds: tuple[Any, ...], value: Any, context: Any, exact: bool) -> Any:
    if value is None and NoneType in kinds:
        return None
    others = [kind for kind in kinds if kind is not NoneType]
    if len(others) == 1:
        return read(others[0], value, context, exact)
    for kind in others:
        try:
            return read(kind, value, context, exact)
        except Refusals:
            continue
    raise Refusals(Refusal((), Why.NOT_VALID))


def _scalar(kind: type, value: Any, exact: bool) -> Any:
    if not exact and isinstance(value, str):
        word = value.strip()
        if kind is bool:
            value = _WORDS.get(word.lower(), value)
        elif kind is int and _INTEGER.fullmatch(word):
            value = int(word)
    elif not exact and kind is int and isinstance(value, float) and value.is_integer():
        value = int(value)
    if kind is float and type(value) is int:
        return float(_valid(value, abs(value) <= float_info.max))
    return _valid(value, type(value) is kind)


def _each(parts: Iterator[tuple[str | int, Any, Any]], context: Any, exact: bool) -> list[tuple[Any, Any]]:
    """Reads each part (its key or index, its kind, its value), and raises what is wrong with all of them."""
    values, refusals = [], []
    for step, kind, value in parts:
        try:
            values.append((step, read(kind, value, context, exact)))
        except Refusals as error:
            refusals += [refusal._replace(path=(step, *refusal.path)) for refusal in error.refusals]
    if refusals:
        raise Refusals(*refusals)
    return values


def _model(kind: Any, value: Any, context: Any) -> Any:
    is_model = issubclass(kind, Model)
    exact = kind.EXACT if is_model else True
    fields = {kind.key(name) if is_model else name: (name, field) for name, field in fields_of(kind).items()}
    _valid(value, isinstance(value, dict))
    values: dict[str, Any] = {}
    refused: set[str] = set()
    refusals: list[Refusal] = []
    for key, (name, field) in fields.items():
        if key in value:
            try:
                values[name] = read(field.kind, value[key], context, exact)
            except Refusals as error:
                refused.add(name)
                refusals += [refusal._replace(path=(key, *refusal.path)) for refusal in error.refusals]
    if exact:
        refusals += [Refusal((key,), Why.UNKNOWN_KEY) for key in value if key not in fields]
    try:
        if is_model:
            kind.complete(values, refused, context)
        missing = [key for key, (name, field) in fields.items() if field.default is REQUIRED and name not in values]
        refusals += [Refusal((key,), Why.MISSING) for key in missing if fields[key][0] not in refused]
        if not refusals:
            return kind(**values)
    except ValueError as error:
        refusals.append(Refusal((), error))
    raise Refusals(*refusals)
