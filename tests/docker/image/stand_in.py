"""The stand-in for LocalStack's own image: the same LocalStack, made of Debian and PyPI packages alone.

It differs from the original in two ways: functions are processes in the container itself, for there is no image of a
Lambda runtime either, and it has only what the harness's scenarios use. It is a test fixture, nothing for users.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from threading import Thread
from typing import IO

import docker
from engine import Missing
from image.parts import PYTHON, Parts

from harness.localstack import native
from harness.localstack.install import Installation

REPOSITORY = "harness-stand-in"
FUNCTION_PACKAGES, DYNAMODB_LOCAL, JAVA = "opt/function-packages", "opt/dynamodb-local", "opt/java"
SITE_PACKAGES = f"usr/local/lib/{PYTHON}/dist-packages"
ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "LAMBDA_RUNTIME_EXECUTOR": "process",
    "HARNESS_FUNCTION_PACKAGES": f"/{FUNCTION_PACKAGES}",
    "SKIP_SSL_CERT_DOWNLOAD": "1",
    "DNS_ADDRESS": "0",
}
CHANGES = [
    *(f"ENV {name}={value}" for name, value in ENVIRONMENT.items()),
    "EXPOSE 4566",
    f"ENTRYPOINT {json.dumps([PYTHON, '-m', 'localstack.runtime.main'])}",
]
# A fifth of all the files, and nothing that LocalStack reads.
LEFT_OUT = tuple(f"./{SITE_PACKAGES}/{name}" for name in ("awscli/examples/", "pip/"))
IMPORT_SECONDS = 240


def stand_in(parts: Parts, installation: Installation) -> str:
    """The image's name in the engine, where it is made unless it is there. Raises Missing."""
    if not _site_packages(installation).exists():
        raise Missing(f"the stand-in image has {PYTHON}, and LocalStack is installed here for another Python")
    sources = [Path(__file__), Path(native.__file__), *sorted(native.EXECUTOR.glob("*.*"))]
    names = f"{parts.folder.name} {installation.folder.name}".encode()
    tag = hashlib.sha256(names + b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
    with closing(docker.from_env(timeout=IMPORT_SECONDS)) as client:
        if not client.images.list(f"{REPOSITORY}:{tag}"):
            _import(client, tag, parts, installation)
        client.images.get(f"{REPOSITORY}:{tag}")  # the engine's answer may hold an error and say that all is well
    return f"{REPOSITORY}:{tag}"


def _import(client: docker.DockerClient, tag: str, parts: Parts, installation: Installation) -> None:
    """Streams the file system into the engine, so that it is written to the disk once."""
    incoming, outgoing = os.pipe()
    feeder = Thread(target=_feed, args=(os.fdopen(outgoing, "wb"), parts, installation))
    feeder.start()
    with os.fdopen(incoming, "rb") as stream:
        client.api.import_image_from_stream(stream, REPOSITORY, tag, changes=CHANGES)
    feeder.join()


def _feed(pipe: IO[bytes], parts: Parts, installation: Installation) -> None:
    # A pipe that breaks is the engine's refusal, which the other end is told.
    with suppress(BrokenPipeError), pipe, tarfile.open(fileobj=pipe, mode="w|") as image:
        with tarfile.open(parts.debian) as debian:
            for member in debian:
                image.addfile(member, debian.extractfile(member) if member.isreg() else None)
        with tempfile.TemporaryDirectory() as stage:
            for source, place in _added(parts, installation, Path(stage)):
                image.add(source, f"./{place}", filter=_plain)


def _added(parts: Parts, installation: Installation, stage: Path) -> Iterator[tuple[Path, str]]:
    """What lies upon Debian, and where; no folder that Debian has is named, since a path may come once only."""
    native.lay_out_libraries(stage, {native.DYNAMODB_LOCAL: Path("/", DYNAMODB_LOCAL), native.JAVA: Path("/", JAVA)})
    native.lay_out_plugin(stage / "plugin", on_loopback=False)
    yield stage / "var/lib/localstack", "var/lib/localstack"
    for folder in (stage / "plugin", _site_packages(installation)):
        yield from ((entry, f"{SITE_PACKAGES}/{entry.name}") for entry in folder.iterdir())
    yield installation.function_packages, FUNCTION_PACKAGES
    yield installation.dynamodb_local, DYNAMODB_LOCAL
    yield parts.java, JAVA


def _site_packages(installation: Installation) -> Path:
    return installation.folder / "venv" / "lib" / PYTHON / "site-packages"


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Root's, and of a whole second: a fraction would need a header of its own for each file."""
    if member.name.startswith(LEFT_OUT):
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = int(member.mtime)
    return member
