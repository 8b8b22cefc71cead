"""Benchmarks. Each prints ratios of things measured side by side in one run, never bare times to compare with."""
