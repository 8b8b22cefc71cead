"""Functions in JavaScript and TypeScript: which node runs them, what Lambda gives them, and what esbuild makes of them.

npm installs the AWS SDK that Lambda's runtime has, and esbuild, once, in the versions that are named here.
Sources: https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html and
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-cli-using-build-typescript.html
"""

# What installs and builds is imported where it is used: linting does neither.
from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from os.path import isdir, isfile  # false for a name that no file can have, where Path raises
from pathlib import Path
from typing import Any

from harness.errors import Problem, UserError, nearest, shown
from harness.pipeline.dependencies import is_inline
from harness.pipeline.stack import Bundle, Function, is_node, is_python
from harness.project import cache_folder

SDK = "3.840.0"
_CLIENTS = (
    *("cloudwatch", "dynamodb", "eventbridge", "kinesis", "lambda", "s3"),
    *("secrets-manager", "sfn", "sns", "sqs", "ssm", "sts"),
)
LAMBDA_PACKAGES = {
    **{f"@aws-sdk/client-{name}": SDK for name in _CLIENTS},
    **{name: SDK for name in ("@aws-sdk/lib-dynamodb", "@aws-sdk/lib-storage", "@aws-sdk/util-dynamodb")},
}
ESBUILD = {"esbuild": "0.28.2"}
JAVASCRIPT, TYPESCRIPT = (".js", ".mjs", ".cjs"), (".ts", ".mts", ".cts")
MAX_SECONDS = 600
_OLDEST = 18
_NEWEST = "nodejs22.x"
_MODULES = "node_modules"
_FROM_SDK = re.compile(r"""["'](?:@aws-sdk|@smithy)/""")
_MAX_SOURCE_BYTES = 4 << 20
_SYNTAX_ERROR = re.compile(r"^(?P<file>/.*):(?P<line>\d+)\n(?:.*\n)*?(?P<message>SyntaxError: .*)$", re.MULTILINE)
_ESBUILD_ERROR = re.compile(r"\[ERROR\] (?P<message>.*)\n\n +(?P<file>.+?):(?P<line>\d+):\d+:\n")
# Source: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/building-ts.html
_BUILD_OPTIONS = {
    **{"Alias": "alias", "Banner": "banner", "Conditions": "conditions", "Define": "define", "External": "external"},
    **{"Footer": "footer", "Format": "format", "KeepNames": "keep-names", "Loader": "loader"},
    **{
        "MainFields": "main-fields",
        "OutExtension": "out-extension",
        "PackagesExternal": "packages",
        "Splitting": "splitting",
    },
    **{"Target": "target", "TreeShaking": "tree-shaking", "Packages": "packages"},
}
_IGNORED_OPTIONS = ("EntryPoints", "Minify", "Sourcemap", "SourceMap", "SourcesContent", "UseNpmCi")
_JOINED = ("Conditions", "MainFields")  # lists that are one option
_DEFAULTS = {"Target": "es2022", "Format": "cjs", "MainFields": ["module", "main"]}


def runtime_of(handler: Path | None, runtime: str) -> str:
    """The template's runtime, unless it is that of another language than the handler's."""
    is_script = handler is not None and handler.suffix in (*TYPESCRIPT, *JAVASCRIPT)
    return _NEWEST if is_script and not is_node(runtime) else runtime


def missing_module(root: Path, entry: str, runtime: str, code: Any) -> str:
    """What is wrong with a handler whose file is not there, in Python or JavaScript; nothing is known of others.

    code: what the template says of it, unless the scenario names the file.
    """
    if is_python(runtime):
        module = root / entry.rpartition(".")[0].replace(".", "/")
        files, suffix = [module.parent / f"{module.name}.py", module / "__init__.py"], ".py"
    elif is_node(runtime):
        module = root / entry.rpartition("/")[0] / entry.rpartition("/")[2].partition(".")[0]
        files = [*(module.with_name(f"{module.name}{each}") for each in JAVASCRIPT), module / "index.js"]
        suffix = ".js"
    else:
        return ""
    if any(map(isfile, files)):
        return ""
    where = "the inline code" if is_inline(code) else str(root)[-300:]
    message = f"{shown(entry)} is not a handler in {where}: there is no {module.name[-60:]}{suffix}."
    if isfile(module.with_name(f"{module.name}.ts")):
        message += " There is a .ts of that name: `Metadata: {BuildMethod: esbuild}` has it built."
    message += " " + nearest(module.name, (file.stem for file in root.glob(f"*{suffix}")) if isdir(root) else ())
    if isinstance(code, dict) and "S3Key" in code:
        message += ". Where the code lies elsewhere on this machine, `pipeline.code` says so, or `try --code`"
    return message


def bundle_of(handler: Path | None, metadata: Any) -> Bundle | None:
    """What esbuild makes of a handler in TypeScript that a scenario names, or as the template's metadata say.

    They are SAM's: `{BuildMethod: esbuild, BuildProperties: {EntryPoints: [app.ts]}}`. A source map always comes with
    it, and names are kept, so that errors show the user's lines. Raises ValueError for properties that are wrong.
    """
    if handler is not None:
        return Bundle((handler.name,), _options({})) if handler.suffix in TYPESCRIPT else None
    if not isinstance(metadata, dict) or metadata.get("BuildMethod") != "esbuild":
        return None
    asked = metadata.get("BuildProperties") or {}
    entries = asked.get("EntryPoints") if isinstance(asked, dict) else None
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, str) for entry in entries):
        raise ValueError("needs EntryPoints, a list of files, as in {EntryPoints: [app.ts]}")
    return Bundle(tuple(entries), _options(asked))


def _options(properties: Mapping[str, Any]) -> tuple[str, ...]:
    """Those of esbuild's command line. Raises ValueError for a property that is not known."""
    options = ["--bundle", "--platform=node", "--sourcemap"]
    for name, value in {**_DEFAULTS, **properties}.items():
        if name in _IGNORED_OPTIONS:
            continue
        if name not in _BUILD_OPTIONS:
            raise ValueError(f"'{name}' is not a property of esbuild. {nearest(name, _BUILD_OPTIONS)}")
        option = f"--{_BUILD_OPTIONS[name]}"
        if isinstance(value, list) and name in _JOINED:
            options.append(f"{option}={','.join(map(str, value))}")
        elif isinstance(value, list):  # of names, or of assignments such as .js=.mjs
            options += [f"{option}:{each}" for each in value]
        elif value is True:
            options.append(option)
        elif value is not False:
            options.append(f"{option}={value}")
    return tuple(options)


@cache
def find_node() -> str:
    """The program. Raises UserError where there is none that is new enough."""
    import shutil
    import subprocess

    node = shutil.which("node")
    how = f"install Node.js {_OLDEST} or newer (`apt install nodejs npm`, `brew install node`, or from nodejs.org)"
    if node is None:
        raise UserError(f"a function in JavaScript or TypeScript needs `node`, and none is on the PATH: {how}")
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip()
    if int((re.match(r"v(\d+)", version) or ["", "0"])[1]) < _OLDEST:
        raise UserError(f"{node} is Node.js {version[1:]}, which is too old: {how}")
    return node


def node_folders(function: Function) -> list[Path]:
    """Where a function's modules lie: its code, and the node_modules of its packages and of Lambda's, if they are used.

    Raises UserError for what esbuild or npm cannot do.
    """
    find_node()
    if function.bundle is not None:
        code, outside = _bundled(function.root.resolve(), function.bundle)
        uses_sdk = any(name.startswith(("@aws-sdk/", "@smithy/")) for name in outside)
    else:
        code = function.root.resolve()
        uses_sdk = not (code / _MODULES / "@aws-sdk").is_dir() and any(map(_names_sdk, sources(code)))
    own = _own_packages(function.root.resolve())
    return [code, *own, *([npm_installed(LAMBDA_PACKAGES) / _MODULES] if uses_sdk else [])]


def code_folder(function: Function) -> Path:
    """What is deployed: the function's folder, or what esbuild makes of it. Raises UserError for what it cannot do."""
    if function.bundle is None:
        return function.root
    return _bundled(function.root.resolve(), function.bundle)[0]


def check_syntax(function: Function) -> None:
    """Raises UserError for a handler that node cannot read; esbuild has read one that is bundled."""
    if function.bundle is not None:
        return
    module = function.root / function.handler.rpartition("/")[0] / function.handler.rpartition("/")[2].partition(".")[0]
    for file in (module.with_name(f"{module.name}{suffix}") for suffix in JAVASCRIPT):
        if file.is_file() and (problem := _syntax_problem(file, file.stat().st_mtime_ns)):
            raise UserError([problem])


@cache
def _syntax_problem(file: Path, changed: int) -> Problem | None:
    """changed: when the file was, so that it is read again then."""
    import subprocess

    done = subprocess.run([find_node(), "--check", str(file.resolve())], capture_output=True, text=True)
    if not done.returncode:
        return None
    error = _SYNTAX_ERROR.search(done.stderr)
    line, message = (int(error["line"]), error["message"]) if error else (0, done.stderr.strip()[-300:])
    return Problem(message, file=str(file), line=line)


def sources(root: Path) -> Iterator[Path]:
    """The files of a function's folder that may be code, or say what is: its packages are left out."""
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name != _MODULES and not name.startswith(".")]
        yield from (Path(folder, name) for name in files if name.endswith((*JAVASCRIPT, *TYPESCRIPT, ".json")))


def _names_sdk(file: Path) -> bool:
    with file.open("rb") as content:
        return _FROM_SDK.search(content.read(_MAX_SOURCE_BYTES).decode("utf-8", "replace")) is not None


def npm_installed(packages: Mapping[str, str]) -> Path:
    """The folder in which npm has installed these versions, once. Raises UserError with npm's own words."""
    return _installed({"package.json": json.dumps({"private": True, "dependencies": packages})}, "install")


def _own_packages(root: Path) -> list[Path]:
    """The node_modules of what a function's package.json asks for, where nobody has installed it beside the code."""
    file, lock = root / "package.json", root / "package-lock.json"
    if (root / _MODULES).is_dir() or not file.is_file():
        return []
    try:
        asked = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise UserError([Problem(f"is not JSON: {error}", file=str(file))]) from None
    if not isinstance(asked, dict) or not asked.get("dependencies"):
        return []
    texts = {each.name: each.read_text("utf-8") for each in (file, lock) if each.is_file()}
    return [_installed(texts, "ci" if lock.name in texts else "install", "--omit=dev") / _MODULES]


def _installed(texts: Mapping[str, str], *command: str) -> Path:
    """The folder in which npm has installed what these files ask for, once; texts: their contents, by their names."""
    import hashlib
    import tempfile

    from filelock import FileLock

    said = json.dumps([sorted(texts.items()), command])
    folder = cache_folder() / "npm" / hashlib.sha256(said.encode()).hexdigest()[:16]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent.with_suffix(".lock")):
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(prefix=".new-", dir=folder.parent) as scratch:
                target = Path(scratch, "packages")
                target.mkdir()
                for name, text in texts.items():
                    (target / name).write_text(text, "utf-8")
                _run_npm(command, target, ", ".join(json.loads(texts["package.json"])["dependencies"]))
                target.rename(folder)
    return folder


def _run_npm(command: Sequence[str], folder: Path, names: str) -> None:
    import shutil
    import subprocess

    npm = shutil.which("npm")
    if npm is None:
        raise UserError(f"npm is needed, once, to install {names}: it comes with Node.js (nodejs.org), or as `npm`")
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    try:
        done = subprocess.run(
            [npm, *command, *options], cwd=folder, capture_output=True, text=True, timeout=MAX_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(f"npm has not installed {names} within {MAX_SECONDS} s") from error
    if done.returncode:
        words = " ".join(line.removeprefix("npm error ") for line in done.stderr.splitlines()[:5])
        raise UserError(f"npm cannot install {names}: {words}")


def _bundled(root: Path, bundle: Bundle) -> tuple[Path, list[str]]:
    """The folder of what esbuild makes of it, in the cache, and the packages that it leaves outside.

    It is made again when one of the files has changed of which it was made.
    """
    import hashlib

    from filelock import FileLock

    bundles = cache_folder() / "bundles"
    bundles.mkdir(parents=True, exist_ok=True)
    own = [str(folder) for folder in _own_packages(root)]
    said = json.dumps([str(root), bundle.entry_points, bundle.options, ESBUILD, own])
    record = bundles / f"{hashlib.sha256(said.encode()).hexdigest()[:16]}.json"
    with FileLock(bundles.with_suffix(".lock")):
        made: dict[str, Any] = json.loads(record.read_text("utf-8")) if record.is_file() else {}
        if not made or any(_state(file) != state for file, state in made["inputs"].items()):
            made = _build(root, bundle, bundles)
            record.write_text(json.dumps(made), "utf-8")
    return bundles / made["folder"], made["outside"]


def _state(file: str) -> list[int]:
    try:
        stat = Path(file).stat()
    except OSError:
        return []
    return [stat.st_mtime_ns, stat.st_size]


def _build(root: Path, bundle: Bundle, bundles: Path) -> dict[str, Any]:
    """Source maps are relative to the folder: it is made beside where it stays."""
    import hashlib
    import shutil
    import subprocess
    import tempfile

    program = npm_installed(ESBUILD) / _MODULES / "esbuild" / "bin" / "esbuild"
    scratch = Path(tempfile.mkdtemp(prefix=".new-", dir=bundles))
    meta = scratch / "meta.json"
    command = [find_node(), str(program), *bundle.entry_points, *bundle.options, f"--outdir={scratch}"]
    command += [f"--metafile={meta}", "--log-limit=5"]
    packages = [*_own_packages(root), npm_installed(LAMBDA_PACKAGES) / _MODULES]
    variables = {**os.environ, "NODE_PATH": os.pathsep.join(map(str, packages))}
    try:
        done = subprocess.run(command, cwd=root, env=variables, capture_output=True, text=True, timeout=MAX_SECONDS)
        if done.returncode:
            raise UserError(_esbuild_problems(root, done.stderr))
        told = json.loads(meta.read_text("utf-8"))
        meta.unlink()
        digest = hashlib.sha256(str(root).encode())
        for file in sorted(scratch.rglob("*")):
            digest.update(str(file.relative_to(scratch)).encode() + (file.read_bytes() if file.is_file() else b""))
        folder = bundles / digest.hexdigest()[:16]
        if not folder.is_dir():
            scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    inputs = [str((root / name).resolve()) for name in told["inputs"]]
    outputs = told["outputs"].values()
    outside = sorted({each["path"] for output in outputs for each in output["imports"] if each.get("external")})
    return {"folder": folder.name, "inputs": {name: _state(name) for name in inputs}, "outside": outside}


def _esbuild_problems(root: Path, words: str) -> list[Problem]:
    found = [
        Problem(f"esbuild: {each['message']}", file=str(root / each["file"].strip()), line=int(each["line"]))
        for each in _ESBUILD_ERROR.finditer(words)
    ]
    return found or [Problem(f"esbuild cannot build it: {' '.join(words.split())[:500]}", file=str(root))]
