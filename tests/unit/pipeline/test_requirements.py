"""A function's requirements.txt is installed once for each content, into the package and nowhere else."""

from __future__ import annotations

import importlib.util
import os
import zipfile
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.pipeline.dependencies import installed, needed
from harness.pipeline.package import unpacked, zipped


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
    with zipfile.ZipFile(zipped(folder, "python3.99", "app.handler")) as archive:
        assert {"app.py", "greeting_of_tests.py"} <= set(archive.namelist())
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


def distribution(folder: Path, name: str, module: str, *requires: str) -> None:
    """As pip installs one."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    required = "".join(f"Requires-Dist: {each}\n" for each in requires)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{required}")
    (folder / module).mkdir()
    (folder / module / "__init__.py").touch()
    files = (f"{module}/__init__.py", f"{info.name}/METADATA", f"{info.name}/RECORD", f"../../bin/{name}")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))


@pytest.mark.parametrize(
    "imported, requirements, expected",
    [
        (set(), "", set()),
        ({"power", "os"}, "", {"power", "tools"}),
        ({"tools"}, "", {"tools"}),
        ({"boto3"}, "boto3\npower-tools", set()),
        ({"boto3"}, "boto3[crt]>=1.40  # a newer one", {"boto3", "dates"}),
        ({"boto3", "dates"}, "boto3", {"dates"}),
        (None, "power-tools\nunused", {"power", "tools", "dates", "unused"}),
    ],
    ids=["nothing", "and what it requires", "alone", "is there", "a version of it", "asked for itself", "untold"],
)
def test_what_is_not_imported_is_not_needed(
    imported: set[str] | None, requirements: str, expected: set[str], tmp_path: Path
) -> None:
    """What is imported is there with what it requires; boto3, which Lambda has, only where a version is asked for."""
    distribution(tmp_path, "Power.Tools", "power", "tools-of_power>=1", "boto3", "optional; extra == 'all'")
    distribution(tmp_path, "tools_of_power", "tools")
    distribution(tmp_path, "boto3", "boto3", "python-dates<3")
    distribution(tmp_path, "python_dates", "dates")
    distribution(tmp_path, "unused", "unused")
    files = needed(tmp_path, imported, requirements)
    assert {file.parent.name for file in files if file.name == "__init__.py"} == expected
    assert len([file for file in files if file.name == "METADATA"]) == len(expected)
    assert all(file.is_relative_to(tmp_path) for file in files)


def test_a_package_holds_what_its_handler_imports_of_them(folder: Path) -> None:
    """Another handler of the same folder, which imports none of them, has none."""
    (folder / "plain.py").write_text("handler = print\n")
    assert (unpacked(folder, handler="app.handler") / "greeting_of_tests.py").is_file()
    code = unpacked(folder, handler="plain.handler", agent=False)
    found = sorted(file.name for file in code.iterdir() if file.name != "__pycache__")  # it was compiled since
    assert found == ["greeting_of_tests-1.0-py3-none-any.whl", "plain.py"]
