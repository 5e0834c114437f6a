"""The parts of `scripts/stress`: a home, agents that misbehave, a crowd of uwf processes, and what became of them."""
