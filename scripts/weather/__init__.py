"""The parts of `scripts/night`: services that are down for a while, and the agent that asks them."""
