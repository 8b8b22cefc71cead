"""The cache folder: unpacked functions and installed programs, all of which can be made again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """HARNESS_CACHE, or `harness` in the user's cache folder (XDG_CACHE_HOME, else ~/.cache)."""
    folder = os.environ.get("HARNESS_CACHE")
    return Path(folder) if folder else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "harness"
