"""Execution environments of the function on the embedded platform: cold starts, warm memory, forgetting.

An environment keeps the function's own modules as its last execution left them, as a warm start finds them on Lambda;
a new environment imports them again (S-111, S-112). Libraries are shared: importing boto3 again for each cold start
would change nothing that a handler can rely on.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from harness.agent.execution import Handler

_environ: Any = os.environ  # whose variables lie in a dict of bytes, which can be exchanged without a system call


class HandlerNotFound(Exception):
    """The function's handler string names no module or no function. Lambda calls this Runtime.ImportModuleError."""


class ExecutionEnvironment:
    """One sandbox, with variables and a current folder of its own.

    `handler` is None until its first execution has imported the code.
    """

    def __init__(self, number: int, variables: Mapping[str, str], folder: str) -> None:
        self.number = number
        self.variables = {_environ.encodekey(name): _environ.encodevalue(value) for name, value in variables.items()}
        self.folder = folder
        self.loop: asyncio.AbstractEventLoop | None = None  # that runs in it
        self.handler: Handler | None = None
        self.modules: dict[str, ModuleType] = {}


class Surroundings:
    """What belongs to a process, while several share this one: the environment variables, the current folder, and which
    event loop runs.

    A context. A function sees those of its environment and nothing of the shell that started the harness.
    """

    def __enter__(self) -> Surroundings:
        self._shown: ExecutionEnvironment | None = None
        self._variables = _environ._data
        self._folder = os.open(".", os.O_RDONLY)
        return self

    def __exit__(self, *_: Any) -> None:
        self.show(None)
        os.close(self._folder)

    def show(self, environment: ExecutionEnvironment | None) -> None:
        """Those of an environment; None: those that this process had."""
        if environment is self._shown:
            return
        if self._shown:
            self._shown.loop = asyncio._get_running_loop()
            with suppress(FileNotFoundError):  # a handler may remove the folder that it is in
                self._shown.folder = os.getcwd()
        _environ._data = environment.variables if environment else self._variables
        os.chdir(environment.folder if environment else self._folder)
        asyncio._set_running_loop(environment.loop if environment else None)
        self._shown = environment


class Code:
    """The function's unpacked package. `sys.modules` holds the modules of one environment at a time, the active one."""

    def __init__(self, root: Path, handler: str) -> None:
        self.root = str(root)
        self._module, _, self._function = handler.rpartition(".")
        self._active: ExecutionEnvironment | None = None

    def __enter__(self) -> Code:
        sys.path.insert(0, self.root)
        self._before = frozenset(sys.modules)
        return self

    def __exit__(self, *_: Any) -> None:
        self._put_away()
        sys.path.remove(self.root)

    def load(self, environment: ExecutionEnvironment) -> Handler:
        """Imports the handler into a new environment; raises what the user's module raises."""
        self._put_away()
        self._active = environment
        importlib.invalidate_caches()
        name = self._module.replace("/", ".")
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
            raise HandlerNotFound(f"Unable to import module '{self._module}': {error}") from None
        handler = getattr(module, self._function, None)
        if not callable(handler):
            raise HandlerNotFound(f"Handler '{self._function}' missing on module '{self._module}'")
        environment.handler = handler
        return environment.handler

    def place_of(self, frame: FrameType | None) -> str:
        """The innermost line of the function's own code in a stack, as in ` (at app.py:7)`; "" where there is none."""
        while frame:
            file = Path(frame.f_code.co_filename)
            if file.is_relative_to(self.root):
                return f" (at {file.relative_to(self.root)}:{frame.f_lineno})"
            frame = frame.f_back
        return ""

    def activate(self, environment: ExecutionEnvironment) -> None:
        """Puts this environment's modules into `sys.modules`, where its later imports find them."""
        if environment is not self._active:
            self._put_away()
            sys.modules.update(environment.modules)
            self._active = environment

    def _put_away(self) -> None:
        added = [name for name in sys.modules if name not in self._before]
        modules = {name: sys.modules[name] for name in added if self._in_package(sys.modules[name])}
        for name in modules:
            del sys.modules[name]
        if self._active:
            self._active.modules = modules
            self._active = None

    def _in_package(self, module: ModuleType) -> bool:
        file = getattr(module, "__file__", None)
        return isinstance(file, str) and file.startswith(self.root)
