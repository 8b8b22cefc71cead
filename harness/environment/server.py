"""The fork server of the embedded platform: each function's process is a copy of this one (see copies.py).

    python -P -s -S -u server.py <channel> <folder of Lambda's packages> <folders of the harness and of time-machine>

It owns time from its first import on, so that what its copies have imported knows no other clock. And it keeps them
alone: no network, no other process, a /tmp of their own, and code that they cannot change. Where the system allows it,
a process gets Linux namespaces: an empty network, and mounts of its own. Python's audit events are watched everywhere,
so that what leads out is refused in a sentence with the handler's line.
Source: https://docs.python.org/3/library/audit_events.html
"""

from __future__ import annotations

import sys
import time

sys.path += sys.argv[3:5]
from harness.environment import tasks
from harness.environment.copies import ForkServer, Order  # it waits in real time
from harness.environment.determinism import VirtualClock, replaced

CLOCK = VirtualClock(tasks.TASKS.sleep)
_kept = [replaced(time, **CLOCK.monotonic())]  # for good; it comes before the first import of threading
_kept[0].__enter__()
tasks.install()
_kept.append(CLOCK.wall())
_kept[1].__enter__()
# time-machine stays loaded: its clocks look for it at each reading, and show the real time where they don't find it.
for _name in [name for name in sys.modules if name.partition(".")[0].lstrip("_") == "time_machine"]:
    sys.modules[_name].__spec__ = False  # type: ignore[assignment]  # no function has asked for it: importlib finds none

import _posixsubprocess  # noqa: E402
import ctypes  # noqa: E402
import faulthandler  # noqa: E402
import gc  # noqa: E402
import importlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import resource  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402
from collections.abc import Callable, Iterable, Sequence  # noqa: E402
from contextlib import suppress  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any, NoReturn  # noqa: E402

from harness.environment.conversation import Conversation  # noqa: E402

_NEW_NETWORK, _NEW_MOUNTS, _NEW_USER = 0x40000000, 0x00020000, 0x10000000  # linux/sched.h
_READ_ONLY, _REMOUNT, _BIND, _MOVE, _RECURSIVE, _PRIVATE = 1, 32, 4096, 8192, 16384, 1 << 18  # linux/mount.h
_TMP, _MACHINE = Path("/tmp"), ("cpuinfo", "meminfo", "stat")
_TMP_OPTIONS = b"size=512m,mode=1777"  # Lambda's ephemeral storage, unless a function asks for more
_ONLY_AWS = "only AWS calls and the stack's endpoints are imitated"
_ONE_PROCESS = "a function has one process on the embedded platform; LocalStack plays it"
_PROCESSES = ("os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.exec", "os.system", "pty.spawn")
_OF_THE_C_LIBRARY = frozenset(
    [
        "clone",
        "clone3",
        "connect",
        "execv",
        "execve",
        "fork",
        "kill",
        "posix_spawn",
        "sendto",
        "syscall",
        "system",
        "vfork",
    ]
)
_ENDS_THE_RUN = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # when they are sent to its whole group
_MEMORY_BESIDE = 256  # MB, of Python and what is imported here
_OPTIONS = ("-P", "-s", "-S", "-u")
_ORDER = "HARNESS_ORDER"  # of a process that is begun anew
# A call of each service that the platform serves, which needs no parameters.
_CALLS = {
    **{"dynamodb": "list_tables", "kinesis": "list_streams", "s3": "list_buckets"},
    **{"sns": "list_topics", "sqs": "list_queues"},
}
NODE_PROGRAM = Path(__file__).parent / "node" / "program.cjs"
_warm: set[str] = set()


def warm(order: Order) -> None:
    """Reads the models of the services that a function is likely to use, and loads what a call needs: the slowest parts
    of a client and of its first call."""
    import boto3

    for service in order["services"]:
        if service not in _warm:
            _warm.add(service)
            client = boto3.client(service)
            with suppress(Exception):  # the answer is none of this service; that it was read is all that counts
                getattr(client, _CALLS[service])()
            if service in boto3.DEFAULT_SESSION.get_available_resources():
                boto3.resource(service)


def prepare() -> Any:
    """Imports what functions import, and puts the wire into botocore. Returns the wire."""
    import boto3
    import boto3.dynamodb.conditions
    from botocore import UNSIGNED
    from botocore.config import Config
    from botocore.handlers import BUILTIN_HANDLERS

    from harness.agent.http import lines  # noqa: F401  # while it can be found
    from harness.agent.wire import note_timeouts
    from harness.environment.program import (
        FunctionProgram,  # noqa: F401
        RemoteWire,
    )

    wire = RemoteWire()
    BUILTIN_HANDLERS.extend((("request-created", note_timeouts), ("before-send", wire)))
    boto3.setup_default_session(aws_access_key_id="embedded", aws_secret_access_key="embedded", region_name="us-east-1")
    # Nobody checks a signature, and making one is a third of the cost of a call.
    boto3.DEFAULT_SESSION._session.set_default_client_config(Config(user_agent="harness", signature_version=UNSIGNED))
    return wire


def watch(refuse: Callable[[str], Any]) -> None:
    """Has every way out refused, for good. `refuse` gets what was tried, and why it cannot be."""
    own = os.getpid()

    def check(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            refuse(f"a connection to {arguments[1]}: {_ONLY_AWS}")
        elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
            refuse(f"a look-up of {arguments[0]}: {_ONLY_AWS}")
        elif event == "subprocess.Popen":
            refuse(f"another process, {arguments[0]}: {_ONE_PROCESS}")
        elif event in _PROCESSES:
            refuse(f"another process by {event}: {_ONE_PROCESS}")
        elif event == "ctypes.dlsym" and arguments[1] in _OF_THE_C_LIBRARY:
            refuse(f"{arguments[1]} of the C library: {_ONE_PROCESS}")
        elif event == "os.killpg" or (event == "os.kill" and arguments[0] != own):
            refuse(f"a signal to the process {arguments[0]}: {_ONE_PROCESS}")

    sys.addaudithook(check)
    # multiprocessing starts processes by it, and no audit event tells.
    _posixsubprocess.fork_exec = lambda *_: refuse(f"another process: {_ONE_PROCESS}")


def separate() -> bool:
    """Gives this process, and what it forks, an empty network and mounts of its own. Returns whether that went."""
    libc = _libc()
    if libc is None:
        return False
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_NEW_NETWORK | _NEW_MOUNTS) != 0:
        if libc.unshare(_NEW_USER | _NEW_NETWORK | _NEW_MOUNTS) != 0:
            return False
        for file, content in (
            ("uid_map", f"{user} {user} 1"),
            ("setgroups", "deny"),
            ("gid_map", f"{group} {group} 1"),
        ):
            Path("/proc/self", file).write_text(content)
    return bool(libc.mount(None, b"/", None, _RECURSIVE | _PRIVATE, None) == 0)


def own_mounts(code: Path, kept: Iterable[Path], home: Path) -> None:
    """A new /tmp, nothing of the user's home folder and of other processes, and code that is read-only.

    kept: folders that the process needs, wherever they are.
    """
    libc = _libc()
    if libc is None or libc.unshare(_NEW_MOUNTS) != 0:
        return
    needed = sorted({path for path in kept if path.is_dir()})
    for hidden in (home, _TMP):
        if not any(hidden.is_relative_to(path) for path in needed):
            _cover(libc, hidden, [path for path in needed if path.is_relative_to(hidden)])
    _hide_processes(libc)
    if libc.mount(bytes(code), bytes(code), None, _BIND, None) == 0:
        libc.mount(None, bytes(code), None, _BIND | _REMOUNT | _READ_ONLY, None)


def _cover(libc: Any, folder: Path, shown: Sequence[Path]) -> None:
    """Puts an empty folder over this one, in which of the old one only these folders are shown."""
    outermost = [path for path in shown if not any(other in path.parents for other in shown)]
    descriptors = [os.open(path, os.O_PATH) for path in outermost]
    if libc.mount(b"tmpfs", bytes(folder), b"tmpfs", 0, _TMP_OPTIONS) == 0:
        for path, descriptor in zip(outermost, descriptors, strict=True):
            path.mkdir(parents=True)
            libc.mount(f"/proc/self/fd/{descriptor}".encode(), bytes(path), None, _BIND | _RECURSIVE, None)
    for descriptor in descriptors:
        os.close(descriptor)


def _hide_processes(libc: Any) -> None:
    """/proc holds this process alone: the variables of others, the user's shell among them, are read there."""
    own, built = str(os.getpid()), _TMP / ".proc"
    built.mkdir(exist_ok=True)
    if libc.mount(b"tmpfs", bytes(built), b"tmpfs", 0, b"size=1m") == 0:
        (built / own).mkdir()
        for name in _MACHINE:
            (built / name).touch()
        for name in (own, *_MACHINE):
            libc.mount(f"/proc/{name}".encode(), bytes(built / name), None, _BIND | _RECURSIVE, None)
        (built / "self").symlink_to(own)
        libc.mount(bytes(built), b"/proc", None, _MOVE, None)
    built.rmdir()


def bound_memory(megabytes: int) -> None:
    """What is asked for beyond is a MemoryError."""
    resource.setrlimit(resource.RLIMIT_DATA, (megabytes << 20, megabytes << 20))


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def brings_its_own(order: Order, loaded: set[str]) -> bool:
    """Whether a function has a module of its own under a name that is loaded here already, or is another Python."""
    own = {entry.name.partition(".")[0] for folder in order["folders"] for entry in os.scandir(folder)}
    return bool(loaded & own) or any(name.startswith("PYTHON") for name in order["variables"])


def begin_anew(order: Order, talk: int, arguments: list[str]) -> None:
    """This process becomes one that has imported nothing yet."""
    os.set_inheritable(talk, True)
    python = {name: value for name, value in order["variables"].items() if name.startswith("PYTHON")}
    variables = {**os.environ, **python, _ORDER: json.dumps(order)}
    os.execve(sys.executable, [sys.executable, *_OPTIONS, __file__, str(talk), *arguments], variables)


def node_needs(order: Order) -> list[str]:
    """The folders of this machine without which no node runs: its own, and that of its program."""
    return [str(NODE_PROGRAM.parent), str(Path(order["node"]).resolve().parents[1])]


def become_node(order: Order, talk: socket.socket) -> NoReturn:
    """Makes this process a node, which goes on with the conversation."""
    descriptor = talk.detach()
    os.set_inheritable(descriptor, True)
    told = {name: order[name] for name in ("handler", "folders", "sources", "endpoints")}
    variables = {
        **order["variables"],
        "NODE_PATH": os.pathsep.join(order["folders"][1:]),
        "UV_THREADPOOL_SIZE": "1",  # what threads do ends in the order in which it began
        "UV_USE_IO_URING": "0",
        "HARNESS_ENVIRONMENT": json.dumps({**told, "descriptor": descriptor}),
    }
    options = [f"--max-old-space-size={order['memory']}", "--expose-internals"]
    os.execve(order["node"], [order["node"], *options, str(NODE_PROGRAM)], variables)


def run_function(order: Order, talk: socket.socket, wire: Any, kept: list[str] | None) -> None:
    """Makes this process that of the function, and serves its run until that ends it.

    kept: the folders that every function needs of this machine; None where it cannot have mounts of its own.
    """
    from harness.agent.http import lines
    from harness.environment.program import FunctionProgram, Settings

    settings = Settings(order["variables"], tuple(order["folders"]), order["handler"], order["covered"])
    if kept is not None:
        needed = [*kept, *settings.folders, *order["sources"], *(node_needs(order) if order["node"] else ())]
        own_mounts(Path(settings.folders[0]), [Path(path) for path in needed], Path(order["home"]))
    if order["node"]:
        os.chdir(settings.folders[0])
        become_node(order, talk)
    os.environ.clear()
    os.environ.update(settings.variables)
    time.tzset()
    os.chdir(settings.folders[0])
    sys.path[:0] = settings.folders
    sys.argv[:] = [""]
    importlib.invalidate_caches()
    for number in _ENDS_THE_RUN[1:]:
        signal.signal(number, signal.SIG_DFL)
    faulthandler.register(signal.SIGUSR1, all_threads=True)  # the run asks where a process is that says nothing
    bound_memory(order["memory"] + _MEMORY_BESIDE)
    program = FunctionProgram(settings, Conversation(talk), wire, CLOCK)
    watch(program.refuse)
    _kept.append(lines(wire, order["endpoints"]))
    _kept[-1].__enter__()
    program.serve()


def main(descriptor: int, packages: str, home: str, clock: str) -> None:
    for number in _ENDS_THE_RUN:  # which ends its functions itself, and this server
        signal.signal(number, signal.SIG_IGN)
    order = json.loads(os.environ.pop(_ORDER, "null"))
    own = order["folders"] if order else []
    sys.path[:] = [*own, *(path for path in sys.path if path not in (home, clock)), packages, home]
    separated = order is not None or separate()
    linked = str(Path(packages, "boto3").resolve().parent)
    kept = [sys.prefix, sys.base_prefix, *sys.path, linked] if separated else None
    wire = prepare()
    sys.path[:] = sys.path[len(own) : -1]
    talk = descriptor
    if order is None:
        warm({"services": ["dynamodb"]})
        loaded = {name.partition(".")[0] for name in sys.modules}
        gc.freeze()
        order, (talk,) = ForkServer(socket.socket(fileno=descriptor), own_group=False, before=warm).serve()
        if not order["node"] and brings_its_own(order, loaded):
            begin_anew(order, talk, [packages, home, clock])
    run_function(order, socket.socket(fileno=talk), wire, kept)


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
