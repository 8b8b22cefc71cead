"""Where LocalStack looks for what is not its own: our plugin, and the programs that it starts."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

EXECUTOR = Path(__file__).with_name("executor")
PLUGIN = "harness_executor"
# The places of what it would download, as its version 4.14 names them.
DYNAMODB_LOCAL, JAVA, KINESIS_MOCK = "dynamodb-local/2", "java/21", "kinesis-local/0.5.2"
LOOPBACK_HOOK = "stay_on_loopback"


def lay_out_libraries(root: Path, targets: Mapping[str, Path]) -> None:
    """Links where its own downloads would be, below the folder that it takes for the root of the file system."""
    libraries = root / "var" / "lib" / "localstack" / "lib"
    for place, target in targets.items():
        link = libraries / place
        link.parent.mkdir(parents=True)
        link.symlink_to(target)


def lay_out_plugin(folder: Path, *, on_loopback: bool = True) -> None:
    """The plugin as an installed package, for a folder on Python's path. In a container only 0.0.0.0 is reachable."""
    shutil.copytree(EXECUTOR, folder / PLUGIN, ignore=shutil.ignore_patterns("__pycache__"))
    package = folder / f"{PLUGIN}-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {PLUGIN}\nVersion: 1\n")
    entry_points = (folder / PLUGIN / "entry_points.txt").rename(package / "entry_points.txt")
    if not on_loopback:
        lines = entry_points.read_text().splitlines(keepends=True)
        entry_points.write_text("".join(line for line in lines if not line.startswith(LOOPBACK_HOOK)))


def function_of(output: Path) -> str:
    """The function whose process writes there; "" where that is no execution environment's log."""
    kind, _, name = [*output.parent.name.split("-", 2), "", ""][:3]
    return name if kind == "environment" else ""
