"""`python -m harness`."""

import gc

# Little of what is made while modules, scenarios and templates are read is garbage. Looking for it every 700 objects,
# which is the interpreter's own choice, takes a tenth of the time of a short command.
gc.set_threshold(100_000)

from harness.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
