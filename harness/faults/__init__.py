"""The faults that a scenario can name."""

from harness.faults.base import Fault
from harness.faults.crash import Crash
from harness.faults.delay import Delay
from harness.faults.duplicate_put import DuplicatePut
from harness.faults.function_error import FunctionError
from harness.faults.lose_reply import LoseReply
from harness.faults.lose_request import LoseRequest
from harness.faults.noop import Noop
from harness.faults.partial_failure import PartialFailure
from harness.faults.redeliver import Redeliver
from harness.faults.refuse import Refuse
from harness.faults.roll_back import RollBack
from harness.faults.timeout import Timeout

FAULTS: dict[str, type[Fault]] = {
    "crash": Crash,
    "delay": Delay,
    "duplicate_put": DuplicatePut,
    "function_error": FunctionError,
    "lose_reply": LoseReply,
    "lose_request": LoseRequest,
    "noop": Noop,
    "partial_failure": PartialFailure,
    "redeliver": Redeliver,
    "refuse": Refuse,
    "roll_back": RollBack,
    "timeout": Timeout,
}
