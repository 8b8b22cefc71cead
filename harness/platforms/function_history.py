"""The functions' part of the history: they leave it in the control table, and it is merged into the run's."""

from __future__ import annotations

from botocore.exceptions import ClientError

from harness.agent.control import Control
from harness.history import History, Value
from harness.point import FUNCTION

NOT_FOUND = "ResourceNotFoundException"
_FIELDS = ("time", "process", "type", "f", "value", "error")


class FunctionHistory:
    """Each operation comes once, however often it is asked for, and stays when the platform loses its tables."""

    def __init__(self, control: Control, history: History) -> None:
        self._control = control
        self._history = history
        self._left: dict[str, Value] = {}
        self._merged: set[str] = set()
        self._names: dict[str, str] = {}  # of executions, in the order in which they began

    def read(self) -> list[Value]:
        """All that was left so far, each process's in its order."""
        try:
            found = self._control.history()
        except ClientError as error:
            if error.response["Error"]["Code"] != NOT_FOUND:
                raise
            found = {}
        for id in sorted(found.keys() - self._left.keys(), key=lambda id: (found[id]["time"], id)):
            self._left[id] = self._named(found[id])
        return [self._left[id] for id in sorted(self._left)]

    def merge(self) -> None:
        """Puts what is new since the last time into the run's history."""
        self.read()
        late = [self._left[id] for id in sorted(self._left) if id not in self._merged]
        self._merged.update(self._left)
        self._history.merge(tuple(operation[name] for name in _FIELDS) for operation in late)

    def _named(self, operation: Value) -> Value:
        """A function's environment can't know how many executions there were in others: it numbers its own only."""
        named = {**operation, "process": self._name(operation["process"])}
        if "process" in operation["value"]:
            named["value"] = {**operation["value"], "process": self._name(operation["value"]["process"])}
        return named

    def _name(self, process: str) -> str:
        if not process.startswith(f"{FUNCTION}/"):
            return process
        return self._names.setdefault(process, f"{FUNCTION}/{len(self._names) + 1}")
