"""The parts of `scripts/test-agents`."""
