"""`harness doctor`: what this machine has, what answers where, and which scenarios it could play."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from other_emulator import OTHERS, answering

from harness.cli import localstack

ROOT = Path(__file__).parents[3]


def told(*scenarios: Path) -> dict[str, list[str]]:
    """What is told of each thing, by its name: in lines of 80 columns, which break at no word."""
    said = CliRunner().invoke(localstack.doctor, [str(scenario) for scenario in scenarios], catch_exceptions=False)
    assert said.exit_code == 0
    rows: dict[str, list[str]] = {}
    name = ""
    for line in said.output.splitlines():
        assert len(line) <= 80 or " " not in line[23:]
        if line[:22].strip():
            name = line[:22].strip()
            rows.setdefault(name, []).append(line[22:].strip())
        else:
            rows[name][-1] += f" {line.strip()}"
    return rows


def test_it_names_what_the_machine_has() -> None:
    """Versions and programs, each in a line, whether they are there or not."""
    rows = told()
    assert {"harness", "embedded platform", "Python for `up`", "Java", "Docker"} <= set(rows)
    assert rows["harness"][0].startswith("0.")


def test_another_emulator_on_the_port_is_named_and_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its own name, not as LocalStack; it gets no request beyond its health."""
    monkeypatch.setattr(localstack, "ours", lambda: [])
    with answering(OTHERS["MiniStack 1.2.3"]) as other:
        port = urlsplit(other.endpoint).port
        assert port
        monkeypatch.setattr(localstack, "PORT", port)
        (said,) = told()[f"port {port}"]
    assert said.startswith("MiniStack 1.2.3, which harness did not start: it is left alone")
    assert other.asked == []


def test_each_scenario_is_told_for_each_platform(tmp_path: Path) -> None:
    """How many of its variants could be played, or why it could not."""
    broken = tmp_path / "broken.yaml"
    broken.write_text("scenario: broken\n")
    rows = told(ROOT / "scenarios" / "crash.yaml", ROOT / "scenarios" / "restart.yaml", broken)
    assert rows["crash.yaml"][0] == "embedded: 12 of 12 variants"
    assert rows["restart.yaml"][0] == "embedded: 0 of 4 variants"
    assert "is missing" in rows["broken.yaml"][0]
