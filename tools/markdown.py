"""Reads a Markdown document: its code blocks, the commands in them, its headings and its links. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

_BLOCK = re.compile(r"^(?:<!-- ([^\n]*) -->\n)?```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"# (\S+\.\w+)\n")
_COMMAND = re.compile(r"(.+?)(?:\s{2,}# (?:exit code (\d+)|.*))?")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$|\bsrc=\"([^\"]+)\"", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Command:
    """One line of a `sh` block.

    output: what the document shows below it, with `…` for what differs or is long. mark: that of its block.
    """

    line: str
    exit_code: int
    output: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. `mark` is the text of a comment in the line before it."""

    language: str
    text: str
    mark: str = ""

    @property
    def file(self) -> str:
        """The path that a comment in its first line gives it, or nothing."""
        match = _FILE.match(self.text)
        return match[1] if match else ""


def steps(text: str) -> Iterator[Block | Command]:
    """What a reader does, in this order: writes the files that are shown, and enters the commands."""
    matches = list(_BLOCK.finditer(text))
    for match, following in zip_longest(matches, matches[1:]):
        block = Block(match[2], match[3], match[1] or "")
        if block.file:
            yield block
        elif block.language == "sh":
            shown = following and following[2] == "text" and not text[match.end() : following.start()].strip()
            yield from _commands(block, following[3] if following and shown else "")


def commands(text: str) -> list[Command]:
    """The commands of all `sh` blocks."""
    return [step for step in steps(text) if isinstance(step, Command)]


def anchors(text: str) -> set[str]:
    """The names under which a link reaches the headings, as GitHub makes them."""
    prose = _BLOCK.sub("", text)
    names = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(prose)]
    seen: Counter[str] = Counter()
    anchored = set()
    for name in names:
        anchored.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return anchored


def links(text: str) -> list[str]:
    """Every target of a link or a picture outside code."""
    prose = re.sub(r"`[^`\n]+`", "", _BLOCK.sub("", text))
    return [next(filter(None, match.groups())) for match in _LINK.finditer(prose)]


def _commands(block: Block, output: str = "") -> Iterator[Command]:
    matches = [match for line in block.text.splitlines() if (match := _COMMAND.fullmatch(line))]
    for number, match in enumerate(matches, 1):
        shown = output if number == len(matches) else ""
        yield Command(match[1], int(match[2] or 0), shown, block.mark)
