"""The faults that a scenario can name."""

from collections.abc import Iterator, Mapping
from importlib import import_module

from harness.faults.base import Fault

_WORDS = (
    *("crash", "delay", "disable_mapping", "duplicate_put", "function_error", "kill_function", "kill_platform"),
    *("leave_unprocessed", "lose_reply", "lose_request", "noop", "partial_failure", "pause_platform"),
    *("recreate_mapping", "redeliver", "refuse", "restart_platform", "roll_back", "slow_platform"),
    *("throttle_function", "timeout"),
)


class _Faults(Mapping[str, type[Fault]]):
    """The classes by their words, each loaded when it is asked for: a function's cold start waits for no other."""

    def __getitem__(self, word: str) -> type[Fault]:
        if word not in _WORDS:
            raise KeyError(word)
        name = word.title().replace("_", "")
        fault_class: type[Fault] = getattr(import_module(f"{__name__}.{word}"), name)
        return fault_class

    def __iter__(self) -> Iterator[str]:
        return iter(_WORDS)

    def __len__(self) -> int:
        return len(_WORDS)


FAULTS = _Faults()
