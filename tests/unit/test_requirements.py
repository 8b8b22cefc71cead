"""A function's requirements.txt is installed once for each content, into the package and nowhere else."""

from __future__ import annotations

import importlib.util
import os
import sys
import zipfile
from pathlib import Path

import pytest

from harness.environment import Code, Environment
from harness.errors import UserError
from harness.package import unpacked, zipped
from harness.requirements import installed


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A function that needs a package, which lies beside it as a wheel; no index is asked."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    root = tmp_path / "code"
    root.mkdir()
    (root / "app.py").write_text("import greeting_of_tests\nhandler = greeting_of_tests.greet\n")
    wheel(root / "greeting_of_tests-1.0-py3-none-any.whl", "def greet(event, context): return 'hello'\n")
    (root / "requirements.txt").write_text("./greeting_of_tests-1.0-py3-none-any.whl\n")
    return root


def wheel(path: Path, source: str) -> None:
    name = "greeting_of_tests"
    files = {
        f"{name}.py": source,
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{name}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{each},,\n" for each in (*files, f"{name}-1.0.dist-info/RECORD"))
    with zipfile.ZipFile(path, "w") as archive:
        for each, content in (files | {f"{name}-1.0.dist-info/RECORD": record}).items():
            archive.writestr(each, content)


def test_what_is_required_is_in_the_package(folder: Path) -> None:
    """Beside the function's own files, in the folder and in the zip; the harness itself does not get it."""
    code = unpacked(folder)
    assert (code / "greeting_of_tests.py").is_file()
    with zipfile.ZipFile(zipped(folder, "python3.99")) as archive:
        assert {"app.py", "greeting_of_tests.py"} <= set(archive.namelist())
    assert importlib.util.find_spec("greeting_of_tests") is None


def test_only_the_function_sees_them(folder: Path) -> None:
    """Its code finds them on the embedded platform, and the harness does not, then or later."""
    with Code(unpacked(folder), "app.handler") as code:
        assert code.load(Environment(1))(None, None) == "hello"
    assert "greeting_of_tests" not in sys.modules
    assert importlib.util.find_spec("greeting_of_tests") is None


def test_the_same_requirements_are_installed_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another content is another folder, another Python too; a function without any has none."""
    first = installed(folder)
    assert first
    before = os.stat(first).st_mtime_ns
    assert installed(folder) == first
    assert os.stat(first).st_mtime_ns == before
    assert installed(folder, "3.99") != first
    (folder / "requirements.txt").write_text("# nothing\n")
    assert installed(folder) not in (None, first)
    (folder / "requirements.txt").unlink()
    assert installed(folder) is None


def test_the_functions_own_file_counts(folder: Path) -> None:
    """Where a package brings one of the same name."""
    (folder / "greeting_of_tests.py").write_text("greet = print\n")
    assert (unpacked(folder) / "greeting_of_tests.py").read_text() == "greet = print\n"


def test_what_cannot_be_installed_is_said_in_pips_words(folder: Path) -> None:
    """The file is named, and nothing is left of the attempt."""
    (folder / "requirements.txt").write_text("no-such-package-of-tests==1\n")
    with pytest.raises(
        UserError, match=r"code/requirements.txt: pip cannot install it for Python 3\.\d+: .*no-such-pa"
    ):
        unpacked(folder)
    assert list((folder.parent / "cache" / "requirements").iterdir()) == []
