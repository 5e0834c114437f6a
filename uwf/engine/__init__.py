"""Threads: what they are, how they take a step, and what may be done with them."""
