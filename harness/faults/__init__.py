"""The faults that a scenario can name, the points where they act, and the nemesis that asks them.

A fault only decides on an action; the wire, the agent, the client, the dispatcher or the platform carries it out.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from harness.lazy_table import LazyTable

if TYPE_CHECKING:
    from harness.faults import actions as actions
    from harness.faults.base import Fault

FAULTS: LazyTable[type[Fault]] = LazyTable(
    {
        "crash": "harness.faults.pipeline:FunctionCrash",
        "delay": "harness.faults.wire:Latency",
        "disable_mapping": "harness.faults.pipeline:DisableMapping",
        "duplicate_put": "harness.faults.wire:DuplicatePut",
        "function_error": "harness.faults.pipeline:FunctionError",
        "kill_function": "harness.faults.pipeline:KillFunction",
        "kill_platform": "harness.faults.pipeline:KillPlatform",
        "leave_unprocessed": "harness.faults.wire:UnprocessedEntries",
        "lose_reply": "harness.faults.wire:LostReply",
        "lose_request": "harness.faults.wire:LostRequest",
        "noop": "harness.faults.wire:Noop",
        "partial_failure": "harness.faults.pipeline:FalseFailureReport",
        "pause_platform": "harness.faults.pipeline:PausePlatform",
        "recreate_mapping": "harness.faults.pipeline:RecreateMapping",
        "redeliver": "harness.faults.pipeline:RepeatedDelivery",
        "refuse": "harness.faults.wire:ErrorResponse",
        "restart_platform": "harness.faults.pipeline:RestartPlatform",
        "roll_back": "harness.faults.pipeline:LostCheckpoint",
        "slow_platform": "harness.faults.pipeline:SlowPlatform",
        "throttle_function": "harness.faults.pipeline:ThrottleFunction",
        "timeout": "harness.faults.pipeline:FunctionTimeout",
    }
)


def __getattr__(name: str) -> object:
    """The actions are imported when a fault decides on the first: what reads scenarios needs none."""
    if name == "actions":
        return import_module("harness.faults.actions")
    raise AttributeError(f"module 'harness.faults' has no attribute '{name}'")
