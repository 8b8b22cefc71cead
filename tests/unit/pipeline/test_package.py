"""The zip that is deployed: the same bytes for the same files, and an agent that runs where only boto3 is there."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.pipeline.package import build, unpacked

ROOT = Path(__file__).parents[3]
LEDGER = ROOT / "lambda" / "ledger"
# What the runtime of a Python function has besides the standard library: boto3 and what it needs.
RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "code"
    (root / "library").mkdir(parents=True)
    (root / "app.py").write_text("def handler(event, context): ...\n")
    (root / "library" / "data.json").write_text("{}")
    return root


def own(names: dict[str, int]) -> list[str]:
    return [name for name in names if not name.startswith("harness/")]


def test_the_same_files_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """Neither time nor who may read them nor the order in which files were made are in the zip."""
    first = build(folder, tmp_path / "first.zip")
    (folder / "app.py").rename(tmp_path / "app.py")
    (folder / "app.py").write_bytes((tmp_path / "app.py").read_bytes())
    (folder / "app.py").chmod(0o600)
    os.utime(folder / "app.py", (0, 0))
    second = build(folder, tmp_path / "second.zip")
    assert second.sha256 == first.sha256
    assert second.path.read_bytes() == first.path.read_bytes()


def test_other_files_give_other_bytes(folder: Path, tmp_path: Path) -> None:
    """A change in one file is another package."""
    first = build(folder, tmp_path / "first.zip")
    (folder / "app.py").write_text("def handler(event, context): return 1\n")
    assert build(folder, tmp_path / "second.zip").sha256 != first.sha256


def test_what_is_no_code_is_left_out(folder: Path, tmp_path: Path) -> None:
    """Compiled and hidden files, templates, runs and the zip itself are not packaged; libraries and data are."""
    strangers = ("__pycache__/app.pyc", "library/old.pyc", ".env", ".venv/lib.py", "runs/crash/run.json")
    for name in (*strangers, "template.yaml", "template.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    package = build(folder, folder / "package.zip")
    assert own(package.files) == ["app.py", "library/data.json"]
    assert build(folder, folder / "package.zip") == package
    assert package.files["library/data.json"] == 2


def test_files_can_be_read_by_the_runtime(folder: Path, tmp_path: Path) -> None:
    """Every entry is a plain file that everybody may read: Lambda runs the code as another user."""
    package = build(folder, tmp_path / "package.zip")
    with zipfile.ZipFile(package.path) as archive:
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o100644}
        assert archive.namelist() == sorted(archive.namelist())


def test_a_program_can_be_run_by_the_runtime(folder: Path, tmp_path: Path) -> None:
    """As `bootstrap` is, by which a function brings its own runtime; whoever may run it here."""
    (folder / "bootstrap").write_text("#!/bin/sh")
    (folder / "bootstrap").chmod(0o700)
    with zipfile.ZipFile(build(folder, tmp_path / "package.zip").path) as archive:
        assert archive.getinfo("bootstrap").external_attr >> 16 == 0o100755


def test_a_folder_that_cannot_be_packaged_is_refused(folder: Path, tmp_path: Path) -> None:
    """The error names the folder that is not there, or the name that the agent needs."""
    with pytest.raises(UserError, match="absent: is not a folder"):
        build(tmp_path / "absent", tmp_path / "package.zip")
    (folder / "harness").mkdir()
    with pytest.raises(UserError, match="harness: its name is taken"):
        build(folder, tmp_path / "package.zip")


def test_what_a_killed_process_left_is_removed(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one that packages finds the scratch folder, and takes it away with its own."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    left = tmp_path / "packages" / ".new-left"
    left.mkdir(parents=True)
    (left / "package.zip").touch()
    code = unpacked(folder)
    assert sorted((tmp_path / "packages").iterdir()) == [code, code.with_suffix(".zip")]


def test_what_is_unpacked_is_compiled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where Python is told to write no bytecode: each cold start imports it. The zip has none of it."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (folder / "broken.py").write_text("def")
    code = unpacked(folder)
    assert {file.name.partition(".")[0] for file in code.glob("__pycache__/*.pyc")} == {"app"}
    with zipfile.ZipFile(code.with_suffix(".zip")) as archive:
        assert not [name for name in archive.namelist() if "__pycache__" in name]


def test_unpacking_twice_gives_one_folder(folder: Path) -> None:
    """As long as the files are the same, so is the folder; what is in it is what Lambda would find."""
    code = unpacked(folder)
    assert code == unpacked(folder)
    assert (code / "app.py").read_bytes() == (folder / "app.py").read_bytes()
    (folder / "app.py").write_text("handler = print\n")
    assert unpacked(folder) != code


def test_only_what_the_handler_imports_is_packaged(folder: Path, tmp_path: Path) -> None:
    """Code that nothing imports is left out and named, with the data in its folders; other data stays."""
    for name, text in {
        "app.py": "import used\n",
        "used/__init__.py": "from . import inner\n",
        "used/inner.py": "",
        "used/rates.json": "{}",
        "other.py": "",
        "tests/test_app.py": "import app\n",
        "tests/data/event.json": "{}",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    package = build(folder, tmp_path / "package.zip", handler="app.handler", agent=False)
    assert list(package.files) == [
        "app.py",
        "library/data.json",
        "used/__init__.py",
        "used/inner.py",
        "used/rates.json",
    ]
    assert package.left_out == ("other.py", "tests/data/event.json", "tests/test_app.py")
    whole = build(folder, tmp_path / "whole.zip")
    assert {*package.files, *package.left_out} == set(own(whole.files))


def test_where_nobody_can_tell_everything_is_packaged(folder: Path, tmp_path: Path) -> None:
    """A module that imports by a name of its own making may import anything."""
    (folder / "app.py").write_text("import importlib, os\nimportlib.import_module(os.environ['NAME'])\n")
    (folder / "other.py").write_text("")
    package = build(folder, tmp_path / "package.zip", handler="app.handler")
    assert own(package.files) == ["app.py", "library/data.json", "other.py"]
    assert package.left_out == ()


@pytest.mark.parametrize("handler", sorted(file.stem for file in LEDGER.glob("*.py") if file.stem != "effects"))
def test_a_shipped_handler_is_packaged_without_the_others(handler: str, tmp_path: Path) -> None:
    """Its own file and what it shares with them."""
    package = build(LEDGER, tmp_path / "package.zip", handler=f"{handler}.handler", agent=False)
    assert f"{handler}.py" in package.files
    assert set(package.files) - {f"{handler}.py"} <= {"effects.py", "idempotent.py", "poison.py"}
    assert len(package.left_out) > len(package.files)


@pytest.mark.parametrize("root", [LEDGER, ROOT / "tests" / "mutants"], ids=["ledger", "mutants"])
def test_the_handlers_are_packaged_with_what_they_share(root: Path, tmp_path: Path) -> None:
    """A link to a file is packaged as the file."""
    package = build(root, tmp_path / "package.zip")
    with zipfile.ZipFile(package.path) as archive:
        assert archive.read("effects.py") == (LEDGER / "effects.py").read_bytes()


def test_the_agent_imports_nothing_that_is_not_packaged() -> None:
    """The packaged part of the harness imports itself, what Lambda's runtime has, and the standard library."""
    code = unpacked(LEDGER)
    files = sorted((code / "harness").rglob("*.py"))
    packaged = {file.relative_to(code).with_suffix("").as_posix().replace("/", ".") for file in files}
    packaged |= {name.removesuffix(".__init__") for name in packaged}
    assert {"harness.agent", "harness.faults.function", "harness.faults.actions"} <= packaged
    foreign = {
        (file.relative_to(code).as_posix(), module)
        for file in files
        for module in imported(file)
        if module.partition(".")[0] not in {*sys.stdlib_module_names, "awslambdaric", "boto3", "botocore"}
        and module not in packaged
    }
    assert foreign == set()


def imported(file: Path) -> set[str]:
    """Modules that a file imports, at its head or anywhere else; `from a import b` is a, or a.b if that is a module."""
    modules = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            modules |= {name for name in inner if (ROOT / name.replace(".", "/")).with_suffix(".py").is_file()}
            modules.add(node.module)
    return modules


def test_the_agent_runs_where_only_the_runtime_is_there(tmp_path: Path) -> None:
    """Each module of the agent can be imported from the package, without the harness or its dependencies.

    The entry is left to the tests on LocalStack: to import it is to start a function, which asks the account.
    """
    code = unpacked(LEDGER)
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    for name in RUNTIME:
        found = importlib.util.find_spec(name)
        assert found is not None
        assert found.origin is not None
        source = Path(found.origin).parent if found.submodule_search_locations else Path(found.origin)
        (runtime / source.name).symlink_to(source)
    files = sorted((code / "harness" / "agent").rglob("*.py"))
    modules = [f"harness.agent.{file.stem}" for file in files if file.stem not in ("__init__", "entry")]
    program = (
        f"import sys; sys.path += {[str(code), str(runtime)]!r}; import {', '.join(modules)}; print(harness.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert Path(done.stdout.strip()) == code / "harness" / "__init__.py"


def test_the_package_is_imported_without_unix_file_locks() -> None:
    """Importing the runner, the command line and what packages functions needs no fcntl, which only Unix has."""
    code = "import sys; sys.modules['fcntl'] = None; import harness.cli, harness.localstack, harness.runner"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("outside", ["secret.txt", "shared"])
def test_a_link_out_of_the_folder_is_refused(outside: str, folder: Path, tmp_path: Path) -> None:
    """Whoever gets the zip would get what is there. A link within the folder is a file like any other."""
    (tmp_path / "secret.txt").write_text("key")
    (tmp_path / "shared").mkdir()
    (folder / "again.json").symlink_to("library/data.json")
    assert "again.json" in build(folder, tmp_path / "first.zip").files
    (folder / "link").symlink_to(f"../{outside}")
    sentence = f"{folder}/link: links to {tmp_path}/{outside}, out of the code folder {folder}: put a copy there"
    with pytest.raises(UserError, match=re.escape(sentence)):
        build(folder, tmp_path / "second.zip")
