"""PartiQL statements, read into what DynamoDB's own calls take: trees of expressions, and a key.

    SELECT *|path, … FROM table[.index] [WHERE condition] [ORDER BY name [ASC|DESC]]
    INSERT INTO table VALUE {…};  DELETE FROM table WHERE condition [RETURNING ALL OLD *]
    UPDATE table (SET path = sum, … | REMOVE path, …)+ WHERE condition [RETURNING ALL|MODIFIED OLD|NEW *]
    EXISTS(SELECT …)

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.dynamodb.expressions import Placeholders
from harness.dynamodb.grammar import COMPARATORS, MAX_OPERATORS, Action, Call, Conditions, Literal, Name
from harness.dynamodb.paths import Path
from harness.dynamodb.values import Item, Value, checked, invalid, type_of

_TOKEN = re.compile(
    r"""\s*('(?:[^']|'')*'|"(?:[^"]|"")*"|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[A-Za-z_][A-Za-z0-9_-]*"""
    r"""|<<|>>|<=|>=|<>|!=|\S)"""
)
_MISMATCH = "Number of parameters in request and statement don't match."
_WORD = re.compile(r"[A-Za-z_]")
_CLOSING = {"[": "]", "(": ")", "<<": ">>"}
_DEEPER = ("(", "[", "{", "NOT")  # each may be a level deeper: no statement has hundreds
_CONSTANTS: dict[str, Value] = {"TRUE": {"BOOL": True}, "FALSE": {"BOOL": False}, "NULL": {"NULL": True}}
_SETS = {"SET_ADD": "ADD", "SET_DELETE": "DELETE"}


@dataclass(slots=True)
class Statement:
    """`selected`: the paths, or None for all. `scope` has the names and values that stand in the trees."""

    verb: str = ""
    table: str = ""
    index: str = ""
    selected: list[Path] | None = None
    where: Call | None = None
    item: Item = field(default_factory=dict)
    actions: list[Action] = field(default_factory=list)
    returning: str = "NONE"
    descending: bool = False
    scope: Placeholders = field(default_factory=Placeholders)


def read(text: str, parameters: Sequence[Value]) -> Statement:
    """Raises Rejected for a statement that is not well formed."""
    return _StatementReader(text, parameters).statement()


class _StatementReader(Conditions):
    operators = (*COMPARATORS, "!=", "BETWEEN", "IN", "IS")

    def __init__(self, text: str, parameters: Sequence[Value]) -> None:
        super().__init__(text, _TOKEN)
        self._parameters = list(parameters)
        self._read = Statement()
        if sum(token.upper() in _DEEPER for token, _, _ in self._tokens) > MAX_OPERATORS:
            raise self.error()

    def error(self) -> Exception:
        return invalid(f"Statement wasn't well formed, can't be processed: {self._text}")

    def statement(self) -> Statement:
        statement = self._read
        readers = {
            **{"SELECT": self._select, "INSERT": self._insert, "UPDATE": self._update},
            **{"DELETE": self._delete, "EXISTS": self._exists},
        }
        statement.verb = self.word.upper()
        if statement.verb not in readers:
            raise self.error()
        self.step()
        readers[statement.verb]()
        if self.word or self._parameters:
            raise invalid(_MISMATCH) if not self.word else self.error()
        return statement

    def _select(self) -> None:
        self._read.selected = None if self.passes("*") else self.listed(self._path)
        self._from("FROM")
        self._where()
        if self.passes("ORDER"):
            self.expect("BY")
            if not self._read.where:
                raise invalid("Must have WHERE clause in the statement when using ORDER BY clause.")
            self._path()
            self._read.descending = self.passes("DESC")
            self.passes("ASC")

    def _exists(self) -> None:
        self.expect("(", "SELECT")
        self._select()
        self.expect(")")

    def _insert(self) -> None:
        self._from("INTO")
        self.expect("VALUE")
        if self.word != "{":
            raise invalid(
                "Unsupported format in item expression. Please use struct format {...} to express item values"
            )
        self._read.item = self._value()["M"]

    def _update(self) -> None:
        self._from()
        while self.word.upper() != "WHERE":
            if self.passes("SET"):
                self._read.actions += self.listed(self._assignment)
            else:
                self.expect("REMOVE")
                self._read.actions += [Action("REMOVE", self._named(path)) for path in self.listed(self._path)]
        self._where()
        self._returning()

    def _delete(self) -> None:
        self._from("FROM")
        self._where()
        self._returning()

    def _from(self, *words: str) -> None:
        self.expect(*words)
        self._read.table = self._name()
        if self.passes("."):
            self._read.index = self._name()
            if not self._read.index:
                raise invalid("Path component cannot be an empty string")
            if self.word == ".":
                raise invalid("A path may contain at most 2 components in the FROM clause")

    def _where(self) -> None:
        if self.passes("WHERE"):
            self._read.where = self.condition()

    def _returning(self) -> None:
        if not self.passes("RETURNING"):
            return
        which, image = self.step().upper(), self.step().upper()
        self.expect("*")
        if which not in ("ALL", "MODIFIED") or image not in ("OLD", "NEW"):
            raise self.error()
        if self._read.verb == "DELETE" and (which, image) != ("ALL", "OLD"):
            problem = "Only RETURNING ALL OLD * is allowed in DELETE statements."
            raise invalid(f"Invalid returning clause: RETURNING {which} {image} *. {problem}")
        self._read.returning = f"{'ALL' if which == 'ALL' else 'UPDATED'}_{image}"

    def _assignment(self) -> Action:
        target = self._named(self._path())
        self.expect("=")
        if self.word.upper() in _SETS:
            section = _SETS[self.step().upper()]
            return Action(section, target, self.within(self._second))
        operand = self.operand()
        if self.word in ("+", "-"):
            operand = Call(self.step(), (operand, self.operand()))
        return Action("SET", target, operand)

    def _second(self) -> Literal:
        """Of SET_ADD and SET_DELETE: the first operand is the target."""
        self._path()
        self.expect(",")
        return self._read.scope.literal(self._value())

    def compared(self, left: Any, word: str) -> Any:
        if word == "IN" and self.following != "(":
            return self._in(left)
        if word != "IS":
            return super().compared(left, "<>" if word == "!=" else word)
        self.step()
        negated = self.passes("NOT")
        if self.passes("MISSING"):
            return Call(f"attribute_{'' if negated else 'not_'}exists", (left,), is_function=True)
        self.expect("NULL")
        null = Call("attribute_type", (left, self._read.scope.literal({"S": "NULL"})), is_function=True)
        return Call("NOT", (null,)) if negated else null

    def _in(self, left: Any) -> Call:
        self.step()
        if self.word not in _CLOSING:
            raise invalid("IN operator must have a right hand argument of type Seq with at least one member")
        return Call("IN", (left, *self._elements(self.operand)))

    def _elements(self, part: Callable[[], Any]) -> list[Any]:
        """Parts with commas between them, within brackets."""
        closing = _CLOSING.get(self.word) or "}"
        self.step()
        parts = [] if self.word == closing else self.listed(part)
        self.expect(closing)
        return parts

    def operand(self) -> Any:
        """A path, a function or a value."""
        if self.word[:1] in tuple("'?[{<-+.0123456789") or self.word.upper() in _CONSTANTS:
            return self._read.scope.literal(self._value())
        function = self.function()
        if function is not None:
            return Call(function.operator.lower(), function.operands, is_function=True)
        return self._named(self._path())

    def _name(self) -> str:
        if self.word[:1] == '"' and len(self.word) > 1:
            return self.step()[1:-1].replace('""', '"')
        if not _WORD.match(self.word):
            raise self.error()
        return self.step()

    def _path(self) -> Path:
        steps: list[str | int] = [self._name()]
        while self.word in (".", "["):
            if self.passes("."):
                steps.append(self._name())
                continue
            self.step()
            if not self.word.isdigit() and self.word[:1] != "'":
                raise self.error()
            steps.append(int(self.word) if self.word.isdigit() else self.word[1:-1])
            self.step()
            self.expect("]")
        return tuple(steps)

    def _named(self, path: Path) -> Name:
        return self._read.scope.name(path)

    def _value(self) -> Value:
        word = self.word
        if word == "{":
            return {"M": dict(self._elements(self._member))}
        if word == "[":
            return {"L": self._elements(self._value)}
        if word == "<<":
            return self._set(self._elements(self._value))
        self.step()
        if word == "?":
            if not self._parameters:
                raise invalid(_MISMATCH)
            return checked(self._parameters.pop(0))
        if word[:1] == "'" and len(word) > 1:
            return {"S": word[1:-1].replace("''", "'")}
        if word.upper() in _CONSTANTS:
            return _CONSTANTS[word.upper()]
        number = word + self.step() if word in ("-", "+") else word
        if not number.lstrip("-+.")[:1].isdigit():
            raise self.error()
        return checked({"N": number})

    def _set(self, elements: Sequence[Value]) -> Value:
        kinds = {type_of(element) for element in elements}
        if len(kinds) != 1 or not kinds <= {"S", "N", "B"}:
            raise self.error()
        (kind,) = kinds
        return checked({f"{kind}S": [element[kind] for element in elements]})

    def _member(self) -> tuple[str, Value]:
        name = self.step()[1:-1] if self.word[:1] == "'" else self._name()
        self.expect(":")
        return name, self._value()
