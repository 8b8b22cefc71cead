"""The checkers, in the order in which their findings are told."""

from harness.checkers import (
    completeness,
    dead_lettered,
    duplicated,
    lost,
    phantom,
    reordered,
    vacuity,
    wrong_final_state,
)
from harness.checkers.base import Checker

CHECKERS: dict[str, Checker] = {
    "lost": lost.check,
    "duplicated": duplicated.check,
    "phantom": phantom.check,
    "reordered": reordered.check,
    "wrong_final_state": wrong_final_state.check,
    "dead_lettered": dead_lettered.check,
    "completeness": completeness.check,
    "vacuity": vacuity.check,
}
