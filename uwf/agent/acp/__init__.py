"""The Agent Client Protocol: what is said from both sides, and what an agent asks to be permitted."""
