"""What a word in a scenario stands for: an entry of a literal table, or `module:attr`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from harness.errors import nearest

PATTERN = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"


def implementation(word: str, table: Mapping[str, type], noun: str) -> type:
    """Raises ValueError, naming the nearest word. `noun` is what the table holds, as in "a fault"."""
    module_name, colon, attribute = word.partition(":")
    if not colon:
        if word not in table:
            raise ValueError(f"'{word}' is not {noun}. {nearest(word, table)}")
        return table[word]
    try:
        module = import_module(module_name)
    except Exception as error:  # a user's module may raise anything
        reason = f"module '{module_name}' cannot be imported: {type(error).__name__}: {error}"
        raise ValueError(f"'{word}' is not {noun}: {reason}") from error
    found = getattr(module, attribute, None)
    if found is None:
        names = [name for name in vars(module) if not name.startswith("_")]
        raise ValueError(f"'{word}' is not {noun}: '{module_name}' has no '{attribute}'. {nearest(attribute, names)}")
    if not isinstance(found, type):
        raise ValueError(f"'{word}' is not {noun}: it is not a class")
    return found
