"""Agents: what runs a role. Their protocol and kinds, the processes behind them, and the reading of their replies."""
