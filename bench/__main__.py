"""All benchmarks, one after another: `python -m bench`."""

from bench import call_cost, run_rate, startup

print("\n\n".join(benchmark.measure() for benchmark in (startup, call_cost, run_rate)))
