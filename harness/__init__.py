"""Measure whether a serverless pipeline is exactly-once."""
