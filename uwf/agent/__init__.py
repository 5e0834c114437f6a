"""Agents: what runs a role. The seam they share, the processes behind them, and the reading of their replies."""
