"""Document paths: ("m", "x", 0) is m.x[0]. Reading one, several at once, and paths that cannot stand together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from harness.dynamodb.values import Item, Value, invalid

Path = tuple[str | int, ...]
Branches = dict[str | int, Any]  # the next steps of several paths; None where one ends


def read(item: Item, path: Path) -> Value | None:
    """The value at the path; None where there is none."""
    value = item.get(str(path[0]))
    for step in path[1:]:
        if value is None:
            return None
        if type(step) is int:
            elements = value.get("L", ())
            value = elements[step] if step < len(elements) else None
        else:
            value = value.get("M", {}).get(step)
    return value


def branches(paths: Iterable[Path]) -> Branches:
    """The paths as a tree."""
    tree: Branches = {}
    for path in paths:
        node = tree
        for step in path[:-1]:
            node = node.setdefault(step, {})
        node[path[-1]] = None
    return tree


def projected(item: Item, tree: Branches) -> Item:
    """What of the item the paths lead to, in its place; chosen elements of a list close up, in order."""
    result: Item = {}
    for name, rest in tree.items():
        value = item.get(str(name))
        part = value if value is None or rest is None else _part(value, rest)
        if part is not None:
            result[str(name)] = part
    return result


def _part(value: Value, tree: Branches) -> Value | None:
    if "M" in value:
        members = projected(value["M"], tree)
        return {"M": members} if members else None
    if "L" not in value:
        return None
    elements = []
    for index in sorted(step for step in tree if type(step) is int):
        if index < len(value["L"]):
            element, rest = value["L"][index], tree[index]
            part = element if rest is None else _part(element, rest)
            elements += [] if part is None else [part]
    return {"L": elements} if elements else None


def check_apart(paths: Sequence[Path]) -> None:
    """Raises Rejected for two paths of which one contains the other, or that take one value for a map and a list."""
    for index, later in enumerate(paths):
        for earlier in paths[:index]:
            if earlier[0] == later[0]:
                _check_pair(earlier, later)


def _check_pair(earlier: Path, later: Path) -> None:
    for one, two in zip(earlier, later, strict=False):
        if one != two:
            if type(one) is type(two):
                return
            problem = "conflict"
            break
    else:
        problem = "overlap"
    raise invalid(
        f"Two document paths {problem} with each other; must remove or rewrite one of these paths; "
        f"path one: {spelled(earlier)}, path two: {spelled(later)}"
    )


def spelled(path: Path) -> str:
    return f"[{', '.join(f'[{step}]' if type(step) is int else str(step) for step in path)}]"
