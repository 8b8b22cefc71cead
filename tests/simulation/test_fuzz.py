"""Fuzzing: mutants of scenarios, templates, stored histories, and what handlers return or raise, by the real commands.

Whatever comes, a command ends with a verdict or with the user's mistake (254), within 2 s and 300 MB: a traceback (255)
is a failure. HARNESS_FUZZ multiplies the mutants, HARNESS_FUZZ_SEED makes others.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from play import LEDGER, ROOT, SHIPPED, document, handler_file, yaml_file

from harness.run_folder import HISTORY, RUN

TIMES = int(os.environ.get("HARNESS_FUZZ", "1"))
SEED = int(os.environ.get("HARNESS_FUZZ_SEED", "0"))
SCENARIOS, TEMPLATES, HISTORIES, RESULTS = (count * TIMES for count in (200, 20, 20, 4))
SECONDS, MEGABYTES = 2, 300
CODES = {"lint": {0, 254}, "check": {0, 1, 2, 254}, "run": {0, 1, 2, 254}}

NASTY: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        2**31,
        2**63,
        10**30,
        -(10**400),
        0.5,
        1e308,
        "",
        " ",
        "x",
        "0",
        "9" * 5000,
        "1e400",
    ),
    *(
        "é\u202e",
        "\x1b[31m",
        "\ud800",
        "\0",
        "../../..",
        "/",
        "~",
        "x" * 5000,
        "a/b",
        "put",
        "*",
        "**",
        "[",
        "{}",
        "!Ref",
    ),
    *(
        "0..9",
        "9..0",
        "0..99999999",
        "1d",
        "9999999999d",
        "1.5ms",
        ">= 99999999999",
        "os:getcwd",
        "a:b",
        "os.path:join",
    ),
    *([], {}, [[]], [None], {"": ""}, {"a": {"b": {"c": []}}}, [1, "2", None], {"Ref": "X"}, {"Fn::GetAtt": 5}),
    *(
        {"Fn::Sub": ["${A}", {"A": 1}]},
        {"Fn::If": []},
        {"Fn::Join": ["", {"Ref": "A"}]},
        {"crash": None},
        [{"crash": 1}],
    ),
]
TOKENS = [
    "!Ref ",
    "!GetAtt ",
    "&a ",
    "*a",
    "<<: ",
    "- ",
    ": ",
    "? ",
    "{",
    "}",
    "[",
    "]",
    '"',
    "'",
    "\t",
    "\n",
    "#",
    "|",
    ">",
]
TOKENS += [
    "%YAML 1.1\n",
    "---\n",
    "...\n",
    "\x07",
    "\ufeff",
    "\u2028",
    "!!binary ",
    "!!set ",
    "!!python/object:os.x ",
    "\\U00110000",
]
RAISED = [
    "Exception({})",
    "KeyError({})",
    "SystemExit({})",
    "BaseException({})",
    "UnicodeDecodeError('a', b'', 0, 1, 'b')",
]


def changed(value: Any, chance: random.Random) -> Any:
    """A copy with one part replaced, removed, doubled, renamed, or wrapped."""
    copy = json.loads(json.dumps(value))
    paths: list[tuple[Any, Any]] = []

    def walk(inner: Any) -> None:
        for key in list(inner) if isinstance(inner, dict) else range(len(inner)) if isinstance(inner, list) else ():
            paths.append((inner, key))
            walk(inner[key])

    walk(copy)
    if not paths:
        return chance.choice(NASTY)
    parent, key = chance.choice(paths)
    kind = chance.randrange(6)
    if kind == 0:
        del parent[key]
    elif kind == 1 and isinstance(parent, dict):
        parent[str(chance.choice(NASTY))[:50]] = parent.pop(key)
    elif kind == 2:
        parent[key] = [parent[key]]
    elif kind == 3:
        other, at = chance.choice(paths)
        if at in other if isinstance(other, dict) else at < len(other):
            parent[key] = json.loads(json.dumps(other[at]))
    else:
        parent[key] = chance.choice(NASTY)
    return copy


def scratched(text: str, chance: random.Random) -> str:
    """The text with a few tokens put in, and parts cut out or doubled."""
    for _ in range(chance.randint(1, 3)):
        at, size = chance.randrange(len(text) + 1), chance.randint(0, 20)
        part = chance.choice(["", chance.choice(TOKENS), text[at : at + size] * 2, text[at : at + size] * 400])
        text = text[:at] + part + text[at + size :]
    return text


class Watched:
    """Calls the command, and keeps what broke a rule, with how to make it again."""

    def __init__(self, harness: Any) -> None:
        self.harness = harness
        self.broken: list[str] = []

    def __call__(self, what: str, *arguments: object) -> None:
        began = time.process_time()
        said = self.harness(*arguments)
        took = time.process_time() - began
        if said.code not in CODES[str(arguments[0])] or "Traceback" in said.err:
            self.broken.append(f"{what}: {said.code}\n{said.err[-600:]}")
        elif took > SECONDS:
            self.broken.append(f"{what}: {took:.1f} s")


@pytest.fixture
def watched(harness: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Everything that a mutant may name is in the folder: handlers, templates and data."""
    for name in ("lambda", "data"):
        Path(name).symlink_to(ROOT / name)
    monkeypatch.syspath_prepend(str(ROOT))
    harness("lint", SHIPPED[0])  # imports
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    watch = Watched(harness)
    yield watch
    unit = 1024 if sys.platform == "linux" else 1024**2
    assert watch.broken == [], "\n\n".join(watch.broken[:10])
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / unit < MEGABYTES


def mutants(count: int, kind: str, texts: list[str], read: Callable[[str], Any]) -> Any:
    """Each with its name, by which it can be made again."""
    for number in range(count):
        chance = random.Random(f"{SEED} {kind} {number}")
        text = chance.choice(texts)
        if chance.random() < 0.6 and (value := read(text)) is not None:
            for _ in range(chance.randint(1, 3)):
                value = changed(value, chance)
            text = json.dumps(value)
        else:
            text = scratched(text, chance)
        yield f"{kind} {number} of seed {SEED}", text


def test_scenarios(watched: Any) -> None:
    """Mutants of the shipped ones are linted."""
    texts = [file.read_text() for file in SHIPPED]
    for what, text in mutants(SCENARIOS, "scenario", texts, yaml.safe_load):
        Path("mutant.yaml").write_text(text, errors="backslashreplace")
        watched(what, "lint", "mutant.yaml")


def test_templates(watched: Any) -> None:
    """Mutants of those in the repository are linted with a scenario that names them."""
    files = [*ROOT.glob("lambda/*/template.yaml"), *ROOT.glob("tests/own_template/**/*.yaml")]
    texts = [file.read_text() for file in files if "Resources" in file.read_text()]
    shutil.copy(LEDGER / "naive.py", "naive.py")
    values = document("naive.py", pipeline={"template": "mutant.yaml"})
    yaml_file(Path("fixed.yaml"), values)
    for what, text in mutants(TEMPLATES, "template", texts, _plain):
        Path("mutant.yaml").write_text(text, errors="backslashreplace")
        watched(what, "lint", "fixed.yaml")


def _plain(text: str) -> Any:
    """A template without CloudFormation's short forms; None for one that has them."""
    try:
        return yaml.safe_load(text.replace("!GetAtt ", "Fn::GetAtt: ") if text.startswith("{") else text)
    except yaml.YAMLError:
        return None


def test_histories(watched: Any, scenario: Path) -> None:
    """Mutants of a stored run, of its question or of some lines of its history, are judged again."""
    watched.harness("run", scenario)
    (stored, *_) = (folder for folder in Path("runs/small").iterdir() if not folder.is_symlink())
    question, lines = (stored / RUN).read_text(), (stored / HISTORY).read_text().splitlines()
    for number in range(HISTORIES):
        chance = random.Random(f"{SEED} history {number}")
        asked, kept = question, list(lines)
        if chance.random() < 0.3:
            asked = json.dumps(changed(json.loads(question), chance))
        for _ in range(chance.randint(0, 2)):
            at = chance.randrange(len(kept))
            kind = chance.randrange(4)
            line = json.loads(lines[at])  # the one that is there may be scratched
            if kind == 0:
                del kept[at]
            elif kind == 1:
                kept[at] = scratched(kept[at], chance)
            else:
                kept[at] = json.dumps(
                    changed(line, chance) if kind == 2 else line | {"value": changed(line["value"], chance)}
                )
        (stored / RUN).write_text(asked, errors="backslashreplace")
        (stored / HISTORY).write_text("\n".join(kept) + "\n", errors="backslashreplace")
        watched(f"history {number} of seed {SEED}", "check", stored)


def test_results_and_errors(watched: Any, tmp_path: Path) -> None:
    """Handlers that return or raise anything are run."""
    for number in range(RESULTS):
        chance = random.Random(f"{SEED} result {number}")
        answer = changed({"batchItemFailures": [{"itemIdentifier": "1"}], "more": [1]}, chance)
        body = f"return {answer!r}" if chance.random() < 0.5 else f"raise {chance.choice(RAISED).format(repr(answer))}"
        handler = handler_file(tmp_path / f"h{number}", f"def handler(event, context):\n    {body}\n")
        mapping = {"maximum_retry_attempts": 1, "report_batch_item_failures": chance.random() < 0.5}
        values = document(handler, mapping=mapping, workload={"intents": 3, "items": 3, "writers": 1})
        watched(f"result {number} of seed {SEED}", "run", yaml_file(tmp_path / "result.yaml", values))
