"""For type checkers: what `__init__.py` imports on demand."""

from harness.api import RunOutcome as RunOutcome
from harness.api import run as run

__version__: str
