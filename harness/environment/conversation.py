"""The conversation between a run and a function's process. Exactly one side runs: the other one waits for a message.

Each message is its length (4 bytes, big-endian) and JSON in UTF-8. Bytes are text of the same code points (Latin-1).
Times are microseconds since the run began.

    run                                              function's process
                                                ◄─   {begun: its id}
    {order: import | invoke, now, chance, …}    ─►   runs until all its threads wait
                                                ◄─   {asks: […], wake: time or null}
    {now, replies: […]}                         ─►   runs again, as often as it has to wait
                                                ◄─   {asks: […], end: {…}}

An order to invoke carries `event`, and `context`: the arguments of LambdaContext. `chance` is the seed of all that is
random until the next order. Of an ask see Ask, and of a reply Response. `wake` is when the process goes on although no
reply has come. An end is {imported: true}, {answer: the handler's answer, as JSON text}, {unwritable: why that has no
JSON}, {failed: {type, message, described, trace}}, or {exits: how the process would end}. With `last`, the process ends
after it. `given_up` beside asks: the numbers of those whose replies it does not wait for any more. Any message may
carry `arcs`, which the files of the function have run: see Coverage. {debugged: true} says that a person looks into the
process, who takes his time. {refused: what, place: line} ends the run; nothing follows it. {where: number of an ask} is
answered by {place: line}.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any, NamedTuple

_LENGTH = struct.Struct(">I")
_PIECE = 64 * 1024
MAX_BYTES = 64 * 1024 * 1024  # of a message: a function's answer is 6 MB at most, a call of AWS 16 MB


class Ask(NamedTuple):
    """A request to an AWS service or, as service `http`, to an endpoint. The body is whole, and without an encoding.

    connect, read: seconds after which the client gives up; None: never.
    """

    number: int
    service: str
    operation: str
    method: str
    url: str
    headers: dict[str, str]
    body: str
    connect: float | None
    read: float | None


class Response(NamedTuple):
    """What came of an ask: `error` is "" for a response, else the name of an exception of botocore's."""

    number: int
    error: str
    status: int
    headers: dict[str, str]
    body: str


class Broken(Exception):
    """What came is no message of this protocol."""


class Conversation:
    """One end of it. `receive` returns None when the other end is gone."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._unread = bytearray()

    def fileno(self) -> int:
        return self._line.fileno()

    def send(self, message: dict[str, Any]) -> None:
        content = json.dumps(message).encode()
        self._line.sendall(_LENGTH.pack(len(content)) + content)

    def receive(self) -> dict[str, Any] | None:
        """Raises Broken."""
        length = self._exactly(_LENGTH.size)
        if length is None:
            return None
        (size,) = _LENGTH.unpack(length)
        if size > MAX_BYTES:
            raise Broken(f"a message of {size} bytes; {MAX_BYTES} are the most")
        content = self._exactly(size)
        if content is None:
            return None
        try:
            message = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise Broken(f"a message that is no JSON: {error}") from None
        if not isinstance(message, dict):
            raise Broken("a message that is no object")
        return message

    def close(self) -> None:
        self._line.close()

    def _exactly(self, size: int) -> bytes | None:
        while len(self._unread) < size:
            try:
                piece = self._line.recv(_PIECE)
            except ConnectionResetError:
                return None
            if not piece:
                return None
            self._unread += piece
        content = bytes(self._unread[:size])
        del self._unread[:size]
        return content
