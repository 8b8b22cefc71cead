"""The grammar of the expression languages: text to tree, by recursive descent. Trees are kept, as texts come again.

condition   := term (OR term)*; term := factor (AND factor)*; factor := NOT factor | comparison | (condition)
comparison  := operand < | <= | = | <> | >= | > operand | operand BETWEEN operand AND operand
             | operand IN (operand, …) | function
update      := (SET path = sum, … | REMOVE path, … | ADD path :value, … | DELETE path :value, …)+
sum         := operand [+|- operand]
operand     := path | :value | function | (operand);   function := name(operand, …)
projection  := path, …;   path := name (.name | [index])*;   name := word | #placeholder

`Conditions` is what this language shares with PartiQL, which has other words, paths and values.
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
    return _Expression(text).whole(_Expression.condition)


@lru_cache(maxsize=4096)
def update(text: str) -> tuple[Action, ...]:
    return tuple(_Expression(text).actions())


@lru_cache(maxsize=4096)
def projection(text: str) -> tuple[Name, ...]:
    return tuple(_Expression(text).whole(lambda parser: parser.listed(parser.path)))


class Conditions:
    """Reads conditions. It stands before the token `word`, which is "" at the end."""

    operators: tuple[str, ...] = (*COMPARATORS, "BETWEEN", "IN")

    def __init__(self, text: str, token: re.Pattern[str]) -> None:
        self._text = text
        self._tokens = [(match[1], match.start(1), match.end()) for match in token.finditer(text)]
        self._index = 0
        self.word = self._tokens[0][0] if self._tokens else ""

    def error(self) -> Exception:
        """The syntax error at this token."""
        raise NotImplementedError

    def operand(self) -> Any:
        raise NotImplementedError

    @property
    def following(self) -> str:
        """The token after this one."""
        return self._tokens[self._index + 1][0] if self._index + 1 < len(self._tokens) else ""

    def step(self) -> str:
        passed, self.word = self.word, self.following
        self._index += 1
        return passed

    def passes(self, token: str) -> bool:
        """Whether the token comes next; if so it is passed."""
        if self.word.upper() != token:
            return False
        self.step()
        return True

    def expect(self, *tokens: str) -> None:
        for token in tokens:
            if not self.passes(token):
                raise self.error()

    def listed(self, part: Callable[[], Any]) -> list[Any]:
        """One or more parts with commas between them."""
        parts = [part()]
        while self.passes(","):
            parts.append(part())
        return parts

    def within(self, part: Callable[[], Any], opening: str = "(", closing: str = ")") -> Any:
        self.expect(opening)
        content = part()
        self.expect(closing)
        return content

    def function(self) -> Call | None:
        """A function and its operands, if one comes next."""
        if self.following != "(" or not self.word[:1].isalpha() or self.word.upper() in KEYWORDS:
            return None
        name = self.step()
        return Call(name, tuple(self.within(partial(self.listed, self.operand))), is_function=True)

    def condition(self) -> Any:
        return self._checked(self._alternatives())

    def _checked(self, tree: Any) -> Any:
        if not isinstance(tree, Call):
            raise self.error()  # a path or a value alone says nothing
        return tree

    def _alternatives(self) -> Any:
        return self._joined("OR", partial(self._joined, "AND", self._factor))

    def _joined(self, word: str, part: Callable[[], Any]) -> Any:
        """Conditions with the word between them; a part alone may also be an operand."""
        parts = [part()]
        while self.word.upper() == word:
            self._checked(parts[-1])
            self.step()
            parts.append(part())
        return parts[0] if len(parts) == 1 else Call(word, tuple([*parts[:-1], self._checked(parts[-1])]))

    def _factor(self) -> Any:
        negations = 0
        while self.passes("NOT"):
            negations += 1
        tree = self._comparison()
        for _ in range(negations):
            tree = Call("NOT", (self._checked(tree),))
        return tree

    def _comparison(self) -> Any:
        left = self.within(self._alternatives) if self.word == "(" else self.operand()
        word = self.word.upper()
        if word not in self.operators:
            return left
        if isinstance(left, Call) and not left.is_function:
            raise self.error()
        return self.compared(left, word)

    def compared(self, left: Any, word: str) -> Any:
        """The comparison of an operand, at its operator."""
        self.step()
        if word == "IN":
            return Call(word, (left, *self.within(partial(self.listed, self.operand))))
        right = self.operand()
        if word != "BETWEEN":
            return Call(word, (left, right))
        self.expect("AND")
        return Call(word, (left, right, self.operand()))


class _Expression(Conditions):
    """An expression of the API, with placeholders."""

    def __init__(self, text: str) -> None:
        length = len(text.encode("utf-8", "surrogatepass"))
        if not text.strip():
            raise invalid("The expression can not be empty;")
        if length > MAX_BYTES:
            raise invalid(f"Expression size has exceeded the maximum allowed size; expression size: {length}")
        super().__init__(text, _TOKEN)
        self._redundant = False
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

    def error(self) -> Exception:
        """It is shown with the token before and the one after it."""
        start = self._tokens[max(self._index - 1, 0)][1]
        end = self._tokens[min(self._index + 1, len(self._tokens) - 1)][2]
        return invalid(f'Syntax error; token: "{self.word or "<EOF>"}", near: "{self._text[start:end]}"')

    def whole(self, part: Callable[[_Expression], Any]) -> Any:
        content = part(self)
        if self.word:
            raise self.error()
        if self._redundant:
            raise invalid("The expression has redundant parentheses;")
        return content

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
        is_word = self.word[:1].isalpha() and self.word.upper() not in (*KEYWORDS, *SECTIONS)
        if not (is_word and self.word.isascii()) and (self.word[:1] != "#" or self.word == "#"):
            raise self.error()
        return self.step()

    def _literal(self) -> Literal:
        if self.word[:1] != ":" or self.word == ":":
            raise self.error()
        return Literal(self.step())

    def operand(self) -> Any:
        if self.word == "(":
            return self.within(self.operand)
        if self.word[:1] == ":":
            return self._literal()
        return self.function() or self.path()

    def actions(self) -> list[Action]:
        actions: list[Action] = []
        seen: list[str] = []
        while self.word or not seen:
            section = self.word.upper()
            if section not in SECTIONS:
                raise self.error()
            if section in seen:
                raise invalid(f'The "{section}" section can only be used once in an update expression;')
            seen.append(self.step().upper())
            actions += self.listed(partial(self._action, section))
        return actions

    def _action(self, section: str) -> Action:
        target = self.path()
        if section == "REMOVE":
            return Action(section, target)
        if section == "SET":
            self.expect("=")
            return Action(section, target, self._sum())
        return Action(section, target, self._literal())

    def _sum(self) -> Any:
        if self.word == "(":
            return self.within(self._sum)
        left = self.operand()
        return Call(self.step(), (left, self.operand())) if self.word in ("+", "-") else left
