"""What a handler reads of the items that reach it: attributes, how they are used, and the words they are compared with.

Read from its sources without running them. It is a guess: a name counts as an item if one ever was put under it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TEXT, NUMBER, TRUTH, LIST, MAP, SET, TIME, JSON = "text", "number", "truth", "list", "map", "set", "time", "json"
_OF_DYNAMODB = {
    "S": TEXT,
    "N": NUMBER,
    "BOOL": TRUTH,
    "L": LIST,
    "M": MAP,
    "SS": SET,
    "B": TEXT,
    "NULL": TEXT,
    "NS": SET,
}
# Under which a record has an item, or its key: of a table's stream, and of a Kinesis stream.
IMAGES = frozenset({"NewImage", "OldImage", "Keys", "new_image", "old_image", "keys"})
DATA = frozenset({"data", "data_as_json", "data_as_text"})
_NUMERIC = {"int", "float", "Decimal", "round", "abs", "sum"}
_PARSED_TIMES = {"fromisoformat", "strptime", "parse"}
_TEXT_METHODS = {
    "split",
    "strip",
    "lower",
    "upper",
    "startswith",
    "endswith",
    "replace",
    "encode",
    "title",
    "removeprefix",
}
_ARITHMETIC = (ast.Sub, ast.Mult, ast.Div, ast.FloorDiv)
_OF_ANNOTATIONS = {
    "int": NUMBER,
    "float": NUMBER,
    "Decimal": NUMBER,
    "bool": TRUTH,
    "list": LIST,
    "List": LIST,
    "dict": MAP,
    "datetime": TIME,
}
_BY_NAME = (
    (re.compile(r"price|amount|total|count|quantity|qty|score|age$|cost|number|size|weight|balance|stock"), NUMBER),
    (re.compile(r"^(is|has)_|enabled|active$"), TRUTH),
    (re.compile(r"_at$|At$|date|time|Date|Time"), TIME),
    (re.compile(r"^(items|lines|tags|products|entries)$"), LIST),
)
_MOST_PASSES = 6


@dataclass
class Attribute:
    """How an attribute is used. kinds: the most telling first. words: it is compared with. parts: of a map, or of each
    element of a list. beginning: what it is asked to begin with. separator: at which it is split.
    bound: of a comparison of numbers. layout: in which strptime reads it. places: file:line.
    """

    kinds: list[str] = field(default_factory=list)
    words: list[Any] = field(default_factory=list)
    parts: dict[str, Attribute] = field(default_factory=dict)
    beginning: str = ""
    separator: str = ""
    bound: float | None = None
    layout: str = ""
    places: list[str] = field(default_factory=list)

    def kind(self, name: str) -> str:
        """What it holds, as far as its uses and its name tell."""
        if self.kinds:
            return self.kinds[0]
        if self.words:
            return (
                TRUTH if isinstance(self.words[0], bool) else NUMBER if isinstance(self.words[0], int | float) else TEXT
            )
        if self.parts:
            return MAP
        return next((kind for pattern, kind in _BY_NAME if pattern.search(name)), TEXT)


@dataclass
class HandlerReads:
    """attributes: by name. names: all words of the code that tell which events matter, such as REMOVE."""

    attributes: dict[str, Attribute] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def every(self) -> list[Attribute]:
        """All of them, those inside others too."""
        return [*_all(self.attributes)]

    def at(self, place: str) -> list[Attribute]:
        """Those that are read at a place, as in app.py:12."""
        return [each for each in self.every() if place in each.places]


def reads_of(root: Path, files: Iterable[str], wrappers: frozenset[str]) -> HandlerReads:
    """root: the function's folder; files: of it, by their names. wrappers: under which a record has items."""
    reads = HandlerReads()
    trees: dict[str, ast.Module] = {}
    for name in sorted(files):
        try:
            trees[name] = ast.parse((root / name).read_bytes())
        except (SyntaxError, ValueError):  # reported when the function is packaged
            continue
    texts = {name: text for tree in trees.values() for name, text in _constants(tree)}
    trees = {name: _Named(texts).visit(tree) for name, tree in trees.items()}
    nodes = [node for tree in trees.values() for node in ast.walk(tree)]
    reads.names = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    reads.names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    items = _Items(nodes, wrappers)
    aliases: dict[str, list[Attribute]] = {}
    for _ in range(2):  # a value may be handed to a function that stands before
        for name, tree in trees.items():
            _Reader(name, items, reads, aliases).visit(tree)
    return reads


def _all(attributes: dict[str, Attribute]) -> Iterator[Attribute]:
    for each in attributes.values():
        yield each
        yield from _all(each.parts)


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The names in capitals that a module gives to texts."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))) if name.isupper():
                yield name, text


class _Named(ast.NodeTransformer):
    """Puts texts in the place of their names: STATUS, and constants.STATUS."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._text(node, node.id)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        return self._text(node, node.attr) if isinstance(node.value, ast.Name) else node

    def _text(self, node: ast.Name | ast.Attribute, name: str) -> ast.expr:
        known = name in self._texts and isinstance(node.ctx, ast.Load)
        return ast.copy_location(ast.Constant(self._texts[name]), node) if known else node


class _Items:
    """The names under which items may lie, followed through assignments, loops and calls until no more come."""

    def __init__(self, nodes: Sequence[ast.AST], wrappers: frozenset[str]) -> None:
        self.wrappers = wrappers
        self.names: set[str] = set()
        self.classes = {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}
        self.functions = functions = {
            node.name: node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        for _ in range(_MOST_PASSES):
            before = len(self.names)
            for node in nodes:
                if (
                    isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr)
                    and node.value
                    and self.holds(node.value)
                ):
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    self.names |= {target.id for target in targets if isinstance(target, ast.Name)}
                elif isinstance(node, ast.Call) and (function := functions.get(_called(node))):
                    self._pass(node, function)
            if len(self.names) == before:
                break

    def _pass(self, call: ast.Call, function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.names |= {name for name, value in _handed(call, function) if self.holds(value)}

    def holds(self, node: ast.AST) -> bool:
        """Whether an expression is a whole item."""
        match node:
            case ast.Name(id=name):
                return name in self.names
            case ast.Subscript(slice=ast.Constant(value=str(key))):
                return key in self.wrappers
            case ast.Attribute(attr=name):
                return name in self.wrappers
            case ast.Call():
                return self._returns(node)
            case ast.DictComp(generators=[generator, *_]):
                return self.holds(generator.iter)
            case ast.BoolOp(values=values):
                return any(map(self.holds, values))
            case ast.IfExp(body=body, orelse=orelse):
                return self.holds(body) or self.holds(orelse)
            case ast.Dict(keys=[None | ast.Constant(value="M"), *_], values=[value, *_]):
                return self.holds(value)
        return False

    def _returns(self, call: ast.Call) -> bool:
        """Whether a call gives an item: what is done to one gives one, unless it is known to give something else."""
        match call:
            case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str(key)), *_]):
                return key in self.wrappers
            case ast.Call(func=ast.Attribute(attr="items" | "copy" | "decode", value=value), args=[]):
                return self.holds(value)
        if _called(call) in self.classes or _called(call) in _NUMERIC | {"len", "str", "print"}:
            return False
        return any(map(self.holds, call.args))


def _handed(call: ast.Call, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, ast.expr]]:
    """The parameters of a function, with what a call hands to them."""
    parameters = [each.arg for each in function.args.args]
    yield from zip(parameters[parameters[:1] == ["self"] :], call.args, strict=False)
    yield from ((each.arg, each.value) for each in call.keywords if each.arg)


def _called(call: ast.Call) -> str:
    function = call.func
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


class _Reader(ast.NodeVisitor):
    """Collects the reads of one file."""

    def __init__(self, file: str, items: _Items, reads: HandlerReads, aliases: dict[str, list[Attribute]]) -> None:
        self._file = file
        self._items = items
        self._reads = reads
        self._aliases = aliases  # names of attributes' values

    def visit(self, node: ast.AST) -> None:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if found := self._found(value):
                self._aliases.setdefault(name, []).append(found)
            case ast.For(target=ast.Name(id=name), iter=value) if found := self._found(value):
                _note(found, LIST)
                self._aliases.setdefault(name, []).append(found)
            case ast.comprehension(target=ast.Name(id=name), iter=value) if found := self._found(value):
                _note(found, LIST)
                self._aliases.setdefault(name, []).append(found)
            case ast.Compare(left=left, comparators=[right, *_], ops=[operator, *_]):
                self._compared(left, right, operator)
            case ast.BinOp(left=left, right=right, op=operator) if isinstance(operator, _ARITHMETIC):
                for side in (left, right):
                    self._note(side, NUMBER)
            case ast.Call():
                self._call(node)
            case ast.Subscript() | ast.Name():
                self._found(node)
        self.generic_visit(node)

    def _call(self, node: ast.Call) -> None:
        name = _called(node)
        self._call_of_class(node, name)
        for parameter, value in _handed(node, self._items.functions[name]) if name in self._items.functions else ():
            if not self._items.holds(value) and (found := self._found(value)):
                self._aliases.setdefault(parameter, []).append(found)
        kind = NUMBER if name in _NUMERIC else TIME if name in _PARSED_TIMES else JSON if name == "loads" else ""
        for value in node.args if kind else ():
            self._note(value, kind)
        match node.args:
            case [value, ast.Constant(value=str(layout))] if name == "strptime" and (found := self._found(value)):
                found.layout = layout
        if isinstance(node.func, ast.Attribute) and name in _TEXT_METHODS and (found := self._found(node.func.value)):
            _note(found, TEXT)
            word = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
            if isinstance(word, str):
                found.beginning = word if name == "startswith" else found.beginning
                found.separator = word if name == "split" else found.separator
        self._found(node)

    def _call_of_class(self, node: ast.Call, name: str) -> None:
        """An item that is put into a class of the function's own, as in Order(**item) or Order.model_validate(item)."""
        handed = [*node.args, *(each.value for each in node.keywords)]
        if name in ("model_validate", "parse_obj", "from_dict") and isinstance(node.func, ast.Attribute):
            name = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
        if name in self._items.classes and any(map(self._items.holds, handed)):
            self._model(self._items.classes[name], node.lineno)

    def _model(self, model: ast.ClassDef, line: int) -> None:
        """The fields of a class that an item is put into."""
        for statement in model.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                attribute = self._attribute(self._reads.attributes, statement.target.id, line)
                annotation = {each.id for each in ast.walk(statement.annotation) if isinstance(each, ast.Name)}
                for name in annotation & _OF_ANNOTATIONS.keys():
                    _note(attribute, _OF_ANNOTATIONS[name])

    def _compared(self, left: ast.expr, right: ast.expr, operator: ast.cmpop) -> None:
        for one, other in ((left, right), (right, left)):
            if (
                isinstance(other, ast.Constant)
                and (found := self._found(one))
                and isinstance(other.value, str | int | float)
            ):
                if isinstance(operator, ast.Gt | ast.GtE | ast.Lt | ast.LtE):
                    _note(found, NUMBER)
                    found.bound = other.value if isinstance(other.value, int | float) else None
                elif other.value != "" and other.value not in found.words:
                    found.words.append(other.value)
            if isinstance(other, ast.Tuple | ast.List | ast.Set) and isinstance(operator, ast.In | ast.NotIn):
                found = self._found(one)
                words = [each.value for each in other.elts if isinstance(each, ast.Constant)]
                if found and one is left:
                    found.words += [word for word in words if word not in found.words]

    def _note(self, value: ast.expr, kind: str) -> None:
        if found := self._found(value):
            _note(found, kind)

    def _found(self, node: ast.AST) -> Attribute | None:
        """The attribute whose value an expression is."""
        match node:
            case ast.Name(id=name) if name in self._aliases:
                return self._aliases[name][-1]
            case ast.Subscript(value=value, slice=ast.Constant(value=str(key))):
                return self._step(value, key, node.lineno)
            case ast.Call(func=ast.Attribute(attr="get", value=value), args=[ast.Constant(value=str(key)), *_]):
                return self._step(value, key, node.lineno)
            case ast.Call(func=ast.Name(id="str" | "int" | "float" | "Decimal"), args=[value, *_]):
                return self._found(value)
            case ast.BoolOp(values=[value, *_]):
                return self._found(value)
            case ast.Call(func=ast.Attribute(attr="replace" | "strip" | "lower" | "upper", value=value)):
                return self._found(value)
        return None

    def _step(self, value: ast.expr, key: str, line: int) -> Attribute | None:
        if self._items.holds(value):
            if key in self._items.wrappers or key == "intent":
                return None
            return self._attribute(self._reads.attributes, key, line)
        around = self._found(value)
        if around is None:
            return None
        if key in _OF_DYNAMODB:
            _note(around, _OF_DYNAMODB[key])
            return around
        return self._attribute(around.parts, key, line)

    def _attribute(self, among: dict[str, Attribute], name: str, line: int) -> Attribute:
        attribute = among.setdefault(name, Attribute())
        place = f"{self._file}:{line}"
        if place not in attribute.places:
            attribute.places.append(place)
        return attribute


def _note(attribute: Attribute, kind: str) -> None:
    if kind not in attribute.kinds:
        attribute.kinds.append(kind)
