"""The Python interface, and what the installed package says of itself."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import harness
from harness.errors import UserError

ROOT = Path(__file__).parents[2]
BASELINE = ROOT / "scenarios" / "baseline.yaml"
DUPLICATE_PUT = ROOT / "scenarios" / "duplicate_put.yaml"
HEAVY = "print(sorted({name.partition('.')[0] for name in sys.modules} & {'boto3', 'botocore', 'moto', 'harness'}))"


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_a_run_returns_what_it_showed(tmp_path: Path) -> None:
    """Verdict, counts, anomalies and history; printed, it is the finding."""
    outcome = harness.run(DUPLICATE_PUT, tmp_path, variant="stamped_put/naive", seed=0)
    assert (outcome.verdict, outcome.expectation_met, outcome.reasons) == ("invalid", True, ())
    assert outcome.counts["intents"] == 20
    assert {(anomaly.kind, anomaly.blame) for anomaly in outcome.anomalies} == {("duplicated", "writer")}
    assert any(operation.f == "effect" for operation in outcome.history.operations)
    assert str(outcome).startswith("INVALID  duplicate-put / stamped_put/naive   seed 0   embedded")
    assert Path(outcome.result.run_folder).is_relative_to(tmp_path)


def test_a_run_loads_only_what_it_uses(tmp_path: Path) -> None:
    """A queue for failures that gets no message needs no moto, and neither does a run need pytest."""
    scenario = f"{str(DUPLICATE_PUT)!r}, {str(tmp_path)!r}, variant='put/naive', seed=0, platform='embedded'"
    loaded = "sys.modules.keys() & {'boto3', 'moto', 'pytest', 'responses'}"
    assert python(f"import sys, harness; harness.run({scenario}); print(sorted({loaded}))") == "['boto3']"


def test_one_run_is_one_run(tmp_path: Path) -> None:
    """Where several variants are left, the error names them."""
    with pytest.raises(UserError, match="there are 8: put/naive with seed 0, put/idempotent with seed 0"):
        harness.run(str(DUPLICATE_PUT), tmp_path, seed=0)


def test_a_platform_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """No run falls back to another platform than the one that is named."""
    with pytest.raises(UserError, match=r"no LocalStack answers at http://127\.0\.0\.1:9"):
        harness.run(BASELINE, tmp_path, platform="localstack", endpoint="http://127.0.0.1:9")


def test_importing_the_package_loads_nothing_else() -> None:
    """The agent imports it at every cold start of a function."""
    assert python(f"import harness, sys; {HEAVY}") == "['harness']"
    assert python("import harness; print(hasattr(harness, 'runs'), harness.run.__module__)") == "False harness.api"


def test_the_version_is_written_once() -> None:
    """`__version__`, the installed distribution and `harness --version` agree."""
    printed = subprocess.run([sys.executable, "-m", "harness", "--version"], capture_output=True, text=True, check=True)
    assert printed.stdout == f"harness {harness.__version__}\n"
    assert version("exactly-once-harness") == harness.__version__
