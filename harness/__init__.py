"""Measures whether a serverless pipeline is exactly-once: faults, history, verdict. `runner.py` is START HERE.

From Python: `from harness import run`; `run("scenarios/crash.yaml", variant="naive").verdict`.
"""

from importlib import import_module

__version__ = "0.2.0"
__all__ = ["RunOutcome", "__version__", "run"]


def __getattr__(name: str) -> object:
    """`import harness` loads nothing else, because the agent in a function does it at every cold start."""
    if name in ("RunOutcome", "run"):
        return getattr(import_module("harness.api"), name)
    raise AttributeError(f"module 'harness' has no attribute '{name}'")
