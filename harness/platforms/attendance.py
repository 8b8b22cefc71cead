"""Disruptions on a platform in real time: a writer asks for them, the harness's own thread does them.

So nothing that the harness itself asks of the platform is under way while that is frozen, killed or changed.
"""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass, field

from harness.disruptions import Disruptions
from harness.faults.actions import Disrupt

BEGIN_SECONDS = 120.0  # how long a writer waits for it to begin


@dataclass(eq=False)
class _Request:
    action: Disrupt
    begun: threading.Event = field(default_factory=threading.Event)


class DisruptionQueue:
    """One thread calls `carry_out` again and again; any other may call `request`."""

    def __init__(self, disruptions: Disruptions) -> None:
        self._disruptions = disruptions
        self._requests: queue.SimpleQueue[_Request] = queue.SimpleQueue()
        self._due: list[tuple[float, Disrupt]] = []
        self._healed = False

    def request(self, action: Disrupt) -> None:
        """Returns once it has begun, or could not be done."""
        request = _Request(action)
        self._requests.put(request)
        request.begun.wait(BEGIN_SECONDS)

    def carry_out(self) -> list[str]:
        """Ends what is due and begins what was requested; returns the words of what is in force then."""
        for due in [due for due in self._due if due[0] <= time.monotonic()]:
            self._due.remove(due)
            self._disruptions.end(due[1])
        while not self._requests.empty():
            request = self._requests.get()
            if not self._healed and self._disruptions.begin(request.action) and request.action.seconds is not None:
                self._due.append((time.monotonic() + request.action.seconds, request.action))
            request.begun.set()
        return [action.what for action in self._disruptions.in_force]

    def heal(self) -> None:
        """Nothing more begins, and everything is put right."""
        self._healed = True
        self._due.clear()
        self._disruptions.heal()
        self.carry_out()
