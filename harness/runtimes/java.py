"""Finds a Java that DynamoDB Local runs on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

OLDEST = 17
PROBE_SECONDS = 20


def find_java_home() -> Path | None:
    """The home of a Java 17 or newer, from JAVA_HOME or PATH; None where there is none."""
    for home in _homes():
        program = home / "bin" / "java"
        if (home / "lib" / "server" / "libjvm.so").exists() and version_of(_told_by(program)) >= OLDEST:
            return home
    return None


def version_of(told: str) -> int:
    """The feature release in what `java -version` tells: 17 for `"17.0.15"`, 8 for `"1.8.0_412"`, 0 if none."""
    found = re.search(r'version "(?:1\.)?(\d+)', told)
    return int(found[1]) if found else 0


def _homes() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home)
    if program := shutil.which("java"):
        yield Path(program).resolve().parent.parent


def _told_by(program: Path) -> str:
    try:
        return subprocess.run([program, "-version"], capture_output=True, text=True, timeout=PROBE_SECONDS).stderr
    except (OSError, subprocess.TimeoutExpired):
        return ""
