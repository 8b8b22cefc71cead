"""Updates: what an update expression, or the older AttributeUpdates, makes of an item.

Every operand is read from the item before the update. The changes form a tree, and each map or list that is on the
way to one is copied once: list elements keep their old numbers until all are set and removed, and those set beyond the
end follow it in the order of their numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from harness.dynamodb import grammar
from harness.dynamodb.conditions import Compiler, Operand, Values, check_distinct, check_path, check_types, misplaced
from harness.dynamodb.expressions import Compiled, Pairs, Placeholders, named
from harness.dynamodb.grammar import Action, Call, Literal
from harness.dynamodb.paths import Path, branches, check_apart, projected, read
from harness.dynamodb.values import LONG_NAMES, SETS, Item, Rejected, Value, in_order, invalid, total, type_of

# What an action does at the end of its path: the new value, or one of these.
REMOVED, KEPT = object(), object()
Change = Any
Act = Callable[[Item, Values], Change]

WRONG_OPERAND = "An operand in the update expression has an incorrect data type"
_MISSING = "The provided expression refers to an attribute that does not exist in the item"
_WRONG_PATH = "The document path provided in the update expression is invalid for update"


@dataclass(frozen=True, slots=True)
class Update:
    """What to do at which paths. `creates`: it makes an item where there was none, as more than REMOVE and DELETE do.

    literal: the values that are clear beforehand, by attribute.
    """

    acts: tuple[tuple[Path, Act], ...]
    creates: bool
    values: Values
    literal: Item
    mismatch: str = WRONG_OPERAND  # what is said of a value that has another type than the action needs

    @property
    def paths(self) -> tuple[Path, ...]:
        return tuple(path for path, _ in self.acts)

    def apply(self, before: Item) -> Item:
        """The item after the update. Raises Rejected for what does not fit this item."""
        tree = _Branch()
        try:
            for path, act in self.acts:
                node = tree
                for step in path[:-1]:
                    node = node.setdefault(step, _Branch())
                node[path[-1]] = act(before, self.values)
        except Rejected as error:
            raise invalid(self.mismatch) if error.message == WRONG_OPERAND else error from None
        after = dict(before)
        _change(after, tree)
        return after

    def touched(self, item: Item | None) -> Item:
        """What of the item the paths lead to, for UPDATED_OLD and UPDATED_NEW."""
        return projected(item or {}, branches(self.paths))


class _Branch(dict[Any, Any]):
    """The next steps of paths: what changes there, or a branch."""


def _change(members: dict[Any, Any], tree: _Branch) -> None:
    """Changes the members of a map, or the elements of a list by their numbers."""
    for step, change in tree.items():
        if change is REMOVED:
            members.pop(step, None)
        elif isinstance(change, _Branch):
            members[step] = _changed(members.get(step), change)
        elif change is not KEPT:
            members[step] = change


def _changed(value: Value | None, tree: _Branch) -> Value:
    kind = "M" if isinstance(next(iter(tree)), str) else "L"
    if value is None or kind not in value:
        raise invalid(_WRONG_PATH)
    members = dict(value["M"]) if kind == "M" else dict(enumerate(value["L"]))
    _change(members, tree)
    return {kind: members if kind == "M" else [members[index] for index in sorted(members)]}


def update_of(scope: Placeholders, source: str | tuple[Action, ...]) -> Update:
    """The update of an UpdateExpression, or of its actions."""
    with named("UpdateExpression"):
        plan = _plan(source, *scope.pairs)
        scope.use(plan)
    acts, creates, literal = plan.act
    return Update(acts, creates, scope.values, {name: scope.values[each] for name, each in literal.items()})


@lru_cache(maxsize=4096)
def _plan(source: str | tuple[Action, ...], names: Pairs, types: Pairs) -> Compiled:
    compiler = Compiler(dict(names), dict(types), "an update")
    compiler.function = lambda call: _operand(compiler, call)
    acts, targets, creates = [], [], False
    literal: dict[str, str] = {}
    for action in grammar.update(source) if isinstance(source, str) else source:
        path = compiler.path(action.target)
        if len(path) == 1 and isinstance(action.operand, Literal) and action.section != "DELETE":
            literal[str(path[0])] = action.operand.placeholder
        targets.append(path)
        acts.append((path, _act(compiler, action, path)))
        creates |= action.section in ("SET", "ADD")
    check_apart(targets)
    return Compiled((tuple(acts), creates, literal), tuple(targets), frozenset(compiler.used), tuple(compiler.checks))


def _act(compiler: Compiler, action: Action, path: Path) -> Act:
    if action.section == "REMOVE":
        return lambda before, values: REMOVED
    if action.section == "SET":
        operand = _operand(compiler, action.operand, at_top=True)
        return lambda before, values: _present(operand.read(before, values))
    operand = compiler.operand(action.operand)
    check_operand(action.section, operand.type or "")
    combine = added if action.section == "ADD" else deleted
    return lambda before, values: combine(read(before, path), operand.read(before, values) or {})


def check_operand(section: str, kind: str) -> None:
    if kind not in ("N", *SETS) or (section == "DELETE" and kind == "N"):
        raise invalid(
            f"Incorrect operand type for operator or function; operator: {section}, operand type: "
            f"{LONG_NAMES[kind]}, typeSet: ALLOWED_FOR_{section}_OPERAND"
        )


def _operand(compiler: Compiler, node: Any, at_top: bool = False) -> Operand:
    if not isinstance(node, Call):
        return compiler.operand(node)
    if not node.is_function:
        return _sum(compiler, node)
    if node.operator == "list_append" and not at_top:
        raise misplaced(node)
    first, second = operands = compiler.arguments(node)
    if node.operator == "if_not_exists":
        check_path(node.operator, first)
        check_distinct(node.operator, operands)
        return Operand(lambda item, values: _first(first.read(item, values), second, item, values))
    check_types(node.operator, operands, ("L",))
    return Operand(lambda item, values: _joined(first.read(item, values), second.read(item, values)), "L")


def _sum(compiler: Compiler, call: Call) -> Operand:
    left, right = operands = [_operand(compiler, node) for node in call.operands]
    check_types(call.operator, operands, ("N",))

    def add(item: Item, values: Values) -> Value:
        one, two = _present(left.read(item, values)), _present(right.read(item, values))
        if "N" not in one or "N" not in two:
            raise invalid(WRONG_OPERAND)
        return {"N": total(one["N"], two["N"], call.operator)}

    return Operand(add, "N")


def _present(value: Value | None) -> Value:
    if value is None:
        raise invalid(_MISSING)
    return value


def _first(value: Value | None, otherwise: Operand, item: Item, values: Values) -> Value | None:
    return otherwise.read(item, values) if value is None else value


def _joined(one: Value | None, two: Value | None) -> Value:
    first, second = _present(one), _present(two)
    if "L" not in first or "L" not in second:
        raise invalid(WRONG_OPERAND)
    return {"L": first["L"] + second["L"]}


def added(current: Value | None, value: Value) -> Change:
    """What ADD makes of a value: a sum, or a set with more elements."""
    if current is None:
        return value
    kind = type_of(value)
    if kind not in current:
        raise invalid(WRONG_OPERAND)
    if kind == "N":
        return {"N": total(current["N"], value["N"])}
    return {kind: in_order(kind, {*current[kind], *value[kind]})}


def deleted(current: Value | None, value: Value) -> Change:
    """What DELETE leaves of a set; nothing is left of an empty one."""
    if current is None:
        return KEPT
    kind = type_of(value)
    if kind not in current:
        raise invalid(WRONG_OPERAND)
    rest = [element for element in current[kind] if element not in value[kind]]
    return {kind: rest} if rest else REMOVED


def check_keys(update: Update, keys: Sequence[str]) -> None:
    """Raises Rejected for an update of a key attribute."""
    for path in update.paths:
        if path[0] in keys:
            raise invalid(
                f"One or more parameter values were invalid: Cannot update attribute {path[0]}. "
                "This attribute is part of the key"
            )
