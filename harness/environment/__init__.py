"""What runs inside an execution environment of the embedded platform: a function's process, in lockstep with the run.

It speaks the protocol of `conversation.py` with the run, which is in another process. Of the harness it imports the
agent alone. Start to read at `program.py`. Here is how the run's side starts the fork server (`server.py`).
"""

# What only the run needs is imported where it is used: the server must import this package before `threading`.
from __future__ import annotations

import atexit
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    import subprocess
    from pathlib import Path

_OF_LAMBDA = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3")
_channel: list[socket.socket] = []


def fork_server() -> socket.socket:
    """The channel to a fork server, which ends with this process and those that are forked from it: they share it.

    It does not wait for the server, which takes some time to begin: whoever will need it does well to call this early.
    """
    if not _channel:
        import socket
        import subprocess
        from pathlib import Path

        from harness.project import cache_folder

        channel, its_end = socket.socketpair()
        package = Path(__file__).parent
        command = [sys.executable, "-P", "-s", "-S", "-u", str(package / "server.py"), str(its_end.fileno())]
        command += [str(packages(*_OF_LAMBDA)), str(package.parents[1]), str(packages("time-machine"))]
        variables = {"PYTHONHASHSEED": "0", "LANG": "en_US.UTF-8", "PATH": os.defpath}
        variables["PYTHONPYCACHEPREFIX"] = str(cache_folder() / "compiled")
        with its_end:
            server = subprocess.Popen(command, env=variables, stdin=subprocess.DEVNULL, pass_fds=[its_end.fileno()])
        atexit.register(_end, os.getpid(), channel, server)
        _channel.append(channel)
    return _channel[0]


def _end(starter: int, channel: socket.socket, server: subprocess.Popen[bytes]) -> None:
    """Before the process that started a server ends, the server has, and all that it started."""
    if os.getpid() == starter:
        channel.close()
        server.wait()


def forget_server() -> None:
    """After it has ended: the next one who asks starts another."""
    _channel.clear()


def packages(*names: str) -> Path:
    """A folder that holds these packages, as they are installed here, and nothing else."""
    import hashlib
    import tempfile
    from contextlib import suppress
    from importlib.metadata import distribution
    from pathlib import Path

    from harness.project import cache_folder

    found = [distribution(name) for name in names]
    said = "\n".join(f"{each.locate_file('')} {each.version}" for each in found)
    folder = cache_folder() / "function-packages" / hashlib.sha256(said.encode()).hexdigest()[:16]
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            made = Path(scratch, "packages")
            made.mkdir()
            tops = {each.locate_file(file.parts[0]) for each in found for file in each.files or ()}
            for path in map(Path, map(str, tops)):
                if path.name not in ("..", "__pycache__") and path.exists():
                    (made / path.name).symlink_to(path)
            with suppress(OSError):  # another process has made it meanwhile
                made.rename(folder)
    return folder
