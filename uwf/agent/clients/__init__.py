"""What kinds of agents share: clients that speak JSON lines, models over HTTP, what is asked without a prompt."""
