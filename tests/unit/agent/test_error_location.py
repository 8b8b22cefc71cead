"""An exception of a handler is described with the user's own file and line, whatever lies around them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.agent.execution import describe_error

FILES = {
    "app.py": "import billing\nimport library\n\n\ndef handler(event):\n    billing.charge(event)\n",
    "billing.py": "import library\n\n\ndef charge(event):\n    return library.price(event)\n",
    "library.py": "def price(event):\n    return event['price']\n",
    "broken.py": "x = 1\ndef f(:\n",
    "imports_nothing.py": "\nimport nothing_such_of_tests\n",
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in FILES:
        sys.modules.pop(name.removesuffix(".py"), None)


def raised(module: str, root: Path) -> str:
    with pytest.raises((KeyError, ImportError, SyntaxError)) as caught:
        importlib.import_module(module).handler({})
    return describe_error(caught.value, str(root))


def test_the_innermost_line_of_the_users_own_is_named(root: Path) -> None:
    """Where several files are on the way."""
    assert raised("app", root) == "KeyError: 'price' at library.py:2"


def test_a_library_is_not_the_users_own(root: Path) -> None:
    """What pip has installed beside the code: the line that called it is named instead."""
    info = root / "library-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: library\nVersion: 1.0\n")
    (info / "RECORD").write_text("library.py,,\n")
    assert raised("app", root) == "KeyError: 'price' at billing.py:5"


def test_what_cannot_be_imported_is_named_too(root: Path) -> None:
    """The line that imports what is not there, and the line that is no Python."""
    assert raised("imports_nothing", root).endswith("No module named 'nothing_such_of_tests' at imports_nothing.py:2")
    assert raised("broken", root).endswith(" at broken.py:2")


def test_what_others_raise_has_no_line(root: Path) -> None:
    """An error that passed through none of the user's files is described as it is."""
    assert describe_error(KeyError("price"), str(root)) == "KeyError: 'price'"
