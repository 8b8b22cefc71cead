"""The grammar of the expression languages: text to tree, by recursive descent. Trees are kept, as texts come again.

condition   := term (OR term)*; term := factor (AND factor)*; factor := NOT factor | comparison | (condition)
comparison  := operand < | <= | = | <> | >= | > operand | operand BETWEEN operand AND operand
             | operand IN (operand, …) | function
update      := (SET path = sum, … | REMOVE path, … | ADD path :value, … | DELETE path :value, …)+
sum         := operand [+|- operand]
operand     := path | :value | function | (operand);   function := name(operand, …)
projection  := path, …;   path := name (.name | [index])*;   name := word | #placeholder
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from harness.dynamodb.values import invalid

MAX_BYTES = 4096
MAX_OPERATORS = 300
MAX_LEVELS = 150  # of parentheses
MAX_INDEX_DIGITS = 9
_TOKEN = re.compile(r"\s*([#:][A-Za-z0-9_]+|[A-Za-z][A-Za-z0-9_]*|[0-9]+|<=|>=|<>|\S)")
COMPARATORS = ("=", "<>", "<", "<=", ">", ">=")
KEYWORDS = ("AND", "OR", "NOT", "BETWEEN", "IN")
SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")
_OPERATORS = re.compile(r"<=|>=|<>|[=<>+-]|(?<![#:\w])(?:AND|OR|NOT|BETWEEN|IN)(?!\w)|\w\s*\(", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Name:
    """A document path as it is written: placeholders are not resolved."""

    steps: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Literal:
    """A :value."""

    placeholder: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function, a comparator, BETWEEN, IN, AND, OR, NOT, + or -, and its operands."""

    operator: str
    operands: tuple[Any, ...]
    is_function: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """One action of an update expression; `operand` is None for REMOVE."""

    section: str
    target: Name
    operand: Any = None


@lru_cache(maxsize=4096)
def condition(text: str) -> Any:
    """The tree of a condition, a filter or a key condition. Raises Rejected, without the name of the parameter."""
    parser = _Parser(text)
    tree = parser.condition()
    parser.end()
    return tree


@lru_cache(maxsize=4096)
def update(text: str) -> tuple[Action, ...]:
    parser = _Parser(text)
    actions: list[Action] = []
    seen: list[str] = []
    while not parser.at_end or not seen:
        section = parser.word.upper()
        if section not in SECTIONS:
            raise parser.error()
        if section in seen:
            raise invalid(f'The "{section}" section can only be used once in an update expression;')
        seen.append(section)
        parser.step()
        actions += parser.listed(partial(parser.action, section))
    return tuple(actions)


@lru_cache(maxsize=4096)
def projection(text: str) -> tuple[Name, ...]:
    parser = _Parser(text)
    paths = parser.listed(parser.path)
    parser.end()
    return tuple(paths)


class _Parser:
    """Stands before the token `word`, which is "" at the end."""

    def __init__(self, text: str) -> None:
        length = len(text.encode("utf-8", "surrogatepass"))
        if not text.strip():
            raise invalid("The expression can not be empty;")
        if length > MAX_BYTES:
            raise invalid(f"Expression size has exceeded the maximum allowed size; expression size: {length}")
        self._text = text
        self._tokens = [(match[1], match.start(1), match.end()) for match in _TOKEN.finditer(text)]
        self._index = 0
        self._redundant = False
        self.word = self._tokens[0][0]
        self._check_operators()

    def _check_operators(self) -> None:
        """Counts operators and levels: what the grammar has to bear. Notes parentheses around parentheses."""
        if len(_OPERATORS.findall(self._text)) > MAX_OPERATORS:
            raise invalid(f"The expression contains too many operators; operator count: {MAX_OPERATORS + 1}")
        opened: list[int] = []
        closed_by: dict[int, int] = {}
        for index, (token, _, _) in enumerate(self._tokens):
            if token == "(":
                opened.append(index)
            elif token == ")" and opened:
                start = opened.pop()
                closed_by[start] = index
                of_call = start > 0 and self._tokens[start - 1][0].upper() not in (*KEYWORDS, "(")
                self._redundant |= not of_call and closed_by.get(start + 1) == index - 1
            if len(opened) > MAX_LEVELS:
                raise invalid("The expression has redundant parentheses;")

    @property
    def at_end(self) -> bool:
        return self._index == len(self._tokens)

    def step(self) -> str:
        passed = self.word
        self._index += 1
        self.word = "" if self.at_end else self._tokens[self._index][0]
        return passed

    def error(self) -> Exception:
        """The syntax error at this token, shown with the one before and the one after it."""
        start = self._tokens[max(self._index - 1, 0)][1]
        end = self._tokens[min(self._index + 1, len(self._tokens) - 1)][2]
        token = self.word or "<EOF>"
        return invalid(f'Syntax error; token: "{token}", near: "{self._text[start:end]}"')

    def expect(self, token: str) -> None:
        if self.word.upper() != token:
            raise self.error()
        self.step()

    def end(self) -> None:
        if not self.at_end:
            raise self.error()
        if self._redundant:
            raise invalid("The expression has redundant parentheses;")

    def listed(self, part: Callable[[], Any]) -> list[Any]:
        """One or more parts with commas between them."""
        parts = [part()]
        while self.word == ",":
            self.step()
            parts.append(part())
        return parts

    def path(self) -> Name:
        steps: list[str | int] = [self._name()]
        while self.word in (".", "["):
            if self.step() == ".":
                steps.append(self._name())
                continue
            if not self.word.isdigit():
                raise self.error()
            index = self.step()
            self.expect("]")
            if len(index) > MAX_INDEX_DIGITS:
                raise invalid(f"List index is not within the allowable range; index: [{index}]")
            steps.append(int(index))
        return Name(tuple(steps))

    def _name(self) -> str:
        if (self.word[:1] != "#" and not self.word[:1].isalpha()) or not self.word.isascii() or self.word == "#":
            raise self.error()
        if self.word.upper() in (*KEYWORDS, *SECTIONS):
            raise self.error()
        return self.step()

    def condition(self) -> Any:
        tree = self._alternatives()
        if not isinstance(tree, Call):
            raise self.error()  # a path or a value alone says nothing
        return tree

    def _alternatives(self) -> Any:
        return self._joined("OR", self._terms)

    def _terms(self) -> Any:
        return self._joined("AND", self._factor)

    def _joined(self, word: str, part: Callable[[], Any]) -> Any:
        """Conditions with the word between them; a part alone may also be an operand."""
        parts = [part()]
        while self.word.upper() == word:
            if not isinstance(parts[-1], Call):
                raise self.error()
            self.step()
            parts.append(part())
        if len(parts) == 1:
            return parts[0]
        if not isinstance(parts[-1], Call):
            raise self.error()
        return Call(word, tuple(parts))

    def _factor(self) -> Any:
        negations = 0
        while self.word.upper() == "NOT":
            self.step()
            negations += 1
        tree = self._comparison()
        if negations and not isinstance(tree, Call):
            raise self.error()
        for _ in range(negations):
            tree = Call("NOT", (tree,))
        return tree

    def _comparison(self) -> Any:
        left = self._part()
        is_operand = not isinstance(left, Call) or left.is_function
        word = self.word.upper()
        if word in COMPARATORS or word in ("BETWEEN", "IN"):
            if not is_operand:
                raise self.error()
            self.step()
        if word in COMPARATORS:
            return Call(word, (left, self.operand()))
        if word == "BETWEEN":
            low = self.operand()
            self.expect("AND")
            return Call(word, (left, low, self.operand()))
        if word == "IN":
            self.expect("(")
            options = self.listed(self.operand)
            self.expect(")")
            return Call(word, (left, *options))
        return left

    def _part(self) -> Any:
        """An operand, or a condition in parentheses."""
        if self.word != "(":
            return self.operand()
        self.step()
        tree = self._alternatives()
        self.expect(")")
        return tree

    # Operands of all expressions.

    def operand(self) -> Any:
        if self.word == "(":
            self.step()
            tree = self.operand()
            self.expect(")")
            return tree
        if self.word[:1] == ":" and len(self.word) > 1:
            return Literal(self.step())
        is_call = self._index + 1 < len(self._tokens) and self._tokens[self._index + 1][0] == "("
        if is_call and self.word[:1].isalpha() and self.word.upper() not in KEYWORDS:
            function = self.step()
            self.step()
            operands = self.listed(self.operand)
            self.expect(")")
            return Call(function, tuple(operands), is_function=True)
        return self.path()

    def action(self, section: str) -> Action:
        target = self.path()
        if section == "REMOVE":
            return Action(section, target)
        if section == "SET":
            self.expect("=")
            return Action(section, target, self._sum())
        if self.word[:1] != ":" or len(self.word) == 1:
            raise self.error()
        return Action(section, target, Literal(self.step()))

    def _sum(self) -> Any:
        if self.word == "(":
            self.step()
            tree = self._sum()
            self.expect(")")
            return tree
        left = self.operand()
        if self.word not in ("+", "-"):
            return left
        sign = self.step()
        return Call(sign, (left, self.operand()))
