"""Enacts what a fault decided inside a process: wait, die, hang or raise."""

from __future__ import annotations

from collections.abc import Iterable

from harness.agent.host import Host
from harness.faults.actions import Action, Crash, Delay, Hang, Raise


class InjectedError(Exception):
    """What the handler raises when a `function_error` fires."""


def enact(actions: Iterable[Action], host: Host) -> None:
    """In order; dying and raising end it. An action that belongs elsewhere is the harness's mistake."""
    for action in actions:
        match action:
            case Delay(seconds):
                host.sleep(seconds)
            case Crash():
                host.crash()
            case Hang():
                host.hang()
            case Raise(message):
                raise InjectedError(message)
            case _:
                raise TypeError(f"{action} cannot be enacted inside a process")
