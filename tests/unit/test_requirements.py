"""What a function asks for beside boto3: packaged from this environment, and refused where that would not work."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.package import build, unpacked, zipped
from harness.requirements import RUNTIME, library_files

POWERTOOLS = Path(__file__).parents[2] / "lambda" / "powertools"
NAME = "aws-lambda-powertools"


def asking(folder: Path, text: str) -> Path:
    (folder / "app.py").write_text("def handler(event, context): ...\n")
    (folder / "requirements.txt").write_text(text)
    return folder


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("no-such-thing", "'no-such-thing' is not installed beside the harness"),
        ("# a comment\nno-such-thing", "requirements.txt:2: 'no-such-thing'"),
        ("aws-lambda-powertools==0.1", "is installed as"),
        ("aws-lambda-powertools>=3", "got 'aws-lambda-powertools>=3'; expected a name"),
        ("greenlet", "'greenlet' has compiled files, made for this machine"),
        ("pydantic", "'pydantic' needs more: 'pydantic-core' has compiled files"),
    ],
)
def test_what_cannot_be_packaged_is_refused(text: str, sentence: str, tmp_path: Path) -> None:
    """By line, with what to do about it."""
    with pytest.raises(UserError) as raised:
        build(asking(tmp_path, text), tmp_path / "package.zip")
    assert sentence in str(raised.value)


def test_a_library_comes_with_what_it_needs(tmp_path: Path) -> None:
    """And without what the runtime has, programs, compiled files, and what tells of this installation."""
    names = set(library_files(asking(tmp_path, f"{NAME}=={version(NAME)}  # its idempotency\nboto3\n")))
    tops = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"aws_lambda_powertools", "typing_extensions.py"}
    assert not [name for name in names if name.endswith((".pyc", "/RECORD", "/INSTALLER")) or ".." in name]


def test_without_the_file_nothing_comes_along(tmp_path: Path) -> None:
    """As for every handler that needs boto3 alone."""
    assert library_files(tmp_path) == {}


def test_libraries_are_in_the_zip_and_not_in_the_folder_that_is_run_here() -> None:
    """Here they are where they were packaged from, as boto3 is: a cold start imports the function's own files only."""
    code = unpacked(POWERTOOLS)
    with zipfile.ZipFile(zipped(POWERTOOLS)) as archive:
        assert "aws_lambda_powertools/__init__.py" in archive.namelist()
        assert "requirements.txt" not in archive.namelist()
    assert not (code / "aws_lambda_powertools").exists()
    assert (code / "powertools.py").is_file()


def test_the_zip_runs_where_only_the_runtime_is(tmp_path: Path) -> None:
    """The handler of the package can be imported with what is in the zip and what Lambda has."""
    with zipfile.ZipFile(zipped(POWERTOOLS)) as archive:
        archive.extractall(tmp_path / "code")
    (tmp_path / "runtime").mkdir()
    for name in [name.removeprefix("python-") for name in RUNTIME]:
        found = importlib.util.find_spec(name)
        assert found is not None
        assert found.origin is not None
        source = Path(found.origin).parent if found.submodule_search_locations else Path(found.origin)
        (tmp_path / "runtime" / source.name).symlink_to(source)
    program = (
        f"import sys, os; sys.path += {[str(tmp_path / 'code'), str(tmp_path / 'runtime')]!r}; "
        "os.environ.update(EFFECTS_TABLE='E', MARKERS_TABLE='M', AWS_DEFAULT_REGION='us-east-1'); "
        "import powertools; print(powertools.handler.__name__)"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-B", "-c", program], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("handler", "")
