"""Runs taken from a queue that many machines share: what `uwf worker run` does, and asking workers for something."""
