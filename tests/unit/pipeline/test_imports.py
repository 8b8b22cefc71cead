"""What a handler imports, read from its code: every form of an import, and what only a type checker reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.pipeline.dependencies import imports_of

FILES = {
    "a.py": "",
    "b.py": "import c\n",
    "c.py": "",
    "package/__init__.py": "",
    "package/d.py": "",
    "package/e.py": "from .d import x\n",
    "package/deep/__init__.py": "",
    "package/deep/f.py": "from ..d import x\nfrom . import g\n",
    "package/deep/g.py": "",
    "spaces/h.py": "",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    "line, files, outside",
    [
        ("", set(), set()),
        ("import os, boto3.dynamodb", set(), {"os", "boto3"}),
        ("import a", {"a.py"}, set()),
        ("import b as other", {"b.py", "c.py"}, set()),
        ("def f():\n    import a", {"a.py"}, set()),
        ("try:\n    import a\nexcept ImportError:\n    import c", {"a.py", "c.py"}, set()),
        ("import package", {"package/__init__.py"}, set()),
        ("from package import d", {"package/__init__.py", "package/d.py"}, set()),
        ("from package import nothing", {"package/__init__.py"}, set()),
        ("from package.e import *", {"package/__init__.py", "package/d.py", "package/e.py"}, set()),
        ("import package.deep.g", {"package/__init__.py", "package/deep/__init__.py", "package/deep/g.py"}, set()),
        (
            "from package.deep.f import g",
            {"package/__init__.py", "package/d.py"} | {f"package/deep/{name}.py" for name in ("__init__", "f", "g")},
            set(),
        ),
        ("import spaces.h", {"spaces/h.py"}, set()),
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a\nelse:\n    import c",
            {"c.py"},
            {"typing"},
        ),
    ],
)
def test_an_import_leads_to_files(line: str, files: set[str], outside: set[str], root: Path) -> None:
    """To modules, the packages around them, and what these import in turn; anything else is outside."""
    (root / "app.py").write_text(f"{line}\n")
    imports = imports_of(root, "app.handler")
    assert (imports.files, imports.outside, imports.unreadable) == (files | {"app.py"}, outside, None)


@pytest.mark.parametrize("handler", ["package/deep/f.handler", "package.deep.f.handler"])
def test_a_handler_may_be_in_a_package(handler: str, root: Path) -> None:
    """With dots or, as Lambda takes it too, with slashes."""
    assert "package/deep/g.py" in imports_of(root, handler).files


@pytest.mark.parametrize(
    "text", ["from importlib import import_module\nimport_module('a')", "__import__('a')", "def broken(:"]
)
def test_what_cannot_be_told_is_said(text: str, root: Path) -> None:
    """The file is named, also where it is not the handler's own."""
    (root / "c.py").write_text(text)
    (root / "app.py").write_text("import b\n")
    assert imports_of(root, "app.handler").unreadable == "c.py"


def test_the_first_syntax_error_is_found_where_it_stands(root: Path) -> None:
    """In what is imported; what nobody imports may be as it likes."""
    (root / "a.py").write_text("def broken(:\n")
    (root / "app.py").write_text("import c\n")
    assert imports_of(root, "app.handler").syntax_error is None
    (root / "c.py").write_text("x = 1\ny = (\n")
    error = imports_of(root, "app.handler").syntax_error
    assert error
    assert (error.filename, error.lineno) == (str(root / "c.py"), 2)
