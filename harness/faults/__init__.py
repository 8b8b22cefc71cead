"""The faults that a scenario can name."""

from harness.faults.base import Fault
from harness.faults.crash import Crash
from harness.faults.delay import Delay
from harness.faults.disable_mapping import DisableMapping
from harness.faults.duplicate_put import DuplicatePut
from harness.faults.function_error import FunctionError
from harness.faults.kill_function import KillFunction
from harness.faults.kill_platform import KillPlatform
from harness.faults.leave_unprocessed import LeaveUnprocessed
from harness.faults.lose_reply import LoseReply
from harness.faults.lose_request import LoseRequest
from harness.faults.noop import Noop
from harness.faults.partial_failure import PartialFailure
from harness.faults.pause_platform import PausePlatform
from harness.faults.recreate_mapping import RecreateMapping
from harness.faults.redeliver import Redeliver
from harness.faults.refuse import Refuse
from harness.faults.restart_platform import RestartPlatform
from harness.faults.roll_back import RollBack
from harness.faults.slow_platform import SlowPlatform
from harness.faults.throttle_function import ThrottleFunction
from harness.faults.timeout import Timeout

FAULTS: dict[str, type[Fault]] = {
    "crash": Crash,
    "delay": Delay,
    "disable_mapping": DisableMapping,
    "duplicate_put": DuplicatePut,
    "function_error": FunctionError,
    "kill_function": KillFunction,
    "kill_platform": KillPlatform,
    "leave_unprocessed": LeaveUnprocessed,
    "lose_reply": LoseReply,
    "lose_request": LoseRequest,
    "noop": Noop,
    "partial_failure": PartialFailure,
    "pause_platform": PausePlatform,
    "recreate_mapping": RecreateMapping,
    "redeliver": Redeliver,
    "refuse": Refuse,
    "restart_platform": RestartPlatform,
    "roll_back": RollBack,
    "slow_platform": SlowPlatform,
    "throttle_function": ThrottleFunction,
    "timeout": Timeout,
}
