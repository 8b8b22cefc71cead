"""The embedded platform: the whole pipeline in this process, in virtual time, with AWS's services imitated.

Start with `platform`, which puts it together and carries each request to its service. `simulation` is the scheduler,
`actors` are its tasks, `environment` holds the function's modules, `isolation` replaces Python's clocks and random
numbers, `services` are the imitated parts of AWS.
"""

from __future__ import annotations

import sys

# time_machine imports pytest wherever that is installed, for a fixture that nothing here uses: an eighth of a second.
# Under pytest, which loads it as a plugin, it has the fixture already.
if "pytest" not in sys.modules:
    sys.modules["pytest"] = None  # type: ignore[assignment]
    import time_machine  # noqa: F401

    del sys.modules["pytest"]
