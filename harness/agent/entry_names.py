"""Names that the deployer and the entry point agree on."""

ENTRY = "harness.agent.entry.handler"
CONTROL, HANDLER = "HARNESS_CONTROL", "HARNESS_HANDLER"
