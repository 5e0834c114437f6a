"""Sources of events that are polled: which pull requests to ask about, asking a forge, and what its answers mean."""
