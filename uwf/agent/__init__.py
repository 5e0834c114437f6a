"""Agents: what runs a role. Their protocol and kinds, the processes behind them, and the reading of their replies."""

APPROVAL = "approval"
"""The code of a run that has ended with a question to a person, which is no failure of the agent and has no class. Here
and not in `protocol`, because whoever looks at an attempt asks for it, and needs nothing else of agents.
"""
