"""Benchmarks, one after another: `python -m bench` runs all, `python -m bench startup localstack` those two."""

import sys

from bench import call_cost, judging, localstack, memory, run_rate, startup

BENCHMARKS = {
    "startup": startup.measure,
    "lint": startup.measure_lint,
    "call_cost": call_cost.measure,
    "run_rate": run_rate.measure,
    "judging": judging.measure,
    "memory": memory.measure,
    "localstack": localstack.measure,
}

chosen = sys.argv[1:] or list(BENCHMARKS)
if unknown := [name for name in chosen if name not in BENCHMARKS]:
    sys.exit(f"bench: no benchmark is called {', '.join(unknown)}. Known: {', '.join(BENCHMARKS)}")
for place, name in enumerate(chosen):
    print("\n" * (place > 0) + BENCHMARKS[name](), flush=True)
