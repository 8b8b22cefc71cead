"""The functions' part of the history: they leave it in the control table, and it is merged into the run's."""

from __future__ import annotations

from botocore.exceptions import ClientError

from harness.agent.control import Control
from harness.history import History, Value

NOT_FOUND = "ResourceNotFoundException"
_FIELDS = ("time", "process", "type", "f", "value", "error")


class FunctionHistory:
    """Each operation comes once, however often it is asked for, and stays when the platform loses its tables."""

    def __init__(self, control: Control, history: History) -> None:
        self._control = control
        self._history = history
        self._left: dict[str, Value] = {}
        self._merged: set[str] = set()

    def read(self) -> list[Value]:
        """All that was left so far, each process's in its order."""
        try:
            self._left |= self._control.history()
        except ClientError as error:
            if error.response["Error"]["Code"] != NOT_FOUND:
                raise
        return [self._left[id] for id in sorted(self._left)]

    def merge(self) -> None:
        """Puts what is new since the last time into the run's history."""
        self.read()
        late = [self._left[id] for id in sorted(self._left) if id not in self._merged]
        self._merged.update(self._left)
        self._history.merge(tuple(operation[name] for name in _FIELDS) for operation in late)
