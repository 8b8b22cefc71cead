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
        "crash": "harness.faults.function:FunctionCrash",
        "delay": "harness.faults.wire:Latency",
        "disable_mapping": "harness.faults.platform:DisableMapping",
        "duplicate_put": "harness.faults.wire:DuplicatePut",
        "function_error": "harness.faults.function:FunctionError",
        "kill_function": "harness.faults.platform:KillFunction",
        "kill_platform": "harness.faults.platform:KillPlatform",
        "leave_unprocessed": "harness.faults.wire:UnprocessedEntries",
        "lose_reply": "harness.faults.wire:LostReply",
        "lose_request": "harness.faults.wire:LostRequest",
        "noop": "harness.faults.wire:Noop",
        "partial_failure": "harness.faults.function:FalseFailureReport",
        "pause_platform": "harness.faults.platform:PausePlatform",
        "recreate_mapping": "harness.faults.platform:RecreateMapping",
        "redeliver": "harness.faults.platform:RepeatedDelivery",
        "refuse": "harness.faults.wire:ErrorResponse",
        "restart_platform": "harness.faults.platform:RestartPlatform",
        "roll_back": "harness.faults.platform:LostCheckpoint",
        "slow_platform": "harness.faults.platform:SlowPlatform",
        "throttle_function": "harness.faults.platform:ThrottleFunction",
        "timeout": "harness.faults.function:FunctionTimeout",
    }
)


def __getattr__(name: str) -> object:
    """The actions are imported when a fault decides on the first: what reads scenarios needs none."""
    if name == "actions":
        return import_module("harness.faults.actions")
    raise AttributeError(f"module 'harness.faults' has no attribute '{name}'")
