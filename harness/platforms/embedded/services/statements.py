"""PartiQL statements, read into what DynamoDB's own calls take: expressions with placeholders, and a key.

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

from harness.dynamodb.paths import Path
from harness.dynamodb.values import Item, Value, checked, invalid, type_of

_TOKEN = re.compile(
    r"""\s*(?:('(?:[^']|'')*')|("(?:[^"]|"")*")|(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)|([A-Za-z_][A-Za-z0-9_-]*)"""
    r"""|(<<|>>|<=|>=|<>|!=|[=<>+\-*(),.\[\]{}:?])|(\S))"""
)
_TEXT, _QUOTED, _NUMBER, _WORD, _SIGN = range(1, 6)
_COMPARATORS = ("=", "<>", "!=", "<", "<=", ">", ">=")
_TESTS = ("attribute_type", "begins_with", "contains")
_CLOSING = {"[": "]", "(": ")", "<<": ">>"}


@dataclass(frozen=True, slots=True)
class Conjunct:
    """A part of WHERE that has to hold, as an expression; and the attribute that it compares, if it compares one."""

    text: str
    name: str = ""
    operator: str = ""
    value: Value | None = None


@dataclass(slots=True)
class Statement:
    """`selected`: the paths, or None for all. `names` and `values` stand for the placeholders of the expressions."""

    verb: str = ""
    table: str = ""
    index: str = ""
    selected: list[Path] | None = None
    where: list[Conjunct] = field(default_factory=list)
    item: Item = field(default_factory=dict)
    sections: dict[str, list[str]] = field(default_factory=dict)
    returning: str = "NONE"
    descending: bool = False
    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)


def read(text: str, parameters: Sequence[Value]) -> Statement:
    """Raises Rejected for a statement that is not well formed."""
    return _StatementReader(text, parameters).statement()


class _StatementReader:
    def __init__(self, text: str, parameters: Sequence[Value]) -> None:
        self._text = text
        self._tokens = [(match.lastindex or 0, match[match.lastindex or 0]) for match in _TOKEN.finditer(text)]
        self._index = 0
        self._parameters = list(parameters)
        self._read = Statement()

    def _error(self) -> Exception:
        return invalid(f"Statement wasn't well formed, can't be processed: {self._text}")

    @property
    def _kind(self) -> int:
        return self._tokens[self._index][0] if self._index < len(self._tokens) else 0

    @property
    def _token(self) -> str:
        return self._tokens[self._index][1] if self._index < len(self._tokens) else ""

    def _step(self) -> str:
        if not self._token:
            raise self._error()
        self._index += 1
        return self._tokens[self._index - 1][1]

    def _is(self, *words: str) -> bool:
        """Whether the words come next; if so they are passed."""
        coming = self._tokens[self._index : self._index + len(words)]
        if [token.upper() for kind, token in coming if kind in (_WORD, _SIGN)] != list(words):
            return False
        self._index += len(words)
        return True

    def _expect(self, *words: str) -> None:
        if not self._is(*words):
            raise self._error()

    def _listed(self, part: Callable[[], Any], closing: str = "") -> list[Any]:
        """Parts with commas between them, up to the closing sign if there is one."""
        if closing and self._is(closing):
            return []
        parts = [part()]
        while self._is(","):
            parts.append(part())
        if closing:
            self._expect(closing)
        return parts

    def statement(self) -> Statement:
        statement = self._read
        statement.verb = self._step().upper()
        readers = {
            "SELECT": self._select,
            "INSERT": self._insert,
            "UPDATE": self._update,
            "DELETE": self._delete,
            "EXISTS": self._exists,
        }
        if statement.verb not in readers:
            raise self._error()
        readers[statement.verb]()
        if self._token:
            raise self._error()
        return statement

    def _select(self) -> None:
        self._read.selected = None if self._is("*") else self._listed(self._path)
        self._expect("FROM")
        self._from()
        self._where()
        if self._is("ORDER", "BY"):
            if not self._read.where:
                raise invalid("Must have WHERE clause in the statement when using ORDER BY clause.")
            self._path()
            self._read.descending = self._is("DESC")
            self._is("ASC")

    def _exists(self) -> None:
        self._expect("(", "SELECT")
        self._select()
        self._expect(")")

    def _insert(self) -> None:
        self._expect("INTO")
        self._from()
        self._expect("VALUE")
        if self._token != "{":
            raise invalid(
                "Unsupported format in item expression. Please use struct format {...} to express item values"
            )
        self._read.item = self._value()["M"]

    def _update(self) -> None:
        self._from()
        while not self._is("WHERE"):
            if self._is("SET"):
                self._listed(self._assignment)
            elif self._is("REMOVE"):
                self._section("REMOVE", self._listed(lambda: self._spelled(self._path())))
            else:
                raise self._error()
        self._index -= 1
        self._where()
        self._returning()

    def _delete(self) -> None:
        self._expect("FROM")
        self._from()
        self._where()
        self._returning()

    def _from(self) -> None:
        self._read.table = self._name()
        if self._is("."):
            self._read.index = self._name()

    def _where(self) -> None:
        if self._is("WHERE"):
            self._read.where = self._alternatives()

    def _returning(self) -> None:
        if self._is("RETURNING"):
            which, image = self._step().upper(), self._step().upper()
            self._expect("*")
            if which not in ("ALL", "MODIFIED") or image not in ("OLD", "NEW"):
                raise self._error()
            self._read.returning = f"{'ALL' if which == 'ALL' else 'UPDATED'}_{image}"

    def _section(self, name: str, actions: list[str]) -> None:
        self._read.sections.setdefault(name, []).extend(actions)

    def _assignment(self) -> None:
        target = self._spelled(self._path())
        self._expect("=")
        for function, section in (("SET_ADD", "ADD"), ("SET_DELETE", "DELETE")):
            if self._is(function, "("):
                self._path()
                self._expect(",")
                self._section(section, [f"{target} {self._operand()[0]}"])
                self._expect(")")
                return
        text = self._operand()[0]
        if self._token in ("+", "-"):
            text = f"{text} {self._step()} {self._operand()[0]}"
        self._section("SET", [f"{target} = {text}"])

    # Conditions: what is read becomes the text of an expression.

    def _alternatives(self) -> list[Conjunct]:
        alternatives = [self._conjuncts()]
        while self._is("OR"):
            alternatives.append(self._conjuncts())
        if len(alternatives) == 1:
            return alternatives[0]
        return [Conjunct(f"({' OR '.join(joined(each) for each in alternatives)})")]

    def _conjuncts(self) -> list[Conjunct]:
        conjuncts = self._factor()
        while self._is("AND"):
            conjuncts += self._factor()
        return conjuncts

    def _factor(self) -> list[Conjunct]:
        if self._is("NOT"):
            inner = self._factor()
            text = joined(inner)
            return [Conjunct(f"NOT {text if len(inner) == 1 else f'({text})'}")]
        if self._is("("):
            inner = self._alternatives()
            self._expect(")")
            return inner
        return [self._comparison()]

    def _comparison(self) -> Conjunct:
        left, path, _ = self._operand()
        if self._is("IS"):
            negated = self._is("NOT")
            if self._is("MISSING"):
                return Conjunct(f"attribute_{'' if negated else 'not_'}exists({left})")
            self._expect("NULL")
            null = self._placeholder({"S": "NULL"})
            return Conjunct(f"{'NOT ' if negated else ''}attribute_type({left}, {null})")
        if self._is("BETWEEN"):
            low = self._operand()[0]
            self._expect("AND")
            return Conjunct(f"{left} BETWEEN {low} AND {self._operand()[0]}")
        if self._is("IN"):
            closing = _CLOSING.get(self._step(), "")
            options = self._listed(lambda: self._operand()[0], closing)
            if not closing or not options:
                raise invalid("IN operator must have a right hand argument of type Seq with at least one member")
            return Conjunct(f"{left} IN ({', '.join(options)})")
        if self._token not in _COMPARATORS:
            if left.startswith(_TESTS):
                return Conjunct(left)
            raise self._error()
        operator = {"!=": "<>"}.get(self._token, self._token)
        self._step()
        right, _, value = self._operand()
        name = str(path[0]) if path and len(path) == 1 and value is not None else ""
        return Conjunct(f"{left} {operator} {right}", name, operator if name else "", value)

    def _operand(self) -> tuple[str, Path | None, Value | None]:
        """The text of a path, a function or a value; and the path or the value."""
        is_literal = self._kind in (_TEXT, _NUMBER) or self._token in ("?", "[", "{", "<<", "-", "+")
        if is_literal or self._token.lower() in ("true", "false", "null"):
            value = self._value()
            return self._placeholder(value), None, value
        following = self._tokens[self._index + 1][1] if self._index + 1 < len(self._tokens) else ""
        if self._kind == _WORD and following == "(":
            function = self._step().lower()
            self._step()
            operands = self._listed(lambda: self._operand()[0], ")")
            return f"{function}({', '.join(operands)})", None, None
        path = self._path()
        return self._spelled(path), path, None

    def _name(self) -> str:
        if self._kind not in (_WORD, _QUOTED):
            raise self._error()
        token = self._step()
        return token[1:-1].replace('""', '"') if token[0] == '"' else token

    def _path(self) -> Path:
        steps: list[str | int] = [self._name()]
        while self._token in (".", "["):
            if self._is("."):
                steps.append(self._name())
            else:
                self._step()
                if self._kind == _TEXT:
                    steps.append(self._step()[1:-1])
                elif self._token.isdigit():
                    steps.append(int(self._step()))
                else:
                    raise self._error()
                self._expect("]")
        return tuple(steps)

    def _spelled(self, path: Path) -> str:
        text = ""
        for step in path:
            if isinstance(step, int):
                text += f"[{step}]"
                continue
            placeholder = f"#n{len(self._read.names)}"
            self._read.names[placeholder] = step
            text += f".{placeholder}" if text else placeholder
        return text

    def _placeholder(self, value: Value) -> str:
        placeholder = f":v{len(self._read.values)}"
        self._read.values[placeholder] = value
        return placeholder

    def _value(self) -> Value:
        kind, token = self._kind, self._step()
        if token == "?":
            if not self._parameters:
                raise invalid("Number of parameters in request and statement don't match.")
            return checked(self._parameters.pop(0))
        if kind == _TEXT:
            return {"S": token[1:-1].replace("''", "'")}
        if kind == _NUMBER:
            return checked({"N": token})
        if token in ("-", "+") and self._kind == _NUMBER:
            return checked({"N": token + self._step()})
        if token.lower() in ("true", "false"):
            return {"BOOL": token.lower() == "true"}
        if token.lower() == "null":
            return {"NULL": True}
        return self._collection(token)

    def _collection(self, opening: str) -> Value:
        if opening == "[":
            return {"L": self._listed(self._value, "]")}
        if opening == "{":
            return {"M": dict(self._listed(self._member, "}"))}
        if opening == "<<":
            elements = self._listed(self._value, ">>")
            kinds = {type_of(element) for element in elements}
            if len(kinds) == 1 and kinds <= {"S", "N", "B"}:
                (kind_of_all,) = kinds
                return checked({f"{kind_of_all}S": [element[kind_of_all] for element in elements]})
        raise self._error()

    def _member(self) -> tuple[str, Value]:
        name = self._step()[1:-1] if self._kind == _TEXT else self._name()
        self._expect(":")
        return name, self._value()


def joined(conjuncts: Sequence[Conjunct]) -> str:
    return " AND ".join(conjunct.text for conjunct in conjuncts)
